"""Whole sessions on the real server, with SIPp as caller, phone and remote party.

One session: rings 1 s, no delay, a prompt, a speed dial of two keys by INFO, B answers after 0.5 s
and hangs up after 2 s; records and charging on, SQLite on disk. The far ends send no sound; the
server sends its prompts, its ringback and its silence.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select
from tests.e2e import sipp
from tests.e2e.stage import Case, Server, Stage

from ringback.store import open_store
from ringback.store.models import Leg, Session


@dataclass(frozen=True, slots=True)
class Result:
    """Lateness of the return INVITE against its due time, in milliseconds."""

    rate: int
    sessions: int
    completed: int
    p50: float
    p99: float
    cpu_seconds: float
    """Of the server and its workers, a session."""


async def _unused(stage: Stage) -> None:
    """This stage is played by the benchmark itself."""


class Scene:
    """A server with an extension for many callers, who each speed-dial the same remote party."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        self.count = count
        self.server = Server(folder)
        setup = {"accept_prompt": "never", "announce_duration": False, "attempts": 1}
        case = Case("bench", _unused, setup, caller_id=None)
        self.stage = self.server.stage(case)
        self.stage.caller = "+447700"
        self._callers = [f"+447700{900_000 + number}" for number in range(count)]
        case.others = [
            {"number": number, "speed_dials": {"1": self.stage.callee}} for number in self._callers
        ]

    async def begin(self, rate: int, *, talk: float | None) -> sipp.Sipp:
        """Begin a session for each caller, so many a second; `talk` None: nobody hangs up."""
        await self.server.set_up()
        await self.server.start()
        numbers = self.folder / "numbers.csv"
        numbers.write_text("\n".join(["SEQUENTIAL", *self._callers, ""]))
        keys = [(0.5, "1"), (0.1, "#")]
        stays = None if talk is None else talk + 2.5
        phone = sipp.callee(9, payloads="8 0", info_digits=keys, hangs_up_after=stays)
        await self.stage.phone(phone, "-l", "100000")
        remote = sipp.callee(9, rings=0.5, hangs_up_after=talk)
        await self.stage.remote(remote, "-l", "100000")
        return await self.stage.run(
            sipp.trigger(self.stage.access, "[field0]"),
            self.stage.caller_port,
            *("-inf", str(numbers), "-r", str(rate), "-m", str(self.count), "-l", "100000"),
            remote=True,
        )

    async def end(self) -> None:
        await self.stage.close()
        await self.server.stop()


async def measure(rate: int, seconds: int) -> Result:
    """So many sessions begun each second, for so long."""
    with tempfile.TemporaryDirectory(prefix="ringback-bench-") as name:
        scene = Scene(Path(name), rate * seconds)
        try:
            triggers = await scene.begin(rate, talk=2.0)
            before = scene.server.cpu_seconds()
            await triggers.finished(seconds + 60)
            await asyncio.sleep(10.0)
            used = scene.server.cpu_seconds() - before
        finally:
            await scene.end()
        store = open_store(scene.server.url)
        outcomes, late = await store.read(_read)
        await store.close()
    late.sort()
    return Result(
        rate,
        scene.count,
        outcomes["completed"],
        _percentile(late, 0.5),
        _percentile(late, 0.99),
        used / scene.count,
    )


async def memory(calls: int) -> tuple[int, float]:
    """How many calls were bridged at once, and by how many kB a call all processes of the server
    had grown then (PSS)."""
    with tempfile.TemporaryDirectory(prefix="ringback-bench-") as name:
        scene = Scene(Path(name), calls)
        try:
            triggers = await scene.begin(20, talk=None)
            before = scene.server.memory_kb()
            await triggers.finished(120)
            await asyncio.sleep(8.0)
            grown = scene.server.memory_kb() - before
            store = open_store(scene.server.url)
            live = await store.read(_live)
            await store.close()
        finally:
            await scene.end()
    return live, grown / max(1, live)


def _live(tx: Connection) -> int:
    return tx.execute(
        select(func.count()).where(Leg.leg == "B", Leg.answered.is_not(None), Leg.ended.is_(None))
    ).scalar_one()


def _read(tx: Connection) -> tuple[Counter[str], list[float]]:
    outcomes = Counter(str(row) for row in tx.execute(select(Session.outcome)).scalars())
    late = tx.execute(
        select(Leg.started, Session.due)
        .join(Session, Session.id == Leg.session_id)
        .where(Leg.leg == "A", Session.due.is_not(None))
    ).all()
    return outcomes, [(started - due) * 1000 for started, due in late if due is not None]


def _percentile(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0


def table(results: Sequence[Result]) -> str:
    rows = ["begun/s  sessions  completed  INVITE late p50      p99   CPU a session"]
    rows += [
        f"{result.rate:7} {result.sessions:9} {result.completed:10} {result.p50:13.1f} ms "
        f"{result.p99:6.1f} ms {result.cpu_seconds * 1000:10.1f} ms"
        for result in results
    ]
    return "\n".join(rows)
