"""What to measure: for how long, how often, and under which loads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """The loads of each section, rising. Fixed loads are always measured; the others end above what
    can be hoped for, since a `Ladder` looks for how far the load can rise."""

    seconds: float
    """The length of each run."""
    runs: int
    """The runs for each row, of which the median is shown."""
    probe_seconds: float = 10.0
    """The length of each run that only looks for the limit."""
    ledger_seconds: float = 20.0
    """The length of each run of the ledger, which has many rows."""
    media_fixed: Sequence[int] = (50, 200)
    media_loads: Sequence[int] = (50, 100, 200, *range(250, 1000, 50))
    session_loads: Sequence[float] = (10, 15, 20, 25, 30, 40, 50, 60, 75, 100, 125, 150)
    live_fixed: Sequence[int] = (50, 100, 200)
    live_loads: Sequence[int] = (250, 300, *range(400, 1000, 100))
    memory_calls: Sequence[int] = (50, 200)
    oracle_tries: int = 200
    flood_seconds: float = 20.0
    caller_ids: int = 100_000
    read_tries: int = 500

    @property
    def each(self) -> str:
        """How each row is measured."""
        return f"{self.seconds:g} s a run, {self.of_runs}"

    @property
    def of_runs(self) -> str:
        return f"the middle of {self.runs} runs" if self.runs > 1 else "one run"

    def show(self, text: str) -> None:
        print(text, flush=True)


QUICK = Plan(
    4.0,
    1,
    probe_seconds=4.0,
    ledger_seconds=4.0,
    media_fixed=(50,),
    media_loads=(50, 200),
    session_loads=(10, 25),
    live_fixed=(50,),
    live_loads=(),
    memory_calls=(50,),
    oracle_tries=30,
    flood_seconds=5.0,
    caller_ids=10_000,
    read_tries=100,
)
