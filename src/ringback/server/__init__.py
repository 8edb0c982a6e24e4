"""The server: the parts put together, and run."""
