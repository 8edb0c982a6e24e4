"""How many whole sessions the server carries in a second."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from bench.figures import Table
from bench.ladder import Ladder
from bench.plan import Plan
from bench.scene import UNTIL_TALK_SECONDS, Heard, scene
from ringback.store import open_store
from ringback.store.models import SessionRow

TALK_SECONDS = 2.0
MOST_LATE_MS = 1000.0
"""If a server cannot keep up, it falls further behind the longer the run lasts."""
_SETTLE_SECONDS = 4.0
_HEADS = (
    *("begun/s", "sessions", "failed", "INVITE late p50", "p99", "talk sent", "heard", "lost"),
    *("unheard", "delay p99", "phones late p99", "callers late p99", "CPU/session"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """Times are in milliseconds."""

    rate: float
    sessions: int
    completed: int
    late_p50: float
    late_p99: float
    heard: Heard
    callers_late_p99: float
    """How late SIPp was itself with the triggers."""
    cpu: float
    """CPU time of the server and its workers for each session."""

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
            *(str(count) for count in (heard.sent, heard.heard, heard.lost, heard.unheard)),
            *(f"{heard.delay_p99:.1f} ms", f"{heard.late_p99:.1f} ms"),
            *(f"{self.callers_late_p99:.1f} ms", f"{self.cpu:.1f} ms"),
        )


async def measure(rate: float, seconds: float) -> Result:
    """Begin `rate` sessions each second, for `seconds`."""
    count = max(1, round(rate * seconds))
    async with scene(count, talk=TALK_SECONDS) as played:
        before = played.server.cpu_seconds()
        await played.begin(rate)
        await asyncio.sleep(UNTIL_TALK_SECONDS + TALK_SECONDS + _SETTLE_SECONDS)
        used = played.server.cpu_seconds() - before
        store = open_store(played.server.url)
        completed = await store.read(_completed)
        await store.close()
        late, callers_late = played.invites_late(), played.callers_late()
        heard = await played.silence()
    return Result(
        rate,
        count,
        completed,
        late.percentile(50),
        late.percentile(99),
        heard,
        callers_late.percentile(99),
        used * 1000 / count,
    )


async def show(plan: Plan) -> None:
    """Find the highest rate at which no session fails; then measure half of it."""
    title = f"Whole sessions, {plan.each}; short runs to find the limit"
    ladder = Ladder(plan, Table(title, ("runs", *_HEADS), plan.show), measure)
    found = await ladder.highest(plan.session_loads)
    if found is None:
        plan.show(f"\nsome failed at {plan.session_loads[0]:g} sessions a second")
        return
    best, _ = found
    half = await ladder.whole(best / 2)
    plan.show(
        f"\nnone failed up to {best:g} sessions a second\n"
        f"return INVITE at half load: p99 {half.late_p99:.1f} ms late"
    )


def _completed(tx: Connection) -> int:
    return tx.execute(
        select(func.count()).where(SessionRow.outcome == "completed").select_from(SessionRow)
    ).scalar_one()
