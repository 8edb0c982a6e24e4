"""From the URL of a database to its store."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from ringback.store.errors import StoreUnusable
from ringback.store.port import Store
from ringback.store.sqlite import SqliteStore


def open_store(url: str, *, serving: bool = False) -> Store:
    """The store of a database whose tables `migrate` has made. `serving`: for taking calls, which
    one process at a time may do on an SQLite file. Raises StoreError."""
    return SqliteStore(sqlite_path(url), serving=serving)


def sqlite_path(url: str) -> Path:
    """The file that an `sqlite:///` URL names. Raises StoreUnusable for any other URL."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreUnusable(
            "[database] url is no URL: write sqlite:///data/ringback.db for a file in the folder "
            "`data`, with four slashes for an absolute path"
        ) from error
    if (
        parsed.get_backend_name() != "sqlite"
        or not parsed.database
        or parsed.database == ":memory:"
    ):
        raise StoreUnusable(
            f"[database] url {parsed.render_as_string()!r}: this version keeps its data in an "
            "SQLite file: write sqlite:/// and its path"
        )
    return Path(parsed.database)
