"""Figures: percentiles of many delays, the median of several runs, tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

_BUCKETS_A_MS = 100
_LONGEST_MS = 2000


class Delays:
    """Delays in milliseconds, counted in steps of 10 µs; all from 2 s on count as the same."""

    def __init__(self, delays: Iterable[float] = ()) -> None:
        self._counts = [0] * (_LONGEST_MS * _BUCKETS_A_MS + 1)
        for delay in delays:
            self.add(delay)

    def add(self, milliseconds: float) -> None:
        """Count a delay; one below zero counts as zero."""
        self._counts[max(0, min(int(milliseconds * _BUCKETS_A_MS), len(self._counts) - 1))] += 1

    def percentile(self, percent: float) -> float:
        """The delay that `percent` percent of all do not exceed; 0 if there are none."""
        wanted = sum(self._counts) * percent / 100
        seen = 0
        for step, count in enumerate(self._counts):
            seen += count
            if count and seen >= wanted:
                return step / _BUCKETS_A_MS
        return 0.0


class Row(Protocol):
    """The result of one run."""

    def badness(self) -> tuple[float, ...]:
        """The key by which several runs of the same load are sorted."""
        ...

    def cells(self) -> Sequence[str]: ...


R = TypeVar("R", bound=Row)


def middle(runs: Sequence[R]) -> R:
    """The median of several runs of the same load."""
    return sorted(runs, key=lambda run: run.badness())[len(runs) // 2]


class Table:
    """Rows under their headings, printed as they come."""

    def __init__(self, title: str, heads: Sequence[str], show: Callable[[str], None]) -> None:
        self._widths = [max(8, len(head)) for head in heads]
        self._show = show
        show(f"\n{title}\n")
        self.row(heads)

    def row(self, cells: Sequence[str]) -> None:
        pairs = zip(cells, self._widths, strict=True)
        self._show("  ".join(cell.rjust(width) for cell, width in pairs))
