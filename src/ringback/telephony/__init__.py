"""Telephony: the port through which calls are made and taken. Engines implement it."""
