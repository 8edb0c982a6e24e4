"""Bringing the tables up to date, with Alembic and without a file of settings."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ringback.store.errors import StoreError, StoreVersionError, store_error
from ringback.store.opening import sqlite_path
from ringback.store.revision import current_revision
from ringback.store.sqlite import sqlite_engine


def migrate(url: str) -> None:
    """Create the tables of the database at `url`, or bring them up to date, all or nothing.

    Raises StoreError: also when they were made by a newer Ringback.
    """
    path = sqlite_path(url)
    engine = sqlite_engine(path)
    try:
        with engine.begin() as connection:
            _upgrade(connection, str(path))
    except (DBAPIError, sqlite3.Error) as error:
        raise store_error(error, str(path)) or StoreError(f"database {path}: {error}") from error
    finally:
        engine.dispose()


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings for migrating over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection, where: str) -> None:
    config = alembic_config(connection)
    current = current_revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise StoreVersionError(
            f"database {where}: its tables (revision {current}) were made by a newer Ringback: "
            "use that one"
        )
    command.upgrade(config, "head")
