"""The four transactions of RFC 3261 section 17, with the Accepted states of RFC 6026.

Theory of operation. A transaction is a state, a table, and a few timers. Each table below maps
(state, input) to (next state, actions), one row for each arrow of the figure that it cites; an
input without a row is absorbed and leaves the state as it is. Inputs are messages by class
(`1xx`, `2xx`, `final`, `INVITE`, `ACK`, ...) and timers by letter. Actions are names of the
methods below. A transaction does no input or output: what it sends goes to `send`, what concerns
its user goes to the callbacks.

UDP only: retransmissions and the waiting for them (timers D, I, J, K) are always on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto

from ringback.clock import Instant
from ringback.sip.message import Headers, Request, Response
from ringback.sip.timers import LIFETIME, T1, T2, T4, Timer, Timers

Address = tuple[str, int]
Send = Callable[[bytes, Address], None]


class State(Enum):
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


S = State
Table = Mapping[tuple[State, str], tuple[State, tuple[str, ...]]]

CLIENT_INVITE: Table = {  # RFC 3261 figure 5, RFC 6026 figure 5
    (S.CALLING, "A"): (S.CALLING, ("retransmit", "set_a")),
    (S.CALLING, "B"): (S.TERMINATED, ("time_out",)),
    (S.CALLING, "1xx"): (S.PROCEEDING, ("pass_up",)),
    (S.CALLING, "2xx"): (S.ACCEPTED, ("pass_up", "set_m")),
    (S.CALLING, "final"): (S.COMPLETED, ("acknowledge", "pass_up", "set_d")),
    (S.PROCEEDING, "1xx"): (S.PROCEEDING, ("pass_up",)),
    (S.PROCEEDING, "2xx"): (S.ACCEPTED, ("pass_up", "set_m")),
    (S.PROCEEDING, "final"): (S.COMPLETED, ("acknowledge", "pass_up", "set_d")),
    (S.PROCEEDING, "given up"): (S.TERMINATED, ("time_out",)),
    (S.COMPLETED, "final"): (S.COMPLETED, ("acknowledge",)),
    (S.COMPLETED, "D"): (S.TERMINATED, ()),
    (S.ACCEPTED, "2xx"): (S.ACCEPTED, ("pass_up",)),
    (S.ACCEPTED, "M"): (S.TERMINATED, ()),
}

CLIENT: Table = {  # RFC 3261 figure 6
    (S.TRYING, "E"): (S.TRYING, ("retransmit", "set_e")),
    (S.TRYING, "F"): (S.TERMINATED, ("time_out",)),
    (S.TRYING, "1xx"): (S.PROCEEDING, ("pass_up",)),
    (S.TRYING, "2xx"): (S.COMPLETED, ("pass_up", "set_k")),
    (S.TRYING, "final"): (S.COMPLETED, ("pass_up", "set_k")),
    (S.PROCEEDING, "E"): (S.PROCEEDING, ("retransmit", "set_e_slow")),
    (S.PROCEEDING, "F"): (S.TERMINATED, ("time_out",)),
    (S.PROCEEDING, "1xx"): (S.PROCEEDING, ("pass_up",)),
    (S.PROCEEDING, "2xx"): (S.COMPLETED, ("pass_up", "set_k")),
    (S.PROCEEDING, "final"): (S.COMPLETED, ("pass_up", "set_k")),
    (S.COMPLETED, "K"): (S.TERMINATED, ()),
}

SERVER_INVITE: Table = {  # RFC 3261 figure 7, RFC 6026 figure 7
    (S.PROCEEDING, "INVITE"): (S.PROCEEDING, ("retransmit",)),
    (S.PROCEEDING, "send 1xx"): (S.PROCEEDING, ("respond",)),
    (S.PROCEEDING, "send 2xx"): (S.ACCEPTED, ("respond", "set_l")),
    (S.PROCEEDING, "send final"): (S.COMPLETED, ("respond", "set_g", "set_h")),
    (S.COMPLETED, "INVITE"): (S.COMPLETED, ("retransmit",)),
    (S.COMPLETED, "G"): (S.COMPLETED, ("retransmit", "set_g")),
    (S.COMPLETED, "H"): (S.TERMINATED, ("time_out",)),
    (S.COMPLETED, "ACK"): (S.CONFIRMED, ("confirm", "set_i")),
    (S.CONFIRMED, "I"): (S.TERMINATED, ()),
    (S.ACCEPTED, "send 2xx"): (S.ACCEPTED, ("respond",)),
    (S.ACCEPTED, "L"): (S.TERMINATED, ()),
}

SERVER: Table = {  # RFC 3261 figure 8
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


class Transaction:
    """A machine: a table and its state."""

    table: Table
    state: State

    def __init__(self, timers: Timers, send: Send, peer: Address, over: Callable[[], None]) -> None:
        self.peer = peer
        self._timers = timers
        self._send = send
        self._over = over
        self._set: dict[str, Timer] = {}
        self._last = b""

    def feed(self, what: str, now: Instant) -> None:
        """Give the machine an input."""
        row = self.table.get((self.state, what))
        if row is None:
            return
        before = self.state
        self.state, actions = row
        if self.state is not before:
            self._leave_state()
        for action in actions:
            getattr(self, action)(now)
        if self.state is State.TERMINATED and before is not State.TERMINATED:
            self._over()

    def _leave_state(self) -> None:
        """Timers belong to a state, except F, which runs from the first request to the end."""
        for letter in [letter for letter in self._set if letter not in self._kept()]:
            self._set.pop(letter).stop()

    def _kept(self) -> tuple[str, ...]:
        return ()

    def _start(self, letter: str, seconds: float, now: Instant) -> None:
        self._set[letter] = self._timers.set(now + seconds, lambda due: self.feed(letter, due))

    def retransmit(self, now: Instant) -> None:
        if self._last:
            self._send(self._last, self.peer)


class _ClientTransaction(Transaction):
    def __init__(
        self,
        request: Request,
        timers: Timers,
        send: Send,
        peer: Address,
        on_response: Callable[[Response | None, Instant], None],
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


class ClientInvite(_ClientTransaction):
    table = CLIENT_INVITE

    def start(self, now: Instant) -> None:
        self.state = State.CALLING
        self._last = self.request.encode()
        self._send(self._last, self.peer)
        self._start("A", self._pause, now)
        self._start("B", LIFETIME, now)

    def resume(self) -> None:
        """Take up a transaction whose request was sent before a restart: only what answers it
        matters, and whoever takes it up gives it up."""
        self.state = State.PROCEEDING

    def give_up(self, now: Instant) -> None:
        """No final response is waited for any longer (section 9.1: 64*T1 after a CANCEL)."""
        self.feed("given up", now)

    def set_a(self, now: Instant) -> None:
        self._pause *= 2
        self._start("A", self._pause, now)

    def set_d(self, now: Instant) -> None:
        self._start("D", LIFETIME, now)

    def set_m(self, now: Instant) -> None:
        self._start("M", LIFETIME, now)

    def acknowledge(self, now: Instant) -> None:
        """The ACK to a non-2xx is the transaction's own (section 17.1.1.3)."""
        assert self._response is not None
        headers = Headers([("via", str(self.request.via))])
        for name, value in self.request.headers.items():
            if name in ("route", "max-forwards", "from", "call-id"):
                headers.add(name, value)
        headers.add("to", self._response.headers.get("to") or str(self.request.to))
        headers.add("cseq", f"{self.request.cseq.number} ACK")
        self._send(Request("ACK", self.request.uri, headers).encode(), self.peer)


