"""People: how they come in, sign in, get keys and leave (spec section 2, "People")."""
