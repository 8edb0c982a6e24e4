"""Bringing the tables up to date, with Alembic but without its file of settings."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, text

from ringback.store.errors import DATABASE_ERRORS, StoreUnusable, StoreVersionError, failure
from ringback.store.opening import database_url, name_of, open_engine
from ringback.store.postgresql import encoding_fault
from ringback.store.revision import current_revision
from ringback.store.rows import check_references

_ALONE = text("SELECT pg_advisory_xact_lock(hashtext('ringback migrates'))")


def migrate(url: str) -> None:
    """Create the tables of the database at `url`, or bring them up to date: either all of it is
    done or nothing.

    Raises StoreError, also if a newer Ringback made the tables.
    """
    parsed = database_url(url)
    where = name_of(parsed)
    make_file(parsed)
    engine = open_engine(parsed)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(_ALONE)  # SQLite lets in only one writer anyway
            upgrade(connection, where)
    except DATABASE_ERRORS as error:
        raise failure(error, where) from error
    finally:
        engine.dispose()


def make_file(url: URL) -> None:
    """An SQLite file that is not there yet is made for its owner only; SQLite gives those beside it
    the same mode. Whatever keeps it from being made, SQLite tells."""
    if url.get_backend_name() == "sqlite":
        with contextlib.suppress(OSError):
            os.close(os.open(str(url.database), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def alembic_config(connection: Connection) -> Config:
    """Alembic's settings to migrate over an open connection."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, where: str, revision: str = "head") -> None:
    """Bring the tables up to a revision, within a transaction. Raises StoreVersionError where they
    are, or are to be, those of a newer Ringback; ValueError where rows refer to nothing."""
    config = alembic_config(connection)
    current = current_revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current is not None and current not in known:
        raise StoreVersionError(
            f"database {where}: its tables (revision {current}) were made by a newer Ringback: "
            "use that one"
        )
    if revision not in {*known, "head"}:
        raise StoreVersionError(
            f"tables of revision {revision} were made by a newer Ringback: use that one"
        )
    if current is None and (wrong := encoding_fault(connection)) is not None:
        raise StoreUnusable(f"database {where}: {wrong}")
    command.upgrade(config, revision)
    check_references(connection)
