"""The revision of the tables that this version of Ringback works with."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from ringback.store.errors import StoreVersionError

REVISION = "0024"
"""The newest migration. A test compares it with `migrations/versions`."""


def current_revision(connection: Connection) -> str | None:
    """The revision of a database's tables; None if it has no tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def check_revision(connection: Connection, where: str) -> None:
    """Raises StoreVersionError if the tables are of another revision than this version needs."""
    current = current_revision(connection)
    if current is None:
        raise StoreVersionError(
            f"database {where}: it has no tables yet: `ringback serve` makes them"
        )
    if current != REVISION:
        raise StoreVersionError(
            f"database {where}: its tables are of revision {current}, this Ringback needs "
            f"{REVISION}: use the Ringback that made them, or let `ringback serve` of this one "
            "bring an older database up to date"
        )
