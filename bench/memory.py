"""How much the memory of all the server's processes grows with each bridged call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from bench.figures import Table, middle
from bench.plan import Plan
from bench.scene import UNTIL_TALK_SECONDS, scene
from ringback.store import open_store
from ringback.store.models import LegRow

RATE = 20.0
"""Calls begun in a second."""
_SETTLE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Result:
    """Memory in kB, as PSS."""

    calls: int
    live: int
    before: int
    after: int

    @property
    def each(self) -> float:
        return (self.after - self.before) / max(1, self.live)

    def badness(self) -> tuple[float, ...]:
        return (self.each,)

    def cells(self) -> tuple[str, ...]:
        kilobytes = (f"{value:.0f} kB" for value in (self.before, self.after, self.each))
        return (str(self.calls), str(self.live), *kilobytes)


async def measure(calls: int) -> Result:
    """Measure from no call to `calls` calls bridged at the same time."""
    async with scene(calls, talk=None) as played:
        before = played.server.memory_kb()
        await played.begin(RATE)
        await asyncio.sleep(UNTIL_TALK_SECONDS + _SETTLE_SECONDS)
        after = played.server.memory_kb()
        store = open_store(played.server.url)
        live = await store.read(_live)
        await store.close()
    return Result(calls, live, before, after)


async def show(plan: Plan) -> None:
    title = f"Memory of all processes of the server (PSS), {plan.of_runs}"
    table = Table(title, ("calls", "bridged", "before", "with them", "a call"), plan.show)
    for calls in plan.memory_calls:
        table.row(middle([await measure(calls) for _ in range(plan.runs)]).cells())


def _live(tx: Connection) -> int:
    return tx.execute(
        select(func.count()).where(
            LegRow.leg == "B", LegRow.answered.is_not(None), LegRow.ended.is_(None)
        )
    ).scalar_one()
