"""SIP's timers (RFC 3261 section 17 and table 4, RFC 6026), in seconds; and a queue of what is due
when."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from ringback.clock import Instant

T1 = 0.5
"""An estimate of the time to the far end and back."""
T2 = 4.0
"""The longest pause between two retransmissions of a request other than INVITE, or of a final
response to an INVITE."""
T4 = 5.0
"""The longest time that a message stays in the network."""
LIFETIME = 64 * T1
"""Timers B, F, H, J, L and M; timer D is at least as long."""
TRYING_AFTER = 0.2
"""An INVITE that has had no response for this long gets 100 (section 17.2.1)."""

_MOST_STOPPED = 1000
"""Up to this many stopped timers are not worth clearing away."""

Action = Callable[[Instant], None]


class Timers:
    """What is due when.

    A heap. A stopped timer stays in it until its time comes. But when most timers in the heap are
    stopped ones, they are cleared away: otherwise a session timer of half an hour would outlive a
    call of a minute.
    """

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, SipTimer]] = []
        self._numbers = itertools.count()
        self._stopped = 0

    def __len__(self) -> int:
        return len(self._heap) - self._stopped

    def set(self, at: Instant, action: Action) -> SipTimer:
        """From `at` on, `run` calls `action`, once, with `at`."""
        timer = SipTimer(action, self._note_stopped)
        heapq.heappush(self._heap, (at, next(self._numbers), timer))
        return timer

    def next(self) -> Instant | None:
        """When `run` must be called next."""
        while self._heap and self._heap[0][2].action is None:
            heapq.heappop(self._heap)
            self._stopped -= 1
        return self._heap[0][0] if self._heap else None

    def run(self, now: Instant) -> None:
        """Call what is due."""
        while (at := self.next()) is not None and at <= now:
            timer = heapq.heappop(self._heap)[2]
            action, timer.action = timer.action, None
            assert action is not None
            action(at)

    def _note_stopped(self) -> None:
        self._stopped += 1
        if self._stopped > _MOST_STOPPED and 2 * self._stopped > len(self._heap):
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapq.heapify(self._heap)
            self._stopped = 0


class SipTimer:
    """One timer; can be stopped."""

    __slots__ = ("_note_stopped", "action")

    def __init__(self, action: Action, note_stopped: Callable[[], None]) -> None:
        self.action: Action | None = action
        """None once it was called or stopped."""
        self._note_stopped = note_stopped

    def stop(self) -> None:
        if self.action is not None:
            self.action = None
            self._note_stopped()
