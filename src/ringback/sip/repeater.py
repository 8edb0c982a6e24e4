"""Retransmission of a 2xx to an INVITE until its ACK comes (RFC 3261 section 13.3.1.4)."""

from __future__ import annotations

from collections.abc import Callable

from ringback.clock import Instant
from ringback.sip.hop import Hop
from ringback.sip.timers import LIFETIME, T1, T2, Timers
from ringback.sip.transaction import Send


class Repeater:
    """Sends a 2xx again after 0.5, 1, 2, 4, 4, ... seconds, for 32 seconds in all."""

    def __init__(
        self,
        timers: Timers,
        send: Send,
        response: bytes,
        peer: Hop,
        on_timeout: Callable[[Instant], None],
        now: Instant,
    ) -> None:
        """The 2xx has just been sent for the first time, at `now`. `on_timeout` is called if no ACK
        came."""
        self._timers = timers
        self._send = send
        self._response = response
        self._peer = peer
        self._on_timeout = on_timeout
        self._pause = T1
        self._end = timers.set(now + LIFETIME, self._give_up)
        self._next = timers.set(now + T1, self._again)

    def stop(self) -> None:
        """The ACK has come, or it does not matter any more."""
        self._end.stop()
        self._next.stop()

    def _again(self, now: Instant) -> None:
        self._send(self._response, self._peer)
        self._pause = min(2 * self._pause, T2)
        self._next = self._timers.set(now + self._pause, self._again)

    def _give_up(self, now: Instant) -> None:
        self.stop()
        self._on_timeout(now)
