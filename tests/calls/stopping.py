"""A server process that is stopped for a while, as by SIGSTOP, while the world goes on."""

from __future__ import annotations

import math
from collections.abc import Callable

from ringback.clock import Clock, Instant, LoopClock, Timer


class _Postponed:
    """A timer that waits for the process to go on."""

    def __init__(self, clock: StoppableClock, action: Callable[[], None]) -> None:
        self._clock = clock
        self._action = action
        self.timer: Timer | None = None

    def due(self) -> None:
        if self._clock.stopped:
            self.timer = self._clock.after_the_stop(self.due)
        else:
            self._action()

    def cancel(self) -> None:
        if self.timer is not None:
            self.timer.cancel()


class StoppableClock:
    """The clock of a server: none of its timers is served while it is stopped, and it is told
    of nothing that reaches its machine. It reads what has come before it serves what is due."""

    def __init__(self, clock: LoopClock, lag: float = 0.001) -> None:
        """Timers that were due meanwhile are served `lag` seconds after it goes on."""
        self._clock: Clock = clock
        self._lag = lag
        self._until: Instant = -math.inf

    @property
    def stopped(self) -> bool:
        return self.now() < self._until

    def stop(self, seconds: float) -> None:
        self._until = self.now() + seconds

    def deliver(self, told: Callable[[], None]) -> None:
        """See `Network.deliver`."""
        if self.stopped:
            self._clock.call_at(self._until, told)
        else:
            told()

    def after_the_stop(self, action: Callable[[], None]) -> Timer:
        return self._clock.call_at(self._until + self._lag, action)

    def now(self) -> Instant:
        return self._clock.now()

    def call_at(self, at: Instant, action: Callable[[], None]) -> Timer:
        postponed = _Postponed(self, action)
        postponed.timer = self._clock.call_at(at, postponed.due)
        return postponed

    async def sleep_until(self, at: Instant) -> None:
        await self._clock.sleep_until(at)
        if self.stopped:
            await self._clock.sleep_until(self._until + self._lag)
