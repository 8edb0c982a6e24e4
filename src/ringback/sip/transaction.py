"""Transactions: what the four machines of RFC 3261 section 17 have in common.

Theory of operation. A transaction is a `machine` with a few timers, each of which belongs to the
state in which it was set. It does no input or output: it sends through `send`, and reports to its
user through callbacks.

The tables, with the Accepted states of RFC 6026, are in `client_transaction` and
`server_transaction`. Over a reliable transport nothing is retransmitted, and no timer waits for
retransmissions.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from ringback.clock import Instant
from ringback.sip.hop import Hop
from ringback.sip.machine import Machine
from ringback.sip.timers import SipTimer, Timers

Send = Callable[[bytes, Hop], None]


_RETRANSMISSIONS = frozenset("AEG")
_REPETITIONS = frozenset("DIJK")
"""Timers that wait for retransmissions."""


class State(Enum):
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class Transaction(Machine[State]):
    """A machine with timers."""

    def __init__(self, timers: Timers, send: Send, peer: Hop, over: Callable[[], None]) -> None:
        """`over` is called when the transaction has terminated."""
        self.peer = peer
        self._timers = timers
        self._send = send
        self._over = over
        self._set: dict[str, SipTimer] = {}
        self._last = b""
        """The bytes that a retransmission sends."""

    def feed(self, what: str, now: Instant) -> None:
        before = self.state
        super().feed(what, now)
        if self.state is State.TERMINATED and before is not State.TERMINATED:
            self._over()

    def _kept(self) -> tuple[str, ...]:
        """The timers that go on in the state just entered; all others stop with the state
        before."""
        return ()

    def _state_left(self) -> None:
        kept = self._kept()
        for letter in [letter for letter in self._set if letter not in kept]:
            self._stop(letter)

    def _start(self, letter: str, seconds: float, now: Instant) -> None:
        if self.peer.reliable:
            if letter in _RETRANSMISSIONS:
                return
            if letter in _REPETITIONS:
                seconds = 0.0
        self._set[letter] = self._timers.set(now + seconds, lambda due: self.feed(letter, due))

    def _stop(self, letter: str) -> None:
        timer = self._set.pop(letter, None)
        if timer is not None:
            timer.stop()

    def retransmit(self, now: Instant) -> None:
        if self._last:
            self._send(self._last, self.peer)
