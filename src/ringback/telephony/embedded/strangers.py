"""Sources that no trunk has: they get no answer, and the operator one line now and then."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

from ringback.clock import Clock, Instant
from ringback.sip.transaction import Address

QUIET_SECONDS = 60.0
MOST = 1000


class Strangers:
    """Remembers who was told of, a bounded number of them."""

    def __init__(self, clock: Clock, report: Callable[[str], None]) -> None:
        self._clock = clock
        self._report = report
        self._told: OrderedDict[str, Instant] = OrderedDict()

    def seen(self, source: Address) -> None:
        """Something came from `source`."""
        now, host = self._clock.now(), source[0]
        if now - self._told.get(host, 0.0) < QUIET_SECONDS:
            return
        self._told[host] = now
        self._told.move_to_end(host)
        if len(self._told) > MOST:
            self._told.popitem(last=False)
        self._report(
            f"dropped a message from {host}: no trunk has this source: add it to `sources` of a "
            "[[trunk]] if it is yours"
        )
