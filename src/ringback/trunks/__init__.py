"""Trunks and routes in the database: what may be said of them, how they are changed and read."""
