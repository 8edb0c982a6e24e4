"""The two server transactions (RFC 3261 section 17.2, RFC 6026); see `transaction`."""

from __future__ import annotations

from collections.abc import Callable

from ringback.clock import Instant
from ringback.sip.hop import Hop
from ringback.sip.machine import Table
from ringback.sip.message import Request, Response, respond
from ringback.sip.timers import LIFETIME, T1, T2, T4, TRYING_AFTER, Timers
from ringback.sip.transaction import Send, State, Transaction

S = State

# RFC 3261 figure 7, RFC 6026 figure 7; timer "100" is section 17.2.1's.
SERVER_INVITE: Table[State] = {
    (S.PROCEEDING, "INVITE"): (S.PROCEEDING, ("retransmit",)),
    (S.PROCEEDING, "100"): (S.PROCEEDING, ("send_trying",)),
    (S.PROCEEDING, "send 1xx"): (S.PROCEEDING, ("respond",)),
    (S.PROCEEDING, "send 2xx"): (S.ACCEPTED, ("respond", "set_l")),
    (S.PROCEEDING, "send final"): (S.COMPLETED, ("respond", "set_g", "set_h")),
    (S.COMPLETED, "INVITE"): (S.COMPLETED, ("retransmit",)),
    (S.COMPLETED, "G"): (S.COMPLETED, ("retransmit", "set_g")),
    (S.COMPLETED, "H"): (S.TERMINATED, ("time_out",)),
    (S.COMPLETED, "ACK"): (S.CONFIRMED, ("set_i", "confirm")),
    (S.CONFIRMED, "I"): (S.TERMINATED, ()),
    (S.ACCEPTED, "L"): (S.TERMINATED, ()),
}

SERVER: Table[State] = {  # RFC 3261 figure 8
    (S.TRYING, "send 1xx"): (S.PROCEEDING, ("respond",)),
    (S.TRYING, "send 2xx"): (S.COMPLETED, ("respond", "set_j")),
    (S.TRYING, "send final"): (S.COMPLETED, ("respond", "set_j")),
    (S.PROCEEDING, "request"): (S.PROCEEDING, ("retransmit",)),
    (S.PROCEEDING, "send 1xx"): (S.PROCEEDING, ("respond",)),
    (S.PROCEEDING, "send 2xx"): (S.COMPLETED, ("respond", "set_j")),
    (S.PROCEEDING, "send final"): (S.COMPLETED, ("respond", "set_j")),
    (S.COMPLETED, "request"): (S.COMPLETED, ("retransmit",)),
    (S.COMPLETED, "J"): (S.TERMINATED, ()),
}


class _ServerTransaction(Transaction):
    def send_response(self, response: Response, now: Instant) -> None:
        self._next = response.encode()
        status = response.status
        self.feed("send 1xx" if status < 200 else "send 2xx" if status < 300 else "send final", now)

    def respond(self, now: Instant) -> None:
        self._last = self._next
        self._send(self._last, self.peer)


class InviteServerTransaction(_ServerTransaction):
    """Repeats a non-2xx final response until its ACK comes. A 2xx is repeated by the user agent
    (section 13.3.1.4), and its ACK belongs to the dialog."""

    table = SERVER_INVITE

    def __init__(
        self, request: Request, timers: Timers, send: Send, peer: Hop, over: Callable[[], None]
    ) -> None:
        super().__init__(timers, send, peer, over)
        self.state = State.PROCEEDING
        self.request = request
        self.on_end: Callable[[bool, Instant], None] = lambda acknowledged, at: None
        """Called at the end of a rejected INVITE, with True if its ACK came."""
        self.on_cancel: Callable[[Request, Instant], None] = lambda request, at: None
        self._pause = T1
        self._to_tag: str | None = None

    def start(self, now: Instant) -> None:
        """The INVITE has just come."""
        self._start("100", TRYING_AFTER, now)

    def send_response(self, response: Response, now: Instant) -> None:
        self._to_tag = response.to.tag
        super().send_response(response, now)

    def receive_ack(self, request: Request, now: Instant) -> bool:
        """The ACK to a non-2xx final response; False if it is to another response. The caller chose
        the branch, but only somebody who received the response knows the To tag (section
        17.1.1.3): it is the tag that proves the source of the INVITE."""
        if self._to_tag is None or request.to.tag != self._to_tag:
            return False
        self.feed("ACK", now)
        return self.state is State.CONFIRMED

    def respond(self, now: Instant) -> None:
        self._stop("100")
        super().respond(now)

    def send_trying(self, now: Instant) -> None:
        response = respond(self.request, 100)
        timestamp = self.request.headers.get("timestamp")
        if timestamp is not None:
            response.headers.add("timestamp", timestamp)  # section 8.2.6.1
        self._last = response.encode()
        self._send(self._last, self.peer)

    def set_g(self, now: Instant) -> None:
        self._start("G", self._pause, now)
        self._pause = min(2 * self._pause, T2)

    def set_h(self, now: Instant) -> None:
        self._start("H", LIFETIME, now)

    def set_i(self, now: Instant) -> None:
        self._start("I", T4, now)

    def set_l(self, now: Instant) -> None:
        self._start("L", LIFETIME, now)

    def confirm(self, now: Instant) -> None:
        self.on_end(True, now)

    def time_out(self, now: Instant) -> None:
        self.on_end(False, now)


class ServerTransaction(_ServerTransaction):
    table = SERVER

    def __init__(self, timers: Timers, send: Send, peer: Hop, over: Callable[[], None]) -> None:
        super().__init__(timers, send, peer, over)
        self.state = State.TRYING

    def set_j(self, now: Instant) -> None:
        self._start("J", LIFETIME, now)
