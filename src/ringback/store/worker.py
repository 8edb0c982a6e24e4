"""A thread that does units of work in batches on one connection.

A database call blocks, so it cannot be made on the event loop. To change threads for every
statement (as aiosqlite does) would cost more than most statements do. So a whole unit of work is
one message to the thread, and while one batch is being done the next one gathers: a batch costs one
transaction, one fsync and one wake-up of the event loop, however many units it has.
"""

from __future__ import annotations

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ringback.store.errors import DATABASE_ERRORS, StoreClosed, StoreError, failure, store_error

T = TypeVar("T")

LARGEST_BATCH = 256
"""The most units of work in one transaction, so that the first need not wait for ever more of
them."""


@dataclass(slots=True)
class Unit:
    """A unit of work that waits; later, its result or error."""

    work: Callable[[Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None


class StoreThread(ABC):
    """One thread that does the units submitted to it, in their order."""

    def __init__(self, engine: Engine, where: str, name: str) -> None:
        """`where` is what errors call the database."""
        self.engine = engine
        self.where = where
        self._queue: SimpleQueue[Unit | None] = SimpleQueue()
        self._closing = False
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    async def submit(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in the thread; return what it returns, or raise what it raises."""
        if self._closing:
            raise StoreClosed(f"database {self.where}: it has been closed, the server is stopping")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queue.put(Unit(work, future))
        return await future

    async def close(self) -> None:
        """Do what is waiting, then end the thread."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _serve(self) -> None:
        serving = True
        while serving:
            batch, serving = self._next_batch()
            if batch:
                self._attempt(batch)
                _deliver(batch)

    def _next_batch(self) -> tuple[list[Unit], bool]:
        """Wait for a unit and take all that have come by then. The flag is False once the queue is
        closed."""
        batch: list[Unit] = []
        unit = self._queue.get()
        while unit is not None:
            batch.append(unit)
            if len(batch) == LARGEST_BATCH:
                return batch, True
            try:
                unit = self._queue.get_nowait()
            except Empty:
                return batch, True
        return batch, False

    def _attempt(self, batch: list[Unit]) -> None:
        """Do a batch. If it fails as a whole, every unit in it fails; the next batch begins
        afresh."""
        try:
            self.transact(batch)
        except DATABASE_ERRORS as error:
            _fail(batch, failure(error, self.where))
        except StoreError as error:
            _fail(batch, error)

    @abstractmethod
    def transact(self, batch: list[Unit]) -> None:
        """Do a batch in a transaction. Raises StoreError, or one of DATABASE_ERRORS, if none of it
        was kept."""

    def one(self, connection: Connection, unit: Unit) -> None:
        """Do one unit, and keep its result or error for its caller."""
        try:
            unit.result = unit.work(connection)
        except DBAPIError as error:
            unit.error = store_error(error, self.where) or error
        except BaseException as error:  # noqa: BLE001
            unit.error = error


def lost_half_way(error: BaseException | None, where: str) -> StoreError:
    """The database has ended a transaction by itself, and undone the units before."""
    if isinstance(error, StoreError):
        return error
    return StoreError(f"database {where}: the transaction was lost half-way: {error}")


def _fail(batch: list[Unit], error: StoreError) -> None:
    """Fail every unit, each with an exception of its own."""
    for unit in batch:
        unit.error = type(error)(*error.args)


def _deliver(batch: list[Unit]) -> None:
    """Hand the results to the callers, with one wake-up for each event loop."""
    for loop in {unit.future.get_loop() for unit in batch}:
        mine = [unit for unit in batch if unit.future.get_loop() is loop]
        try:
            loop.call_soon_threadsafe(_resolve, mine)
        except RuntimeError:
            continue  # the loop has been closed: nobody waits any more


def _resolve(units: list[Unit]) -> None:
    for unit in units:
        if unit.future.done():
            continue  # the caller was cancelled
        if unit.error is not None:
            unit.future.set_exception(unit.error)
        else:
            unit.future.set_result(unit.result)
