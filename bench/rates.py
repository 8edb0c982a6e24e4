"""Rates: how fast a deck of 100,000 prefixes rates calls, and how its import delays calls.

The import is the real command, in a process of its own, on the same database. Meanwhile this
process makes a reservation every 5 ms, each with a commit of its own. The deck that is replaced is
equally large, so that both loading and deleting are measured.
"""

from __future__ import annotations

import asyncio
import io
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from tests.charging import helpers

from bench.figures import Table, middle
from bench.plan import Plan
from bench.reserving import idle, p99, reserve, world
from ringback.charging.decks import Deck, write_deck
from ringback.charging.rating import SECOND, Rate, charge
from ringback.store import migrate, open_store

PREFIXES = 100_000
CALLS = 100_000
_HEADS = (
    *("rates chosen", "calls rated", "import", "reserving without import p99", "worst"),
    *("during import p99", "worst"),
)


@dataclass(frozen=True, slots=True)
class Result:
    """The waits are those of reservations, in milliseconds, from the request to the commit."""

    choices_a_second: float
    """How often a rate is chosen in a second, on one core."""
    ratings_a_second: float
    """How often, in a second, a rate is chosen and the charge worked out with its explanation."""
    idle_p99: float
    idle_worst: float
    """Without an import."""
    import_seconds: float
    """Of the whole command: it reads, checks and loads, and deletes the old deck."""
    import_p99: float
    import_worst: float

    def badness(self) -> tuple[float, ...]:
        return self.import_worst, self.import_seconds

    def cells(self) -> tuple[str, ...]:
        return (
            f"{self.choices_a_second:.0f}",
            f"{self.ratings_a_second:.0f}",
            f"{self.import_seconds:.1f} s",
            *(f"{wait:.1f} ms" for wait in (self.idle_p99, self.idle_worst)),
            *(f"{wait:.1f} ms" for wait in (self.import_p99, self.import_worst)),
        )


def make_deck(chance: random.Random) -> list[Rate]:
    """A deck of random prefixes of 1 to 8 digits."""
    prefixes: set[str] = set()
    while len(prefixes) < PREFIXES:
        prefixes.add(str(chance.randrange(1, 10 ** chance.randrange(1, 9))))
    return [
        Rate(prefix, Decimal(0), 60, price := Decimal(chance.randrange(10**6)) / 10**6, 10, price)
        for prefix in sorted(prefixes)
    ]


def rate_calls(rates: Sequence[Rate], chance: random.Random) -> tuple[float, float]:
    """Rates chosen, and calls rated, in a second, for random numbers and durations."""
    deck = Deck(rates)
    calls = [
        (f"+{chance.randrange(10**11, 10**12)}", chance.randrange(3600) * SECOND)
        for _ in range(CALLS)
    ]
    start = time.process_time()
    for number, _ in calls:
        deck.choose(number, helpers.NOW)
    chosen = time.process_time()
    for number, duration in calls:
        rate = deck.choose(number, helpers.NOW)
        if rate is not None:
            charge(rate, duration)
    rated = time.process_time()
    return CALLS / (chosen - start), CALLS / (rated - chosen)


async def _import(folder: Path, rates: Sequence[Rate]) -> float:
    """Import by the command; returns how many seconds it took."""
    text = io.StringIO(newline="")
    write_deck(rates, text)
    (folder / "deck.csv").write_text(text.getvalue())
    start = time.perf_counter()
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ringback", "rates", "import", str(folder / "deck.csv")),
        *("--plan", "retail", "--config", str(folder / "ringback.toml")),
        stdout=asyncio.subprocess.DEVNULL,
    )
    if await command.wait() != 0:
        raise RuntimeError("the import failed")
    return time.perf_counter() - start


async def run(url: str | None = None) -> Result:
    """Measure everything, on the empty database at `url`, or else on an SQLite file of its own."""
    with tempfile.TemporaryDirectory(prefix="ringback-bench-") as name:
        return await _run(Path(name), url or f"sqlite:///{name}/ringback.sqlite")


async def _run(folder: Path, url: str) -> Result:
    chance = random.Random(1)
    (folder / "ringback.toml").write_text(f'[database]\nurl = "{url}"\n')
    migrate(url)
    store = open_store(url)
    try:
        await store.run(world)
        await _import(folder, make_deck(chance))

        before = await idle(store)

        rates = make_deck(chance)
        done = asyncio.Event()
        busy = asyncio.create_task(reserve(store, done, "busy"))
        seconds = await _import(folder, rates)
        done.set()
        during = sorted(await busy)
    finally:
        await store.close()
    choices, ratings = rate_calls(rates, chance)
    return Result(
        *(choices, ratings, p99(before), before[-1], seconds, p99(during), during[-1]),
    )


async def show(plan: Plan) -> None:
    title = (
        f"A deck of {PREFIXES} prefixes, imported in place of one as large while reservations "
        f"are made; a second and core; {plan.of_runs}"
    )
    table = Table(title, _HEADS, plan.show)
    table.row(middle([await run() for _ in range(plan.runs)]).cells())
