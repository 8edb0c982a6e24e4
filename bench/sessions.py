"""How many whole sessions a second the server carries."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from bench.figures import Table, middle
from bench.plan import Plan
from bench.scene import UNTIL_TALK_SECONDS, Heard, scene
from ringback.store import open_store
from ringback.store.models import Session

TALK_SECONDS = 2.0
MOST_LATE_MS = 200.0
"""A server whose return calls are later than this cannot keep up."""
_SETTLE_SECONDS = 4.0
_HEADS = (
    *("begun/s", "sessions", "failed", "INVITE late p50", "p99", "talk sent", "lost"),
    *("delay p99", "phones late p99", "CPU/session"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """Times in milliseconds."""

    rate: float
    sessions: int
    completed: int
    late_p50: float
    late_p99: float
    heard: Heard
    cpu: float
    """Of the server and its workers, a session."""

    @property
    def good(self) -> bool:
        return self.completed == self.sessions and self.late_p99 < MOST_LATE_MS

    def badness(self) -> tuple[float, ...]:
        return self.sessions - self.completed, self.late_p99

    def cells(self) -> tuple[str, ...]:
        heard = self.heard
        return (
            *(f"{self.rate:g}", str(self.sessions), str(self.sessions - self.completed)),
            *(f"{self.late_p50:.1f} ms", f"{self.late_p99:.1f} ms"),
            *(str(heard.sent), str(heard.lost), f"{heard.delay_p99:.1f} ms"),
            *(f"{heard.late_p99:.1f} ms", f"{self.cpu:.1f} ms"),
        )


async def measure(rate: float, seconds: float) -> Result:
    """So many sessions begun each second, for so long."""
    count = max(1, round(rate * seconds))
    async with scene(count, talk=TALK_SECONDS) as played:
        before = played.server.cpu_seconds()
        await played.begin(rate)
        await asyncio.sleep(UNTIL_TALK_SECONDS + TALK_SECONDS + _SETTLE_SECONDS)
        used = played.server.cpu_seconds() - before
        store = open_store(played.server.url)
        completed = await store.read(_completed)
        await store.close()
        late = played.invites_late()
        heard = await played.silence()
    return Result(
        rate,
        count,
        completed,
        late.percentile(50),
        late.percentile(99),
        heard,
        used * 1000 / count,
    )


async def show(plan: Plan) -> None:
    """Row after row, until a session fails; then half of what held."""
    table = Table(f"Whole sessions, begun for {plan.each}", _HEADS, plan.show)

    async def row(rate: float) -> Result:
        result = middle([await measure(rate, plan.seconds) for _ in range(plan.runs)])
        table.row(result.cells())
        return result

    best = 0.0
    for rate in plan.session_rates:
        if not (await row(rate)).good:
            break
        best = rate
    plan.show(f"\nnone failed up to {best:g} sessions a second; half of that:\n")
    if best:
        half = await row(best / 2)
        plan.show(f"\nreturn INVITE at half load: p99 {half.late_p99:.1f} ms late")


def _completed(tx: Connection) -> int:
    return tx.execute(
        select(func.count()).where(Session.outcome == "completed").select_from(Session)
    ).scalar_one()
