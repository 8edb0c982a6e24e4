"""Opening the store that a URL names."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError

from ringback.store.errors import StoreUnusable
from ringback.store.port import Store
from ringback.store.postgresql import PostgresqlStore, postgresql_engine, postgresql_name
from ringback.store.sqlite import SqliteStore, sqlite_engine


def open_store(url: str, *, serving: bool = False) -> Store:
    """The store of a database whose tables `migrate` has made. `serving`: to serve calls from it,
    which only one process at a time may do. Raises StoreError."""
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        return SqliteStore(Path(str(parsed.database)), serving=serving)
    return PostgresqlStore(parsed, serving=serving)


def is_missing(url: str) -> bool:
    """Whether the URL names an SQLite file that does not exist yet. Raises StoreUnusable."""
    parsed = database_url(url)
    return parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).exists()


def database_files(url: str) -> list[Path]:
    """The file of an SQLite database, and those that SQLite keeps beside it; none of another
    database. Raises StoreUnusable."""
    parsed = database_url(url)
    if parsed.get_backend_name() != "sqlite":
        return []
    file = Path(str(parsed.database))
    return [file, *(file.with_name(file.name + ending) for ending in ("-wal", "-shm"))]


def has_password(url: str) -> bool:
    """Whether a password stands in the URL. Raises StoreUnusable."""
    parsed = database_url(url)
    return parsed.password is not None or "password" in parsed.query


def open_engine(url: URL, *, read_only: bool = False) -> Engine:
    """An engine for work on the tables themselves. `read_only`: a transaction has one view of
    them. SQLite makes a table anew to change it, which it does only while it enforces no foreign
    keys: whoever changes tables checks them afterwards."""
    if url.get_backend_name() == "sqlite":
        return sqlite_engine(Path(str(url.database)), read_only=read_only, enforce=False)
    return postgresql_engine(url, read_only=read_only)


def database_url(url: str) -> URL:
    """The URL of an SQLite file or of a PostgreSQL database. Raises StoreUnusable for any other."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreUnusable(
            "[database] url is not a URL: write sqlite:///data/ringback.db for a file in the "
            "folder `data`, with four slashes for an absolute path, or postgresql://user@host/name"
        ) from error
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database and parsed.database != ":memory:":
        return parsed
    if backend == "postgresql" and parsed.database:
        return parsed
    raise StoreUnusable(
        f"[database] url {parsed.render_as_string()!r} names no database: write sqlite:/// and the "
        "path of a file, or postgresql://user@host/name"
    )


def name_of(url: URL) -> str:
    """What messages call a database; its password is left out."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    return postgresql_name(url)
