"""Callback extensions and their setups."""
