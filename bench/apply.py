"""Applying a setup file of 20,000 callerIDs: how long the command takes, how much memory it needs,
and how it delays calls.

It is the real command, in a process of its own, on the same database; meanwhile this process makes
a reservation every 5 ms. Each callerID is new, has a PIN, and is recharged.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Table, middle
from bench.plan import Plan
from bench.reserving import idle, p99, reserve, world
from ringback.store import migrate, open_store

CALLER_IDS = 20_000
_HEADS = (
    *("apply", "apply again", "memory", "reserving without it p99", "worst"),
    *("during it p99", "worst"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """Waits are those of reservations, in milliseconds, from the request to the commit."""

    seconds: float
    again_seconds: float
    """Of the same file once more, which changes nothing."""
    megabytes: float
    """The most that the command had."""
    idle_p99: float
    idle_worst: float
    p99: float
    worst: float

    def badness(self) -> tuple[float, ...]:
        return self.worst, self.seconds

    def cells(self) -> tuple[str, ...]:
        return (
            *(f"{seconds:.1f} s" for seconds in (self.seconds, self.again_seconds)),
            f"{self.megabytes:.0f} MB",
            *(f"{wait:.1f} ms" for wait in (self.idle_p99, self.idle_worst, self.p99, self.worst)),
        )


def _setup() -> str:
    head = "extensions:\n  - name: office\n    account: acme\n    caller_ids:\n"
    return head + "".join(
        f'      - {{number: "+447{number:09}", pin: "{number % 10_000:04}", credit: "5.00", '
        f'order_number: A-{number}, speed_dials: {{"1": "+442079460000"}}}}\n'
        for number in range(CALLER_IDS)
    )


async def _apply(folder: Path) -> float:
    """Apply by the command; returns how many seconds it took."""
    start = time.perf_counter()
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ringback", "apply", str(folder / "setup.yaml")),
        *("--config", str(folder / "ringback.toml")),
        stdout=asyncio.subprocess.DEVNULL,
    )
    if await command.wait() != 0:
        raise RuntimeError("it failed")
    return time.perf_counter() - start


async def run() -> Result:
    """Measure everything, on an SQLite file of its own."""
    with tempfile.TemporaryDirectory(prefix="ringback-bench-") as name:
        return await _run(Path(name), f"sqlite:///{name}/ringback.sqlite")


async def _run(folder: Path, url: str) -> Result:
    (folder / "ringback.toml").write_text(f'[database]\nurl = "{url}"\n')
    (folder / "setup.yaml").write_text(_setup())
    migrate(url)
    store = open_store(url)
    try:
        await store.run(world)
        before = await idle(store)
        done = asyncio.Event()
        busy = asyncio.create_task(reserve(store, done, "busy"))
        seconds = await _apply(folder)
        done.set()
        during = sorted(await busy)
        again = await _apply(folder)
    finally:
        await store.close()
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return Result(
        *(seconds, again, most, p99(before), before[-1], p99(during), during[-1]),
    )


async def show(plan: Plan) -> None:
    title = (
        f"A setup file of {CALLER_IDS} new callerIDs, applied while reservations are made; "
        f"{plan.of_runs}"
    )
    table = Table(title, _HEADS, plan.show)
    table.row(middle([await run() for _ in range(plan.runs)]).cells())
