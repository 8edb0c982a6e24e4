"""SIP's timers (RFC 3261 section 17 and table 4, RFC 6026), in seconds, and when they are due."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from ringback.clock import Instant

T1 = 0.5
"""Estimate of a round trip."""
T2 = 4.0
"""Longest pause between two retransmissions of a request that is no INVITE, and of a final
response to an INVITE."""
T4 = 5.0
"""How long a message may stay in the network."""
LIFETIME = 64 * T1
"""Timers B, F, H, J, L and M; timer D is at least as long."""


class Timers:
    """What is due when. A timer that was set again or stopped is passed over when it comes up."""

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, list[Callable[[Instant], None]]]] = []
        self._numbers = itertools.count()

    def set(self, at: Instant, action: Callable[[Instant], None]) -> Timer:
        """Call `action` with the time that was due, once, when `run` is called after it."""
        cell = [action]
        heapq.heappush(self._heap, (at, next(self._numbers), cell))
        return Timer(cell)

    def next(self) -> Instant | None:
        """When `run` must be called next."""
        while self._heap and not self._heap[0][2]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def run(self, now: Instant) -> None:
        """Call what is due."""
        while self._heap and self._heap[0][0] <= now:
            at, _, cell = heapq.heappop(self._heap)
            if cell:
                cell.pop()(at)


class Timer:
    """One timer that was set."""

    __slots__ = ("_cell",)

    def __init__(self, cell: list[Callable[[Instant], None]]) -> None:
        self._cell = cell

    def stop(self) -> None:
        self._cell.clear()
