"""Messages that come to nothing: now and then a line in the log tells the operator of a source."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from ringback.clock import Clock, Instant
from ringback.sip.hop import Hop

NO_TRUNK = "no trunk has this source: add it to the `sources` of a trunk if it is yours"
QUIET_SECONDS = 60.0
"""After a line, nothing more of its kind is said for this many seconds."""
MOST = 20
"""The most kinds in that time, such as sources: forged addresses must not fill the disk."""


class Strangers:
    """Remembers who was told of, and how much was not."""

    def __init__(self, clock: Clock, report: Callable[[str], None]) -> None:
        self._clock = clock
        self._report = report
        self._told: dict[Hashable, Instant] = {}
        self._untold = 0

    def seen(
        self,
        source: Hop,
        why: str = NO_TRUNK,
        *,
        what: str = "dropped a message",
        kind: Hashable = None,
    ) -> None:
        """Something came from `source` and was not taken; `what` and `why` are for people. `kind`
        is what lines that say the same have in common; left out, the host of the source."""
        now, host = self._clock.now(), source.host
        kind = kind or host
        if now - self._told.get(kind, -QUIET_SECONDS) < QUIET_SECONDS:
            return
        self._told = {told: at for told, at in self._told.items() if now - at < QUIET_SECONDS}
        if len(self._told) == MOST:
            self._untold += 1
            return
        self._told[kind] = now
        more = f" ({self._untold} more from other sources before)" if self._untold else ""
        self._untold = 0
        self._report(f"{what} from {host}{more}: {why}")
