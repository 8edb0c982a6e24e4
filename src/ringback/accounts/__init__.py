"""Accounts, extensions with their callback setups, and authorized callerIDs."""
