"""The embedded default: an SQLite file."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, PoolProxiedConnection, create_engine, event

from ringback.store.errors import (
    BUSY_SECONDS,
    DATABASE_ERRORS,
    StoreBusy,
    StoreError,
    StoreUnusable,
    store_error,
)
from ringback.store.revision import check_revision
from ringback.store.worker import StoreThread, Unit, lost_half_way

T = TypeVar("T")


class SqliteStore:
    """A store in an SQLite file, whose tables `migrate` has made.

    One thread with one connection writes: it takes all the units of work that wait, each in a
    savepoint, into one transaction. Another reads. Other processes may have the file open beside
    it (WAL), and wait for each other when they write; but only one may serve calls from it.
    """

    def __init__(self, path: Path, *, serving: bool = False) -> None:
        """`serving`: no other process may serve from the same file while this store is open.
        Raises StoreError when the file cannot be used."""
        self._lock = _lock(path) if serving else None
        writing, reading = sqlite_engine(path), sqlite_engine(path, read_only=True)
        try:
            with reading.connect() as connection:  # it must not wait for whoever writes
                check_revision(connection, str(path))
        except DATABASE_ERRORS as error:
            raise store_error(error, str(path)) or StoreError(
                f"database {path}: {error}"
            ) from error
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
    """Each unit in a savepoint of its own, the batch in one transaction."""

    def transact(self, batch: list[Unit]) -> None:
        with self.engine.connect() as connection, connection.begin():
            # Of sqlite3 itself: savepoints made by SQLAlchemy cost as much as a small unit does.
            plain: Any = connection.connection.driver_connection
            for unit in batch:
                plain.execute("SAVEPOINT unit")
                self.one(connection, unit)
                if not plain.in_transaction:
                    # After some errors, a full disk for one, SQLite has rolled back by itself, and
                    # with it the units before (https://www.sqlite.org/lang_transaction.html, 3).
                    raise lost_half_way(unit.error, self.where)
                if unit.error is not None:
                    plain.execute("ROLLBACK TO unit")
                plain.execute("RELEASE unit")


class SqliteReader(StoreThread):
    """The units of a batch in one view of the database."""

    def transact(self, batch: list[Unit]) -> None:
        with self.engine.connect() as connection, connection.begin():
            for unit in batch:
                self.one(connection, unit)


def sqlite_engine(path: Path, *, read_only: bool = False) -> Engine:
    """An engine with one connection to a file, prepared as `prepare` does."""
    engine = create_engine(
        f"sqlite:///{path}",
        pool_size=1,
        max_overflow=0,
        # The pool hands its one connection to one thread at a time.
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )
    prepare(engine, read_only=read_only)
    return engine


def prepare(engine: Engine, *, read_only: bool = False) -> None:
    """Have the engine's connections keep what is committed (WAL survives a power cut only with
    synchronous = FULL) and hold to foreign keys, and its transactions begin as they should."""

    def connected(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None  # sqlite3 would begin transactions late, and deferred
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        if read_only:
            connection.execute("PRAGMA query_only = ON")

    def begin(dbapi_connection: PoolProxiedConnection) -> None:
        # IMMEDIATE takes the write lock at once. A transaction that reads first could otherwise
        # find at its first write that another process has written in between, and fail.
        dbapi_connection.cursor().execute("BEGIN" if read_only else "BEGIN IMMEDIATE")

    event.listen(engine, "connect", connected)
    # A listener to "begin" would make every statement look for listeners of its own, which costs
    # a quarter of it.
    engine.dialect.do_begin = begin  # type: ignore[method-assign]


def _lock(path: Path) -> int:
    """The lock file's descriptor; the lock goes with the process."""
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