class Client(_ClientTransaction):
    table = CLIENT

    def start(self, now: Instant) -> None:
        self.state = State.TRYING
        self._last = self.request.encode()
        self._send(self._last, self.peer)
        self._start("E", self._pause, now)
        self._start("F", LIFETIME, now)

    def _kept(self) -> tuple[str, ...]:
        return ("E", "F") if self.state is State.PROCEEDING else ()

    def set_e(self, now: Instant) -> None:
        self._pause = min(2 * self._pause, T2)
        self._start("E", self._pause, now)

    def set_e_slow(self, now: Instant) -> None:
        self._start("E", T2, now)

    def set_k(self, now: Instant) -> None:
        self._start("K", T4, now)


class _ServerTransaction(Transaction):
    def __init__(
        self, request: Request, timers: Timers, send: Send, peer: Address, over: Callable[[], None]
    ) -> None:
        super().__init__(timers, send, peer, over)
        self.request = request

    def send_response(self, response: Response, now: Instant) -> None:
        self.send_encoded(response.status, response.encode(), now)

    def send_encoded(self, status: int, response: bytes, now: Instant) -> None:
        self._next = response
        self.feed("send 1xx" if status < 200 else "send 2xx" if status < 300 else "send final", now)

    def respond(self, now: Instant) -> None:
        self._last = self._next
        self._send(self._last, self.peer)


class ServerInvite(_ServerTransaction):
    table = SERVER_INVITE

    def __init__(
        self,
        request: Request,
        timers: Timers,
        send: Send,
        peer: Address,
        on_end: Callable[[bool, Instant], None],
        over: Callable[[], None],
    ) -> None:
        """`on_end` is told of the end of a rejected INVITE: True when its ACK came."""
        super().__init__(request, timers, send, peer, over)
        self.state = State.PROCEEDING
        self.on_end = on_end
        self.on_cancel: Callable[[Request, Instant], None] = lambda request, at: None
        self._pause = T1

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


class Server(_ServerTransaction):
    table = SERVER

    def __init__(
        self, request: Request, timers: Timers, send: Send, peer: Address, over: Callable[[], None]
    ) -> None:
        super().__init__(request, timers, send, peer, over)
        self.state = State.TRYING

    def set_j(self, now: Instant) -> None:
        self._start("J", LIFETIME, now)
