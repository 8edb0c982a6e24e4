"""Alembic's migrations, run by `ringback.store.migrate`."""
