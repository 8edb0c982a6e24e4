"""A running server has the trunks and routes of its database within two seconds of a change, and at
once when told (spec section 11)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection
from tests.trunks.helpers import NOW, SEALER

from ringback.clock import LoopClock
from ringback.engines.simulated import run_virtual
from ringback.server.trunks import LOOK_SECONDS, SWEEP_SECONDS, TrunkFollower
from ringback.store import InlineStore, StoreBusy
from ringback.telephony.trunks import Route, trunks_ever
from ringback.trunks import routeverbs, trunkverbs
from ringback.trunks.stored import AFTERMATH_SECONDS, has_former

T = TypeVar("T")


class ShakyStore(InlineStore):
    """A store that can be out of reach."""

    away = False
    reads = 0

    async def read(self, work: Callable[[Connection], T]) -> T:
        self.reads += 1
        if self.away:
            raise StoreBusy("the database is locked")
        return await super().read(work)


class World:
    def __init__(self) -> None:
        self.store = ShakyStore()
        self.clock = LoopClock(asyncio.get_running_loop(), NOW)
        self.reports: list[str] = []
        self.follower = TrunkFollower(self.store, SEALER, self.clock, self.reports.append)
        self.changes: list[float] = []
        """When the table changed, in seconds from the start."""
        self.follower.table.on_change(lambda: self.changes.append(self.clock.now() - NOW))
        self._ids = iter(range(1000))

    async def put(self, name: str, **values: Any) -> None:
        id_, said, now = f"id-{next(self._ids)}", {"name": name, **values}, self.clock.now()
        await self.store.run(lambda tx: trunkverbs.put_trunk(tx, said, now, SEALER, id_))

    async def at(self, seconds: float) -> None:
        await self.clock.sleep_until(NOW + seconds)


def play(test: Callable[[World], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        await test(World())

    run_virtual(main())


def test_a_change_is_in_force_within_two_seconds_and_nothing_else_is_one() -> None:
    async def test(world: World) -> None:
        await world.put("a", host="h")
        await world.follower.start()
        table = world.follower.table
        assert list(table.by_name) == ["a"]
        task = asyncio.ensure_future(world.follower.run())
        await world.at(10.5)
        await world.put("b", host="h", user="u", password="secret")
        id_ = "route"
        await world.store.run(lambda tx: routeverbs.put_route(tx, {"trunks": ["b"]}, id_))
        await world.at(12.5)
        assert list(table.by_name) == ["a", "b"]
        assert table.by_name["b"].password == "secret"
        assert table.routes == (Route("", ("b",)),)
        before = table.by_name["a"]
        await world.at(60.0)
        assert len(world.changes) == 2, "an engine is not told of what has not changed"
        assert table.by_name["a"] is before
        task.cancel()

    play(test)


def test_who_is_told_looks_at_once() -> None:
    async def test(world: World) -> None:
        await world.follower.start()
        await world.put("a", host="h")
        await world.follower.look()
        assert list(world.follower.table.by_name) == ["a"]
        assert world.changes[-1] == 0.0

    play(test)


def test_calls_read_the_table_and_not_the_database() -> None:
    async def test(world: World) -> None:
        await world.put("a", host="h")
        await world.follower.start()
        reads = world.store.reads
        for _ in range(1000):
            assert world.follower.table.by_name["a"].host == "h"
            assert world.follower.table.routes == ()
        assert world.store.reads == reads

    play(test)


def test_a_database_out_of_reach_changes_nothing_and_is_told_once() -> None:
    async def test(world: World) -> None:
        await world.put("a", host="h")
        await world.follower.start()
        task = asyncio.ensure_future(world.follower.run())
        world.store.away = True
        await world.at(30.0)
        assert list(world.follower.table.by_name) == ["a"]
        assert world.reports == [
            "trunks and routes cannot be read: the database is locked: they stay as they are"
        ]
        world.store.away = False
        await world.put("b", host="h")
        await world.at(30.0 + 2 * LOOK_SECONDS)
        assert list(world.follower.table.by_name) == ["a", "b"]
        world.store.away = True
        await world.at(40.0)
        assert len(world.reports) == 2, "it had been there in between"
        task.cancel()

    play(test)


def test_without_a_database_a_server_does_not_start() -> None:
    async def test(world: World) -> None:
        world.store.away = True
        with pytest.raises(StoreBusy):
            await world.follower.start()

    play(test)


def test_a_trunk_of_before_is_there_for_calls_that_a_restart_ends() -> None:
    async def test(world: World) -> None:
        await world.put("a", host="h", user="u", password="old")
        await world.put("a", host="other", password="new")
        await world.follower.start()
        table = world.follower.table
        (former,) = table.former
        assert (former.host, former.password) == ("h", "old")
        assert former.version != table.by_name["a"].version
        now = world.clock.now()
        await world.store.run(lambda tx: trunkverbs.remove_trunk(tx, "id-0", now, SEALER))
        await world.follower.look()
        assert trunks_ever(table)["a"].host == "other"
        task = asyncio.ensure_future(world.follower.run())
        await world.at(AFTERMATH_SECONDS - 1)
        assert await world.store.read(has_former)
        await world.at(AFTERMATH_SECONDS + 2 * SWEEP_SECONDS)
        assert not await world.store.read(has_former)
        assert table.former == ()
        task.cancel()

    play(test)
