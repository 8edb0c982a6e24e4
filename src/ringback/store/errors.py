"""What can go wrong with the database, each with what is wrong and how to mend it."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError


class StoreError(Exception):
    """The store could not do a unit of work. Nothing of the unit has been kept."""


class StoreFull(StoreError):
    """The disk is full."""


class StoreBusy(StoreError):
    """Another process holds the database, for longer than we wait."""


class StoreCorrupt(StoreError):
    """The file is damaged, or is no database."""


class StoreUnusable(StoreError):
    """The file cannot be opened, read or written."""


class StoreVersionError(StoreError):
    """The tables are not those of this version of Ringback."""


class StoreClosed(StoreError):
    """The store has been closed."""


BUSY_SECONDS = 5.0
"""So long a unit of work waits for another process that writes."""

_KINDS: dict[str, tuple[type[StoreError], str]] = {
    "FULL": (StoreFull, "the disk is full: free some space there"),
    "BUSY": (
        StoreBusy,
        f"another process has kept it locked for {BUSY_SECONDS:.0f} s: let it finish, or end it "
        "(`fuser` names it)",
    ),
    "LOCKED": (StoreBusy, "another statement of the same process keeps it locked"),
    "CORRUPT": (StoreCorrupt, "it is damaged: stop the server and restore a backup"),
    "NOTADB": (StoreCorrupt, "it is not an SQLite database: see [database] url"),
    "READONLY": (StoreUnusable, "it may not be written: see owner and mode of it and its folder"),
    "CANTOPEN": (StoreUnusable, "it cannot be opened: see that its folder exists, and its mode"),
    "PERM": (StoreUnusable, "access is denied: see owner and mode of it and its folder"),
    "IOERR": (StoreUnusable, "the disk fails to read or write: see the system's log"),
}
"""By SQLite's primary result codes, https://www.sqlite.org/rescode.html."""


def store_error(error: DBAPIError | sqlite3.Error, where: str) -> StoreError | None:
    """The StoreError for what the database in `where` raised. None where the statement is at
    fault, for instance when a constraint refused it, which is the business of its author."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(cause, "sqlite_errorname", "").removeprefix("SQLITE_").split("_")[0]
    if name not in _KINDS:
        return None
    kind, mending = _KINDS[name]
    return kind(f"database {where}: {mending} ({cause})")
