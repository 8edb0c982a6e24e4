"""The two client transactions (RFC 3261 section 17.1, RFC 6026); see `transaction`."""

from __future__ import annotations

from collections.abc import Callable

from ringback.clock import Instant
from ringback.sip.headers import Headers
from ringback.sip.hop import Hop
from ringback.sip.machine import Table
from ringback.sip.message import Request, Response
from ringback.sip.timers import LIFETIME, T1, T2, T4, Timers
from ringback.sip.transaction import Send, State, Transaction

S = State

CLIENT_INVITE: Table[State] = {  # RFC 3261 figure 5, RFC 6026 figure 5
    (S.CALLING, "A"): (S.CALLING, ("retransmit", "set_a")),
    (S.CALLING, "B"): (S.TERMINATED, ("time_out",)),
    (S.CALLING, "1xx"): (S.PROCEEDING, ("pass_up",)),
    (S.CALLING, "2xx"): (S.ACCEPTED, ("set_m", "pass_up")),
    (S.CALLING, "final"): (S.COMPLETED, ("acknowledge", "set_d", "pass_up")),
    (S.PROCEEDING, "1xx"): (S.PROCEEDING, ("pass_up",)),
    (S.PROCEEDING, "2xx"): (S.ACCEPTED, ("set_m", "pass_up")),
    (S.PROCEEDING, "final"): (S.COMPLETED, ("acknowledge", "set_d", "pass_up")),
    (S.PROCEEDING, "given up"): (S.TERMINATED, ("time_out",)),
    (S.COMPLETED, "final"): (S.COMPLETED, ("acknowledge",)),
    (S.COMPLETED, "D"): (S.TERMINATED, ()),
    (S.ACCEPTED, "2xx"): (S.ACCEPTED, ("pass_up",)),
    (S.ACCEPTED, "M"): (S.TERMINATED, ()),
}

CLIENT: Table[State] = {  # RFC 3261 figure 6
    (S.TRYING, "E"): (S.TRYING, ("retransmit", "set_e")),
    (S.TRYING, "F"): (S.TERMINATED, ("time_out",)),
    (S.TRYING, "1xx"): (S.PROCEEDING, ("pass_up",)),
    (S.TRYING, "2xx"): (S.COMPLETED, ("set_k", "pass_up")),
    (S.TRYING, "final"): (S.COMPLETED, ("set_k", "pass_up")),
    (S.PROCEEDING, "E"): (S.PROCEEDING, ("retransmit", "set_e_slow")),
    (S.PROCEEDING, "F"): (S.TERMINATED, ("time_out",)),
    (S.PROCEEDING, "1xx"): (S.PROCEEDING, ("pass_up",)),
    (S.PROCEEDING, "2xx"): (S.COMPLETED, ("set_k", "pass_up")),
    (S.PROCEEDING, "final"): (S.COMPLETED, ("set_k", "pass_up")),
    (S.COMPLETED, "K"): (S.TERMINATED, ()),
}

OnResponse = Callable[[Response | None, Instant], None]
"""Gets each response that the transaction's user should see, or None if none came in time."""


class _ClientTransaction(Transaction):
    def __init__(
        self,
        request: Request,
        timers: Timers,
        send: Send,
        peer: Hop,
        on_response: OnResponse,
        over: Callable[[], None],
    ) -> None:
        super().__init__(timers, send, peer, over)
        self.request = request
        self._on_response = on_response
        self._response: Response | None = None
        self._pause = T1

    def receive(self, response: Response, now: Instant) -> None:
        """A response that matches (section 17.1.3)."""
        self._response = response
        status = response.status
        self.feed("1xx" if status < 200 else "2xx" if status < 300 else "final", now)

    def pass_up(self, now: Instant) -> None:
        self._on_response(self._response, now)

    def time_out(self, now: Instant) -> None:
        self._on_response(None, now)


class InviteClientTransaction(_ClientTransaction):
    table = CLIENT_INVITE

    def start(self, now: Instant) -> None:
        self.state = State.CALLING
        self._last = self.request.encode()
        self._send(self._last, self.peer)
        self._start("A", self._pause, now)
        self._start("B", LIFETIME, now)

    def resume(self) -> None:
        """Take up a transaction whose request was sent before a restart. No timer is set: only
        answers matter now, and its user ends it with `expect_final`."""
        self.state = State.PROCEEDING

    def expect_final(self, now: Instant) -> None:
        """Wait for a final response for at most 64*T1 from now (section 9.1, after a CANCEL).
        Without this limit, the figure's machine waits for ever after a provisional response."""
        self._start("given up", LIFETIME, now)

    def _kept(self) -> tuple[str, ...]:
        return ("given up",) if self.state is State.PROCEEDING else ()

    def set_a(self, now: Instant) -> None:
        self._pause *= 2
        self._start("A", self._pause, now)

    def set_d(self, now: Instant) -> None:
        self._start("D", LIFETIME, now)

    def set_m(self, now: Instant) -> None:
        self._start("M", LIFETIME, now)

    def acknowledge(self, now: Instant) -> None:
        """The transaction itself sends the ACK to a non-2xx response (section 17.1.1.3)."""
        assert self._response is not None
        headers = Headers([("via", str(self.request.via))])
        for name, value in self.request.headers.items():
            if name in ("route", "max-forwards", "from", "call-id"):
                headers.add(name, value)
        headers.add("to", self._response.headers.get("to") or str(self.request.to))
        headers.add("cseq", f"{self.request.cseq.number} ACK")
        self._send(Request("ACK", self.request.uri, headers).encode(), self.peer)


class ClientTransaction(_ClientTransaction):
    table = CLIENT

    def start(self, now: Instant) -> None:
        self.state = State.TRYING
        self._last = self.request.encode()
        self._send(self._last, self.peer)
        self._start("E", self._pause, now)
        self._start("F", LIFETIME, now)

    def _kept(self) -> tuple[str, ...]:
        """Timers E and F run from the first request to the final response."""
        return ("E", "F") if self.state is State.PROCEEDING else ()

    def set_e(self, now: Instant) -> None:
        self._pause = min(2 * self._pause, T2)
        self._start("E", self._pause, now)

    def set_e_slow(self, now: Instant) -> None:
        self._start("E", T2, now)

    def set_k(self, now: Instant) -> None:
        self._start("K", T4, now)
