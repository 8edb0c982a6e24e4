"""Whoever writes again and again beside a server pauses, and keeps its units of work short."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ringback.clock import Instant, Timer
from ringback.store.pace import Pace


class HandClock:
    """Time that passes only when it is told to, or slept away."""

    def __init__(self) -> None:
        self.time = 100.0
        self.slept: list[float] = []

    def now(self) -> Instant:
        return self.time

    def call_at(self, at: Instant, action: Callable[[], None]) -> Timer:
        raise NotImplementedError

    async def sleep_until(self, at: Instant) -> None:
        self.slept.append(round(at - self.time, 6))
        self.time = at


def after(clock: HandClock, pace: Pace, seconds: float) -> int:
    """The size of the next unit once one has taken so long."""
    clock.time += seconds
    asyncio.run(pace.pause())
    return pace.size


def test_a_pause_is_as_long_as_what_was_before_it() -> None:
    clock = HandClock()
    pace = Pace(clock)
    for seconds in (0.0, 0.001, 0.01, 0.3):
        after(clock, pace, seconds)
    assert clock.slept == [0.005, 0.005, 0.01, 0.02]


def test_a_unit_does_as_much_as_fits_into_five_milliseconds() -> None:
    clock = HandClock()
    pace = Pace(clock, 2, 20)
    sizes = [after(clock, pace, pace.size * 0.001) for _ in range(10)]
    assert abs(sizes[-1] - 5) <= 1
    assert [after(clock, pace, 0.5) for _ in range(5)][-1] == 2
    assert [after(clock, pace, 0.0) for _ in range(9)][-1] >= 19
    assert after(clock, Pace(clock, 3, 3), 0.0) == 3
