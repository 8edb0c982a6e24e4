"""The generators' beat, and how late they were themselves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from bench.figures import Delays

PHASES = 20
"""Beats in 20 ms: whoever sends a packet each 20 ms does it in one of them."""
_BEAT = 0.02 / PHASES
_NAP = 0.0005


class Pace:
    """A beat each millisecond. Between beats what has come in is taken."""

    def __init__(self, take: Callable[[], None]) -> None:
        self._take = take
        self.late = Delays()
        """How long after its time each beat came: figures beside which the generator was late
        itself are worth little."""

    def beats(self, running: Callable[[], bool]) -> Iterator[int]:
        """The number of each beat, when it is due."""
        start, number = time.monotonic(), 0
        while running():
            due = start + number * _BEAT
            while True:
                self._take()
                now = time.monotonic()
                if now >= due:
                    break
                time.sleep(min(_NAP, due - now))
            self.late.add((now - due) * 1000)
            yield number
            number += 1
