"""A store for simulations and rehearsals: the same models and statements, in memory, on the
calling thread.

Nothing on a virtual event loop may wait for real time: in a trial, while one INSERT ran in a
thread, 25 virtual seconds went by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, StaticPool, create_engine

from ringback.store.errors import StoreClosed
from ringback.store.models import Base
from ringback.store.sqlite import prepare

T = TypeVar("T")


class InlineStore:
    """An empty database in memory, whose units of work are done before `run` returns."""

    def __init__(self) -> None:
        self._engine = create_engine("sqlite://", poolclass=StaticPool, hide_parameters=True)
        prepare(self._engine)
        with self._engine.begin() as connection:
            Base.metadata.create_all(connection)
        self._connection: Connection | None = self._engine.connect()

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
            self._engine.dispose()

    def _open(self) -> Connection:
        if self._connection is None:
            raise StoreClosed("the store has been closed")
        return self._connection
