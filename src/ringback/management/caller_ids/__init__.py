"""Authorized callerIDs: added, changed, found, unlocked, and many of them at once."""
