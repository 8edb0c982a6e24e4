"""What each of several processes does that are after the same last cents."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier

from sqlalchemy import Connection
from tests.charging.helpers import NOW, hold, leg

from ringback.charging import ledger
from ringback.charging.holds import Post
from ringback.store import Store, open_store


async def take(store: Store, leg_id: str) -> bool:
    """Reserve a cent of x for a new leg; False when there is none."""

    def work(tx: Connection) -> bool:
        if ledger.reserve(tx, [hold(0, leg_id)]) is not None:
            return False
        leg(tx, leg_id)
        return True

    return await store.run(work)


def take_one(url: str, name: str, start: Barrier, taken: SimpleQueue[int]) -> None:
    """Try once, when all are ready."""

    async def once() -> bool:
        store = open_store(url)
        await asyncio.to_thread(start.wait)
        try:
            return await take(store, name)
        finally:
            await store.close()

    taken.put(int(asyncio.run(once())))


def take_all(url: str, name: str, start: Barrier, taken: SimpleQueue[int]) -> None:
    """Take cents until there is none, over two stores at once, and settle every second one."""

    async def alone(store: Store, name: str) -> int:
        got = 0
        while await take(store, leg_id := f"{name} {got}"):
            if got % 2:
                post = Post(leg_id, "x", "x", True, Decimal("0.01"), 1, "x")
                await store.run(lambda tx, post=post: ledger.settle(tx, [post], NOW))  # type: ignore[misc]
            got += 1
        return got

    async def together() -> int:
        stores = [open_store(url), open_store(url)]
        await asyncio.to_thread(start.wait)
        got = await asyncio.gather(
            *(alone(store, f"{name} {n} {m}") for n, store in enumerate(stores) for m in range(3))
        )
        for store in stores:
            await store.close()
        return sum(got)

    taken.put(asyncio.run(together()))
