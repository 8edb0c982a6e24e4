"""What there is, as entries of a setup file that bring it about again (spec section 11): read some
at a time, without secrets and money, and without what has been deleted."""
