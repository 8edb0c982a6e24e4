"""Pauses between the units of work of whoever writes again and again beside a server."""

from __future__ import annotations

from ringback.clock import Clock

LEAST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.02


class Pace:
    """Pauses after each unit of work as long as it took, so that a running server gets its turn:
    SQLite does not queue who waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now()

    async def pause(self) -> None:
        now = self._clock.now()
        took = max(LEAST_PAUSE_SECONDS, min(now - self._began, LONGEST_PAUSE_SECONDS))
        await self._clock.sleep_until(now + took)
        self._began = self._clock.now()
