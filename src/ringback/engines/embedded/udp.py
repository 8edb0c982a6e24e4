"""SIP on a real UDP socket, and what else the engine asks of the IPv4 network."""

from __future__ import annotations

import asyncio
import errno
import math
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ringback.clock import Clock, Instant, Timer
from ringback.engines.embedded.arrivals import Arrival, Arrivals, Kind
from ringback.sip.calls import Call, IncomingCall
from ringback.sip.events import CallEvent
from ringback.sip.hop import Hop
from ringback.sip.useragent import UserAgent

LARGEST_DATAGRAM = 65_535
DATAGRAMS_A_TURN = 64
"""So many are taken before the loop may do something else."""
READ_A_TURN = 512
"""So many are read, so that each kind of them is found among a flood of another."""
DATAGRAMS_TO_CATCH_UP = 8192
"""More than the kernel keeps for the socket."""
OF_LIVE_CALLS = (Kind.ANSWER, Kind.WITHIN)
SOCKET_BUFFER = 4 * 1024 * 1024

_SO_TIMESTAMPNS = 35
"""Linux (asm-generic/socket.h): each datagram comes with the wall clock's time of its arrival."""
_TIMESPEC = struct.Struct("@ll")
_ANCILLARY = socket.CMSG_SPACE(_TIMESPEC.size)


class PortInUse(OSError):
    """Another process listens on the address."""


def open_socket(listen: Hop) -> socket.socket:
    """A UDP socket bound to `listen`. Raises PortInUse, or OSError for an address that is not this
    machine's."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    try:
        sock.bind((listen.host, listen.port))
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"UDP port {listen.port} on {listen.host} is in use: end the program that has it, "
                "or choose another in [sip] listen"
            ) from error
        raise OSError(f"cannot listen on {listen.host}:{listen.port}: {error.strerror}") from error
    return sock


def bound_to(sock: socket.socket) -> Hop:
    """Where a socket listens."""
    host, port = sock.getsockname()
    return Hop("udp", host, port)


def reachable(host: str) -> str:
    """An address to put in messages: that of the way out, where we listen on all of them."""
    if host != "0.0.0.0":
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses a route
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def look_up(host: str) -> list[str]:
    """The addresses of a host, each once, in the resolver's order. It waits for the name server.
    Raises OSError."""
    with _no_name():
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def look_up_soon(host: str) -> list[str]:
    """As `look_up`, while the loop goes on."""
    loop = asyncio.get_running_loop()
    with _no_name():
        found = await loop.getaddrinfo(host, None, family=socket.AF_INET, type=socket.SOCK_DGRAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@contextmanager
def _no_name() -> Iterator[None]:
    """What can be no name at all, such as `a..b`, is told like a name that is not known."""
    try:
        yield
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "no host can have this name") from error


class UdpAdapter:
    """Moves datagrams and time between a socket and a user agent."""

    def __init__(
        self,
        sock: socket.socket,
        agent: UserAgent,
        clock: Clock,
        *,
        on_call: Callable[[IncomingCall], None],
        on_event: Callable[[Call, CallEvent], None],
        on_proven: Callable[[bytes], None] = lambda facts: None,
    ) -> None:
        self._socket = sock
        self._agent = agent
        self._clock = clock
        self._on_call = on_call
        self._on_event = on_event
        self._on_proven = on_proven
        self._timer: Timer | None = None
        self._due: float | None = None
        self._flushing = False
        self._reached: Instant | None = None
        self._emptied = -math.inf
        """When nothing was left to be read last: what comes after that has come since."""
        self._arrivals = Arrivals()
        self._working: asyncio.Handle | None = None
        """What waits is taken soon."""
        # One buffer for all: a fresh one of 64 KiB for each datagram costs more than its parsing.
        self._buffer = bytearray(LARGEST_DATAGRAM)
        self._view = memoryview(self._buffer)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(sock.fileno(), self._readable)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        for later in (self._timer, self._working):
            if later is not None:
                later.cancel()
        self._socket.close()

    @property
    def reached(self) -> Instant:
        """When that reached this machine which `on_call` or `on_event` is told of. It may have
        waited here while the process was stopped."""
        return self._clock.now() if self._reached is None else self._reached

    def flush(self) -> None:
        """Send what the user agent has to send, hand on what it tells, and set the timer. To be
        called after every verb, except from within `on_call`, `on_proven` and `on_event`, whose
        verbs are flushed when they return."""
        if self._flushing:
            return
        try:
            self._hand_all()
        finally:
            self._set_timer()

    def catch_up(self) -> None:
        """Take what has reached this machine for live calls and was not taken yet, be it from
        within `on_event`: before something is done for which it may be too late."""
        self._read(DATAGRAMS_TO_CATCH_UP)
        while (arrival := self._arrivals.take(OF_LIVE_CALLS)) is not None:
            self._take(arrival)

    def _hand_all(self, reached: Instant | None = None) -> None:
        before = self._flushing, self._reached
        self._flushing, self._reached = True, reached
        try:
            self._send()
            while self._hand_on():
                self._send()
        finally:
            self._flushing, self._reached = before

    def _send(self) -> None:
        for data, peer in self._agent.datagrams():
            try:
                self._socket.sendto(data, (peer.host, peer.port))
            except OSError:
                continue  # as if the network had lost it: retransmission is the remedy

    def _hand_on(self) -> bool:
        """Tell one thing that happened; False when there is no more."""
        call = self._agent.next_call()
        if call is not None:
            self._on_call(call)
            return True
        facts = self._agent.next_proven()
        if facts is not None:
            self._on_proven(facts)
            return True
        told = self._agent.next_event()
        if told is not None:
            self._on_event(*told)
        return told is not None

    def _set_timer(self) -> None:
        due = self._agent.next_timer()
        if due == self._due and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due = due
        self._timer = None if due is None else self._clock.call_at(due, self._timer_due)

    def _timer_due(self) -> None:
        self._timer = None
        self._agent.run_timers(self._clock.now())
        self.flush()

    def _readable(self) -> None:
        self._read(READ_A_TURN)
        if self._working is None:
            self._work()

    def _work(self) -> None:
        """Take some of what waits, and the rest in the loop's next turn."""
        self._working = None
        try:
            for _ in range(DATAGRAMS_A_TURN):
                arrival = self._arrivals.take()
                if arrival is None:
                    break
                self._take(arrival)
        finally:
            if self._arrivals and self._socket.fileno() >= 0:
                self._working = self._loop.call_soon(self._work)
            self._set_timer()

    def _take(self, arrival: Arrival) -> None:
        self._agent.receive(arrival.data, arrival.source, arrival.reached)
        self._hand_all(arrival.reached)

    def _read(self, most: int) -> None:
        for _ in range(most):
            try:
                length, ancillary, _, source = self._socket.recvmsg_into([self._view], _ANCILLARY)
            except BlockingIOError:
                self._emptied = self._clock.now()
                return
            except OSError:
                continue  # an ICMP error of something sent before
            data, reached = bytes(self._view[:length]), self._time_of(ancillary)
            self._arrivals.put(Arrival(data, Hop("udp", *source), reached))

    def _time_of(self, ancillary: Sequence[tuple[int, int, bytes]]) -> Instant:
        """When a datagram came. The wall clock, which the kernel goes by, may have been set since;
        but it came after the socket was empty last."""
        now = self._clock.now()
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, _SO_TIMESTAMPNS):
                seconds, nanoseconds = _TIMESPEC.unpack(data)
                age: float = time.time() - seconds - nanoseconds / 1e9
                return min(now, max(now - age, self._emptied))
        return now
