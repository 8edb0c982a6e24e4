"""Charging (spec section 6): rating, the ledger, the meter of a session, and who pays."""
