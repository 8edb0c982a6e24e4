"""The conversation watch: what a clock has to do for the legs of a session.

Pure: instants in, the next thing to do out. Nothing is polled. There is one end, the earliest of
the funded instant and the absolute limit, and everything else is so many seconds before it. The
end moves when a slice is reserved, and may move further as long as it has not come.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ringback.clock import Instant

CUT_LEAD_SECONDS = 0.1
"""The BYE leaves so long before the funded instant: in the 250 ms before it, never after it
(spec section 4, step 10)."""

SLICE_LEAD_SECONDS = 10.0
"""A slice is reserved so long before it is needed, beyond the warning, so that a slow store does
not cut anybody off."""

LAST_LOOK_SECONDS = 2.0
"""Once nothing more could be reserved, a recharge is looked for at the warning, or before
`no_credit_sound`, and so long before the end."""

RINGING_LOOK_SECONDS = 5.0
"""While leg B rings, it is tried so long before it must be given up to let it ring on."""


class Task(Enum):
    """What is due."""

    SLICE = auto()
    WARN = auto()
    SAY_NO_CREDIT = auto()
    CUT = auto()


@dataclass(slots=True)
class Watch:
    """The deadlines of one conversation, of leg A alone between conversations, or of a leg B that
    rings: its money ends when an answer would not be funded any more."""

    funded: Instant
    limit: Instant = math.inf
    """The absolute limit: `max_call_seconds`, or the 180 s that leg A lives on its own."""
    warn_seconds: float = 0.0
    """A beep so long before the end; 0: none."""
    farewell_seconds: float = 0.0
    """For leg A alone: `no_credit_sound` is begun so long before the money ends; 0: none."""
    looks: Sequence[float] = ()
    """It is tried to move the end so long before it; by default as for a call that is sliced."""
    _warned: bool = False
    _looked: Instant = -math.inf
    """When a slice was last asked for in vain."""
    _pending: bool = False

    @property
    def end(self) -> Instant:
        return min(self.funded, self.limit)

    @property
    def _final(self) -> bool:
        """As far as is known the end will not move: the limit comes first, or the last slice
        that was asked for brought nothing."""
        return self.limit <= self.funded or (self._looked > -math.inf and not self._pending)

    def due(self) -> tuple[Instant, Task]:
        """The next instant at which something is to be done, and what."""
        tasks = [(self.end - CUT_LEAD_SECONDS, Task.CUT)]
        if not self._pending and self.funded < self.limit:
            tasks.append((self._next_slice(), Task.SLICE))
        if self._final and self.warn_seconds and not self._warned:
            tasks.append((self.end - self.warn_seconds, Task.WARN))
        if self._final and self.farewell_seconds and self.funded < self.limit:
            tasks.append((self.funded - self.farewell_seconds, Task.SAY_NO_CREDIT))
        return min(tasks, key=lambda task: (task[0], task[1] is not Task.SLICE))

    def _next_slice(self) -> Instant:
        lead = self.warn_seconds + self.farewell_seconds  # there is only one of them
        looks = self.looks or (lead + SLICE_LEAD_SECONDS, lead, LAST_LOOK_SECONDS)
        ahead = (self.funded - seconds for seconds in looks)
        return min((look for look in ahead if look > self._looked), default=math.inf)

    def slicing(self) -> None:
        """A slice has been asked for."""
        self._pending = True

    def sliced(self, funded: Instant, now: Instant) -> None:
        """The answer has come: the funded instant now."""
        self._pending = False
        if funded > self.funded:
            self._move(funded, now)
        else:
            self._looked = now

    def credit_changed(self, funded: Instant, now: Instant) -> None:
        """The funded instant now, which may have come nearer; what was asked for in vain may be
        had."""
        self._move(funded, now)

    def _move(self, funded: Instant, now: Instant) -> None:
        before = self.end
        self.funded = funded
        self._looked = -math.inf
        if self.end != before and self.end - self.warn_seconds >= now:
            self._warned = False  # the warning belonged to an end that has moved away

    def warned(self) -> None:
        self._warned = True
