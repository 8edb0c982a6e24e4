"""What is to be measured: how long, how often, under which loads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Plan:
    """Loads go up row by row until one is too much, so each list ends above what is hoped for."""

    seconds: float
    """Of each run."""
    runs: int
    """Of each row, of which the middle one is shown."""
    media_calls: Sequence[int] = (50, 200, *range(300, 1000, 50))
    session_rates: Sequence[int] = (10, *range(25, 200, 25))
    live_calls: Sequence[int] = (50, 100, 200, *range(300, 1000, 100))
    memory_calls: Sequence[int] = (50, 200)

    @property
    def each(self) -> str:
        """How each row is measured."""
        return f"{self.seconds:g} s a run, {self.of_runs}"

    @property
    def of_runs(self) -> str:
        return f"the middle of {self.runs} runs" if self.runs > 1 else "one run"

    def show(self, text: str) -> None:
        print(text, flush=True)


QUICK = Plan(4.0, 1, (50, 200, 300), (10, 25), (50,), (50,))
