"""A store in a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from ringback.store.errors import (
    BUSY_SECONDS,
    DATABASE_ERRORS,
    StoreBusy,
    StoreConflict,
    StoreError,
    StoreUnreachable,
    failure,
    store_error,
)
from ringback.store.revision import check_revision
from ringback.store.worker import StoreThread, Unit, lost_half_way

T = TypeVar("T")

ATTEMPTS = 5
"""How often a batch is tried when other transactions get in its way."""
STATEMENT_SECONDS = 30
TAKE_OVER_SECONDS = 2
"""How many seconds a new server waits for PostgreSQL to notice that the one before has died."""
_SERVING = int.from_bytes(b"ringback")
"""The advisory lock of the process that serves calls from the database."""
_REACH = {
    "connect_timeout": "5",
    # A cut cable is noticed within half a minute instead of two hours.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
    "application_name": "ringback",
}
"""libpq's settings for a connection, unless the URL sets them."""
_NOTICE = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
}
"""The same for PostgreSQL's end, which holds locks for us, the server's lock among them."""


class PostgresqlStore:
    """A store in a PostgreSQL database, whose tables `migrate` has made.

    As with SQLite, one thread with one connection writes, and puts all units that wait into one
    transaction. A balance that hundreds of calls draw on then costs one commit a batch and not one
    a call, and the units of one server never wait for each other's locks. Other processes write
    beside it, so a unit locks rows before it decides by what they hold.
    """

    def __init__(self, url: URL, *, serving: bool = False) -> None:
        """`serving`: no other process may serve from the same database while this store is open.
        Raises StoreError if the database cannot be used."""
        where = postgresql_name(url)
        writing = postgresql_engine(url, seconds=STATEMENT_SECONDS)
        reading = postgresql_engine(url, seconds=STATEMENT_SECONDS, read_only=True)
        if serving:
            event.listen(writing, "connect", _serve_alone(where))
        try:
            with writing.connect() as connection:
                check_revision(connection, where)
        except DATABASE_ERRORS as error:
            writing.dispose()
            raise failure(error, where) from error
        except StoreError:
            writing.dispose()
            raise
        self._engines = (writing, reading)
        self._writer = PostgresqlWorker(writing, where, "store-writer")
        self._reader = PostgresqlWorker(reading, where, "store-reader")

    async def run(self, work: Callable[[Connection], T]) -> T:
        return await self._writer.submit(work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await self._reader.submit(work)

    async def close(self) -> None:
        await self._writer.close()
        await self._reader.close()
        for engine in self._engines:
            engine.dispose()


class PostgresqlWorker(StoreThread):
    """Does the units of a batch in one transaction.

    A savepoint costs as much as a statement, and few units fail. So a batch is first done without
    savepoints, and done again with one for each unit if a unit has failed.
    """

    def transact(self, batch: list[Unit]) -> None:
        todo, savepoints, tries = batch, False, 1
        while True:
            try:
                if self._try(todo, savepoints=savepoints, hurried=len(todo) < len(batch)):
                    return
                # A unit that has waited for a lock for long enough is not done again.
                todo = [unit for unit in todo if not isinstance(unit.error, StoreBusy)]
                savepoints = True
            except (StoreConflict, StoreUnreachable):
                # Nothing was committed: there was a deadlock, or the connection had died while it
                # was idle.
                if tries == ATTEMPTS:
                    raise
                tries += 1
            for unit in todo:
                unit.result = unit.error = None

    def _try(self, batch: list[Unit], *, savepoints: bool, hurried: bool) -> bool:
        """Do the batch; False if a unit failed, and nothing was kept of the others."""
        with self.engine.connect() as connection:
            try:
                if savepoints:
                    self._in_savepoints(connection, batch, hurried=hurried)
                elif not self._together(connection, batch):
                    return len(batch) == 1
                number = connection.execute(_NUMBER).scalar_one()
            except DATABASE_ERRORS as error:
                if isinstance(error, psycopg.OperationalError):
                    connection.invalidate()  # SQLAlchemy has not noticed
                raise store_error(error, self.where) or error from error
            try:
                connection.commit()
                return True
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
        if number is not None and not self._was_committed(number):
            raise StoreConflict(f"database {self.where}: the connection was lost before the commit")
        return True

    def _together(self, connection: Connection, batch: list[Unit]) -> bool:
        for unit in batch:
            self._do(connection, unit)
            if unit.error is not None:
                return False
        return True

    def _in_savepoints(self, connection: Connection, batch: list[Unit], *, hurried: bool) -> None:
        """Do each unit in a savepoint. `hurried`: wait for locks only briefly, since one unit has
        used up the wait for all of them."""
        # The driver's own connection sends two statements in one message, without a cursor.
        plain: Any = connection.connection.driver_connection
        if hurried:
            plain.execute(_HURRY)
        plain.execute("SAVEPOINT unit")
        for unit in batch:
            self._do(connection, unit)
            if plain.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
                raise lost_half_way(unit.error, self.where)
            if unit.error is not None:
                plain.execute("ROLLBACK TO unit")
            elif unit is not batch[-1]:
                plain.execute("RELEASE unit; SAVEPOINT unit", prepare=False)

    def _do(self, connection: Connection, unit: Unit) -> None:
        self.one(connection, unit)
        if isinstance(unit.error, (StoreConflict, StoreUnreachable)):
            raise unit.error

    def _was_committed(self, number: int) -> bool:
        """Whether a transaction was committed whose connection was lost during the commit."""
        unknown = (
            f"database {self.where}: the connection was lost in a commit: whether it was kept "
            "cannot be known"
        )
        try:
            with self.engine.connect() as connection:
                status = connection.execute(_STATUS, {"number": number}).scalar_one()
        except DATABASE_ERRORS as error:
            raise StoreError(f"{unknown} ({error})") from error
        if status == "in progress":
            raise StoreError(unknown)
        return bool(status == "committed")


_HURRY = "SET LOCAL lock_timeout = '100ms'"
_NUMBER = text("SELECT pg_current_xact_id_if_assigned()::text::bigint")
_STATUS = text("SELECT pg_xact_status((:number)::text::xid8)")


def postgresql_name(url: URL) -> str:
    """What messages call a database; the password, which may be in the query too, is left out."""
    host = url.host or url.query.get("host") or "the local socket"
    return f"{url.database} on {host}" + (f":{url.port}" if url.port else "")


def encoding_fault(tx: Connection) -> str | None:
    """Why a PostgreSQL database cannot hold every text; None if it can, and for SQLite."""
    if tx.dialect.name != "postgresql":
        return None
    encoding = tx.execute(text("SHOW server_encoding")).scalar_one()
    if encoding == "UTF8":
        return None
    return (
        f"it is in {encoding}, which cannot hold every name: make another with "
        "`createdb --encoding UTF8 --template template0`"
    )


def postgresql_engine(url: URL, *, seconds: int = 0, read_only: bool = False) -> Engine:
    """An engine with one connection, on which a statement may take `seconds` at most, or any time
    if that is 0."""
    engine = create_engine(
        url.set(drivername="postgresql+psycopg", query={**_REACH, **url.query}),
        pool_size=1,
        max_overflow=0,
        # A batch of reads has one view of the database; when writing, each statement sees what has
        # been committed.
        isolation_level="REPEATABLE READ" if read_only else "READ COMMITTED",
        hide_parameters=True,  # the values of a statement that fails may be secrets
    )

    def connected(connection: psycopg.Connection[Any], record: Any) -> None:
        settings = {
            "lock_timeout": f"{BUSY_SECONDS}s",
            "statement_timeout": f"{seconds}s",
            **_NOTICE,
        }
        for name, value in settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", (name, value))
        connection.commit()
        connection.read_only = read_only or None  # None: as the server sets it

    event.listen(engine, "connect", connected)
    return engine


def _serve_alone(where: str) -> Callable[[psycopg.Connection[Any], Any], None]:
    """Have the writing connection hold the server's lock. The lock goes when the connection does,
    and nothing is written without it, not even by a server that was thought dead."""

    def connected(connection: psycopg.Connection[Any], record: Any) -> None:
        try:
            connection.execute(f"SET LOCAL lock_timeout = '{TAKE_OVER_SECONDS}s'")
            connection.execute("SELECT pg_advisory_lock(%s)", (_SERVING,))
            connection.commit()
        except psycopg.errors.LockNotAvailable as error:
            connection.close()
            raise StoreBusy(
                f"database {where}: another server serves from it: stop that one, or give this "
                "one a database of its own"
            ) from error

    return connected
