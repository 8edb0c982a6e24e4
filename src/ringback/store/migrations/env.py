"""Run by Alembic to migrate, over the connection and in the transaction of `migrate`."""

from __future__ import annotations

from alembic import context

from ringback.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
)
with context.begin_transaction():
    context.run_migrations()
