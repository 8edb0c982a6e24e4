"""A store for simulations and rehearsals: the same models and statements, in memory, on the
calling thread.

Nothing on a virtual event loop may wait for real time: in a trial, while one INSERT ran in a
thread, 25 virtual seconds went by.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from sqlalchemy import Connection, Engine, NullPool, create_engine

from ringback.store.errors import StoreClosed
from ringback.store.models import Base
from ringback.store.sqlite import prepare

T = TypeVar("T")


@cache
def _engine() -> Engine:
    """Each of its connections has a database of its own; what it knows of statements serves all."""
    engine = create_engine("sqlite://", poolclass=NullPool, hide_parameters=True)
    prepare(engine)
    return engine


@cache
def _empty() -> bytes:
    """A database with empty tables, as SQLite would write it to a file."""
    with _engine().connect() as connection:
        with connection.begin():
            Base.metadata.create_all(connection)
        return _driver(connection).serialize()


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


class InlineStore:
    """An empty database in memory, whose units of work are done before `run` returns."""

    def __init__(self) -> None:
        self._connection: Connection | None = _engine().connect()
        _driver(self._connection).deserialize(_empty())

    async def run(self, work: Callable[[Connection], T]) -> T:
        connection = self._open()
        with connection.begin():
            return work(connection)

    async def read(self, work: Callable[[Connection], T]) -> T:
        connection = self._open()
        with connection.begin():
            connection.exec_driver_sql("PRAGMA query_only = ON")
            try:
                return work(connection)
            finally:
                connection.exec_driver_sql("PRAGMA query_only = OFF")

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        if self._connection is None:
            raise StoreClosed("the store has been closed")
        return self._connection
