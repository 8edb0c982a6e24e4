"""`ringback caller-ids` and `ringback unlock`."""
