"""The pace of whoever writes again and again beside a server: short units of work, and pauses."""

from __future__ import annotations

from ringback.clock import Clock

UNIT_SECONDS = 0.005
"""How long one unit of work is to take."""
LEAST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.02


class Pace:
    """Pauses after each unit of work as long as it took, so that a running server gets its turn:
    SQLite does not queue who waits."""

    def __init__(self, clock: Clock, least: int = 1, most: int = 1) -> None:
        """How many things a unit does at least and at most."""
        self._clock = clock
        self._least, self._most = least, most
        self._began = clock.now()
        self.size = least
        """How many things the next unit should do, by how long the last one took."""

    async def pause(self) -> None:
        now = self._clock.now()
        took = now - self._began
        fitting = round(self.size * UNIT_SECONDS / took) if took > 0 else self._most
        self.size = max(self._least, min((self.size + fitting) // 2, self._most))
        pause = max(LEAST_PAUSE_SECONDS, min(took, LONGEST_PAUSE_SECONDS))
        await self._clock.sleep_until(now + pause)
        self._began = self._clock.now()
