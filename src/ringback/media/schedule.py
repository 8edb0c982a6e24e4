"""When things are due in a worker. (Imported by the worker.)"""

from __future__ import annotations

import math

TURN_SECONDS = 0.02
PHASES = 4
"""The legs are spread over this many parts of a turn, so that not all packets leave at once."""
_LONGEST_STALL = 1.0


class Wheel:
    """Turns of 20 ms, counted from the start, so that lateness never adds up."""

    def __init__(self, now: float) -> None:
        self.start(now)

    def start(self, now: float) -> None:
        self._start = now
        self._count = 0
        self.due = now

    def advance(self, now: float) -> int:
        """Move on from the part of a turn that is due, and return its number. After a second
        without a turn (the machine slept) the wheel begins anew: the missed turns are not sent all
        at once."""
        phase = self._count % PHASES
        if now - self.due > _LONGEST_STALL:
            self._start = now - self._count * TURN_SECONDS / PHASES
        self._count += 1
        self.due = self._start + self._count * TURN_SECONDS / PHASES
        return phase


class Deadlines:
    """One instant for each of some legs. `next` is never later than the nearest of them."""

    def __init__(self) -> None:
        self.next = math.inf
        self._at: dict[int, float] = {}

    def set(self, leg: int, at: float | None) -> None:
        """Set, move or, with None, remove the leg's instant."""
        if at is None:
            self._at.pop(leg, None)
        else:
            self._at[leg] = at
            self.next = min(self.next, at)

    def reached(self, now: float) -> list[int]:
        """The legs whose instant has come, which are removed."""
        if now < self.next:
            return []
        legs = [leg for leg, at in self._at.items() if at <= now]
        for leg in legs:
            del self._at[leg]
        self.next = min(self._at.values(), default=math.inf)
        return legs
