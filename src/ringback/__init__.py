"""Ringback: a callback-calling server."""
