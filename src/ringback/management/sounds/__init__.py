"""Sounds and their folders (spec section 7)."""
