"""The generators' beat, and how late it was itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from bench.figures import Delays

PHASES = 20
"""The beats in 20 ms: a phone that sends a packet each 20 ms does so in one of them."""
_BEAT = 0.02 / PHASES
_NAP = 0.0005


class Pace:
    """A beat each millisecond. Between two beats, packets that have come in are taken."""

    def __init__(self, take: Callable[[], None]) -> None:
        self._take = take
        self.late = Delays()
        """How late each beat was. If the generator itself was late, the figures are worth
        little."""

    def beats(self, running: Callable[[], bool]) -> Iterator[int]:
        """The number of each beat, as soon as it is due."""
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
