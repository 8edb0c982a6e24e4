"""Guards: what is never dialled, and how often a number may be called back (spec section 8)."""
