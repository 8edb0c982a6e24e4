"""Units of work to try a store with, and how to have several done in one batch."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from sqlalchemy import Connection, insert, select

from ringback.store import Store, models


def beat(node: str) -> Callable[[Connection], str]:
    """A unit of work that writes one row, and returns its key."""

    def work(tx: Connection) -> str:
        tx.execute(insert(models.HeartbeatRow), {"node": node, "at": 1.5})
        return node

    return work


def nodes(tx: Connection) -> list[str]:
    return list(
        tx.execute(select(models.HeartbeatRow.node).order_by(models.HeartbeatRow.node)).scalars()
    )


async def hold_up(store: Store, gate: threading.Event) -> asyncio.Task[None]:
    """Keep the writer busy until the gate opens, so that units gather behind it."""
    entered = threading.Event()

    def work(tx: Connection) -> None:
        entered.set()
        gate.wait(10)

    held = asyncio.ensure_future(store.run(work))
    await asyncio.sleep(0)
    entered.wait(10)
    return held


async def gathered(store: Store, *works: Callable[[Connection], object]) -> list[object]:
    """What comes of units of work that are done in one batch."""
    gate = threading.Event()
    held = await hold_up(store, gate)
    units = [asyncio.ensure_future(store.run(work)) for work in works]
    await asyncio.sleep(0)
    gate.set()
    await held
    return await asyncio.gather(*units, return_exceptions=True)
