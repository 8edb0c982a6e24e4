"""What can go wrong with the database; each error says what is wrong and how to mend it."""

from __future__ import annotations

import sqlite3

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

DATABASE_ERRORS = (SQLAlchemyError, sqlite3.Error, psycopg.Error)
"""The exceptions of a database, raised through SQLAlchemy or by a connection that is used
directly."""


class StoreError(Exception):
    """The store could not do a unit of work. Nothing that the unit did has been kept."""


class StoreFull(StoreError):
    """The disk is full."""


class StoreBusy(StoreError):
    """Another process has held the database for longer than we wait."""


class StoreConflict(StoreBusy):
    """Other transactions got in the way of this one; another try may well succeed."""


class StoreCorrupt(StoreError):
    """The file is damaged, or is not a database."""


class StoreUnusable(StoreError):
    """The file cannot be opened, read or written."""


class StoreUnreachable(StoreError):
    """The database server does not answer, or refuses to let us in."""


class StoreVersionError(StoreError):
    """The tables are of another version than this Ringback needs."""


class StoreClosed(StoreError):
    """The store has been closed."""


BUSY_SECONDS = 5.0
"""How long a unit of work waits for another process that is writing."""

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


_STATES: dict[str, tuple[type[StoreError], str]] = {
    "08": (StoreUnreachable, "the connection was lost: see that PostgreSQL runs, and its log"),
    "25006": (
        StoreUnusable,
        "it may not be written: it is a standby, or default_transaction_read_only is set",
    ),
    "28": (StoreUnreachable, "it refuses the user: see user and password in [database] url"),
    "3D000": (StoreUnreachable, "there is no such database: make it with `createdb`"),
    "40": (StoreConflict, "other transactions kept getting in the way: try again"),
    "42501": (StoreUnusable, "the user may not do that: let it own the database and its tables"),
    "53100": (StoreFull, "the disk is full: free some space there"),
    "53300": (StoreBusy, "it has too many connections: raise max_connections"),
    "53": (StoreBusy, "the server is short of something: see its log"),
    "55P03": (
        StoreBusy,
        f"another transaction has kept a row locked for {BUSY_SECONDS:.0f} s: let it finish, or "
        "end it (pg_stat_activity names it)",
    ),
    "57014": (StoreBusy, "a statement took too long and was given up: see the load of the server"),
    "57P": (StoreUnreachable, "PostgreSQL is stopping or starting: see its log"),
    "58": (StoreUnusable, "the disk fails to read or write: see the log of PostgreSQL"),
    "XX001": (StoreCorrupt, "it is damaged: stop the server and restore a backup"),
    "XX002": (StoreCorrupt, "an index is damaged: run `reindexdb`"),
}
"""By the beginning of the SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html;
if two match, the longer one counts."""
_UNREACHABLE = (
    StoreUnreachable,
    "it cannot be reached: see that PostgreSQL runs there, and host, port, name, user and password "
    "in [database] url",
)
"""For an error of the client's own library, which has no SQLSTATE."""


def store_error(error: Exception, where: str) -> StoreError | None:
    """The StoreError for an exception that the database in `where` raised, one of DATABASE_ERRORS.
    None if the statement itself is at fault, because it violates a constraint for instance: that is
    for its author to handle."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    known = _of_postgresql(cause) if isinstance(cause, psycopg.Error) else _of_sqlite(cause)
    if known is None:
        return None
    kind, mending = known
    return kind(f"database {where}: {mending} ({' '.join(str(cause).split())})")


def failure(error: Exception, where: str) -> StoreError:
    """The StoreError for any of DATABASE_ERRORS. Of a statement that is at fault it says no more
    than the first line, since what comes after that has values, which may be secrets."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    first = (str(cause).splitlines() or [type(cause).__name__])[0]
    return store_error(error, where) or StoreError(f"database {where}: {first}")


def _of_sqlite(cause: BaseException | None) -> tuple[type[StoreError], str] | None:
    name = getattr(cause, "sqlite_errorname", "").removeprefix("SQLITE_").split("_")[0]
    return _KINDS.get(name)


def _of_postgresql(cause: psycopg.Error) -> tuple[type[StoreError], str] | None:
    if cause.sqlstate is None:
        return _UNREACHABLE if isinstance(cause, psycopg.OperationalError) else None
    fitting = [state for state in _STATES if cause.sqlstate.startswith(state)]
    return _STATES[max(fitting, key=len)] if fitting else None
