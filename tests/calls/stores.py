"""The store as one life of a server has it: it may be slow, take nothing, and die with it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from functools import partial
from inspect import getclosurevars
from typing import Any, TypeVar

from sqlalchemy import Connection

from ringback.charging.meter import Meter
from ringback.clock import Clock, Instant
from ringback.store import InlineStore, StoreFull

T = TypeVar("T")


class BrittleStore(InlineStore):
    """A store that takes nothing while it is `down`. It is still read, as SQLite is.

    It does every unit of work twice, and undoes the first: a unit may be done anew by any store, so
    both must come to the same, and leave nothing behind outside of the database. One that has been
    done so `OFTEN` times is known: the heartbeat comes each second, for hours.
    """

    OFTEN = 50
    down = False
    changes = 0
    """How many rows the latest unit of work has changed."""

    def __init__(self) -> None:
        super().__init__()
        self._tried: Counter[str] = Counter()

    async def run(self, work: Callable[[Connection], T]) -> T:
        if self.down:
            raise StoreFull("database: the disk is full")
        name = name_of(work)
        self._tried[name] += 1
        connection: Any = self._open().connection.driver_connection

        def twice(tx: Connection) -> T:
            known = self._tried[name] > self.OFTEN
            first = None if known else _undone(tx, work)
            before = connection.total_changes
            second = work(tx)
            self.changes = connection.total_changes - before
            assert known or alike(first, second), f"{name}: first {first!r}, then {second!r}"
            return second

        return await super().run(twice)


def _undone(tx: Connection, work: Callable[[Connection], T]) -> T:
    savepoint = tx.begin_nested()
    try:
        return work(tx)
    finally:
        savepoint.rollback()


def alike(one: object, other: object) -> bool:
    """Whether two results of a unit of work say the same."""
    if isinstance(one, Meter) and isinstance(other, Meter):
        return vars(one) == vars(other)
    if isinstance(one, tuple | list) and isinstance(other, tuple | list):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == other


class MortalStore:
    """What is written and read is done in order, as by a thread for each, and takes `delay()`.

    `reached` is told before and after each unit of work is committed, by its name; where that
    ends the life (`dead`), nothing more is written and nobody hears of anything.
    """

    def __init__(
        self,
        store: InlineStore,
        clock: Clock,
        delay: Callable[[], float],
        reached: Callable[[str], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._delay = delay
        self._reached = reached
        self._writer_free: Instant = 0.0
        self._reader_free: Instant = 0.0
        self.dead = False

    async def run(self, work: Callable[[Connection], T]) -> T:
        name = name_of(work)
        delay = self._delay()
        self._writer_free = max(self._writer_free, self._clock.now()) + delay
        return await self._do(lambda: self._store.run(work), name, self._writer_free, delay)

    async def read(self, work: Callable[[Connection], T]) -> T:
        delay = self._delay()
        self._reader_free = max(self._reader_free, self._clock.now()) + delay
        return await self._do(lambda: self._store.read(work), None, self._reader_free, delay)

    async def close(self) -> None:
        """The store itself outlives every server."""

    async def _do(
        self,
        unit: Callable[[], Coroutine[Any, Any, T]],
        name: str | None,
        at: Instant,
        delay: float,
    ) -> T:
        """Cancelling the wait does not take back the work."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def do() -> None:
            self._point(f"before {name}" if name else None)
            if self.dead:
                return
            result: T | None = None
            error: Exception | None = None
            try:
                result = at_once(unit())
            except Exception as raised:  # noqa: BLE001  it is for whoever waits
                error = raised
            self._point(f"after {name}" if name else None)
            if self.dead or future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]

        if delay:
            self._clock.call_at(at, do)
        else:
            do()
        return await future

    def _point(self, name: str | None) -> None:
        if name is not None and not self.dead:
            self._reached(name)


def name_of(work: Callable[..., Any]) -> str:
    """What a session's unit of work is called, without what it is wrapped in."""
    while True:
        wrapped = work.func if isinstance(work, partial) else None
        inner = wrapped or getclosurevars(work).nonlocals.get("work")
        if inner is None:
            return work.__qualname__.replace(".<locals>", "").replace(".<lambda>", "")
        work = inner


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    raise AssertionError("an inline store waited")
