"""The store in an SQLite file, which is the default."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.engine.interfaces import DBAPICursor

from ringback.store.errors import (
    BUSY_SECONDS,
    DATABASE_ERRORS,
    StoreBusy,
    StoreUnusable,
    failure,
)
from ringback.store.revision import check_revision
from ringback.store.worker import StoreThread, Unit, lost_half_way

T = TypeVar("T")

ASK_AGAIN_SECONDS = 0.001
"""How long a writer waits before it asks for the lock again."""


class SqliteStore:
    """A store in an SQLite file, whose tables `migrate` has made.

    One thread with one connection writes: it puts all units of work that wait into one transaction,
    each in a savepoint. Another thread reads. Other processes may open the file at the same time
    (WAL), and wait for each other when they write; but only one may serve calls from it.
    """

    def __init__(self, path: Path, *, serving: bool = False) -> None:
        """`serving`: no other process may serve from the same file while this store is open. Raises
        StoreError if the file cannot be used."""
        self._lock = _lock(path) if serving else None
        writing, reading = sqlite_engine(path), sqlite_engine(path, read_only=True)
        try:
            with reading.connect() as connection:  # a reader must not wait for a writer
                check_revision(connection, str(path))
        except DATABASE_ERRORS as error:
            raise failure(error, str(path)) from error
        self._engines = (writing, reading)
        self._writer = SqliteWriter(writing, str(path), "store-writer")
        self._reader = SqliteReader(reading, str(path), "store-reader")

    async def run(self, work: Callable[[Connection], T]) -> T:
        return await self._writer.submit(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._reader.submit(work)

    async def close(self) -> None:
        await self._writer.close()
        await self._reader.close()
        for engine in self._engines:
            engine.dispose()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class SqliteWriter(StoreThread):
    """Does each unit in a savepoint of its own, and the batch in one transaction."""

    def transact(self, batch: list[Unit]) -> None:
        with self.engine.connect() as connection, connection.begin():
            # Done with sqlite3 directly: a savepoint made by SQLAlchemy costs as much as a small
            # unit.
            plain: Any = connection.connection.driver_connection
            for unit in batch:
                plain.execute("SAVEPOINT unit")
                self.one(connection, unit)
                if not plain.in_transaction:
                    # After some errors, such as a full disk, SQLite has already rolled back by
                    # itself, and with it the units before
                    # (https://www.sqlite.org/lang_transaction.html, section 3).
                    raise lost_half_way(unit.error, self.where)
                if unit.error is not None:
                    plain.execute("ROLLBACK TO unit")
                plain.execute("RELEASE unit")


class SqliteReader(StoreThread):
    """Does the units of a batch in one view of the database."""

    def transact(self, batch: list[Unit]) -> None:
        with self.engine.connect() as connection, connection.begin():
            for unit in batch:
                self.one(connection, unit)


def sqlite_engine(path: Path, *, read_only: bool = False, enforce: bool = True) -> Engine:
    """An engine with one connection to a file, set up by `prepare`."""
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=1,
        max_overflow=0,
        # The pool hands its only connection to one thread at a time.
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        hide_parameters=True,  # the values of a statement that fails may be secrets
    )
    prepare(engine, read_only=read_only, enforce=enforce)
    return engine


def prepare(engine: Engine, *, read_only: bool = False, enforce: bool = True) -> None:
    """Have the engine's connections keep what is committed (with WAL, only synchronous = FULL
    survives a power cut) and `enforce` foreign keys, and have transactions begin as they should."""
    keys = f"foreign_keys = {'ON' if enforce else 'OFF'}"

    def connected(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None  # sqlite3 would begin them too late, and deferred
        for pragma in ("journal_mode = WAL", "synchronous = FULL", keys):
            connection.execute(f"PRAGMA {pragma}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")
        else:
            connection.execute("PRAGMA busy_timeout = 0")  # `_begin_writing` waits

    def begin(dbapi_connection: PoolProxiedConnection) -> None:
        cursor = dbapi_connection.cursor()
        if read_only:
            cursor.execute("BEGIN")
        else:
            _begin_writing(cursor)

    event.listen(engine, "connect", connected)
    # With a listener to "begin", every statement would look for listeners of its own, which takes a
    # quarter of its time.
    engine.dialect.do_begin = begin  # type: ignore[method-assign]


def _begin_writing(cursor: DBAPICursor) -> None:
    """Take the write lock at once. Otherwise a transaction that reads first may find, at its first
    write, that another process has written in between, and fail.

    SQLite itself would ask for the lock less and less often, and might never meet a moment at which
    another process that writes again and again does not have it.
    """
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(ASK_AGAIN_SECONDS)


def _lock(path: Path) -> int:
    """Lock the file, and return the descriptor of the lock file; the lock ends with the process."""
    lock = path.with_name(path.name + ".lock")
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnusable(
            f"database {path}: {lock} cannot be opened: {error.strerror}"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StoreBusy(
            f"database {path}: another server serves from it: stop that one, or give this one a "
            "data_dir of its own"
        ) from error
    return descriptor
