"""Accounts of every level, extensions included: made, changed, deleted, listed (spec section 2)."""
