"""A media worker: `python -m ringback.media.worker FD HOST FIRST LAST`. Standard library only.

It holds the sockets of its legs, and the one through which the pool commands it. When that one
closes, whatever the reason, the worker stops relaying and exits: a dead server leaves no free
call behind.
"""

from __future__ import annotations

import ctypes
import gc
import os
import random
import select
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from ringback.media.control import Unpacker, pack
from ringback.media.leg import Leg, Playback
from ringback.media.outstream import OutStream

TURN_SECONDS = 0.02
PHASES = 4
"""The legs are spread over so many parts of a turn, so that not all packets leave at once."""
PACKETS_A_TURN = 16
"""So many are read of one socket before the others have theirs."""
SILENT_SECONDS = 60.0
LOOK_SECONDS = 0.5
UNCONNECT_SECONDS = 2.0
RECEIVE_BUFFER = 64 * 1024
LARGEST_PACKET = 2048

_libc = ctypes.CDLL(None, use_errno=True)


class Sockets:
    """The pair of sockets of one leg (RFC 3550 section 11: RTP even, RTCP the next)."""

    def __init__(self, host: str, port: int) -> None:
        """Raises OSError where somebody else has one of the two."""
        self.port = port
        self.rtp = _bound(host, port)
        try:
            self.rtcp = _bound(host, port + 1)
        except OSError:
            self.rtp.close()
            raise
        self.remote: tuple[str, int] | None = None
        self.connected = False

    def send(self, packet: bytes) -> None:
        try:
            if self.connected:
                self.rtp.send(packet)
            elif self.remote is not None:
                self.rtp.sendto(packet, self.remote)
        except OSError:
            return  # nobody there, or a full buffer: as if the network had lost it

    def connect(self, address: tuple[str, int]) -> None:
        """From now on the kernel drops what comes from elsewhere."""
        try:
            self.rtp.connect(address)
        except OSError:
            return
        self.remote, self.connected = address, True

    def unconnect(self) -> None:
        """Take packets from others again: connecting to AF_UNSPEC dissolves (connect(2))."""
        if self.connected:
            _libc.connect(self.rtp.fileno(), bytes(16), 16)
            self.connected = False

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def _bound(host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class Worker:
    """The loop, and the legs by their numbers."""

    def __init__(self, control: socket.socket, host: str, first: int, last: int) -> None:
        self._control = control
        self._control.setblocking(False)
        self._host = host
        self._ports = range(first + first % 2, last, 2)
        self._next_port = 0
        self._stock: dict[int, Sockets] = {}
        self._legs: dict[int, tuple[Leg, Sockets]] = {}
        self._limits: dict[int, float] = {}
        self._told_silent: dict[int, float] = {}
        self._clips: dict[str, bytes] = {}
        self._epoll = select.epoll()
        self._readers: dict[int, Callable[[], None]] = {}
        self._unpacker = Unpacker()
        self._outgoing = bytearray()
        self._phases: list[dict[int, Leg]] = [{} for _ in range(PHASES)]
        self._now = time.monotonic()
        self._buffer = bytearray(LARGEST_PACKET)
        self._view = memoryview(self._buffer)
        self._running = True

    def run(self) -> None:
        """Work until the control socket closes."""
        self._read(self._control, self._commands)
        pause = TURN_SECONDS / PHASES
        start, turn = time.monotonic(), 0
        next_look = start
        while self._running:
            due = start + turn * pause
            timeout = min(due, *self._limits.values()) if self._limits else due
            ready = self._epoll.poll(max(0.0, timeout - time.monotonic()))
            self._now = time.monotonic()
            for descriptor, _ in ready:
                reader = self._readers.get(descriptor)
                if reader is not None:
                    reader()
            if self._limits:
                self._end_due()
            while self._running and due <= self._now:
                for leg in list(self._phases[turn % PHASES].values()):
                    leg.turn(self._now)
                turn += 1
                due = start + turn * pause
                if self._now - due > 1.0:  # the machine slept: do not send it all at once
                    start, turn = self._now, 0
                    break
            if self._now >= next_look:
                next_look = self._now + LOOK_SECONDS
                self._look()
            self._flush()

    # The controller

    def _commands(self) -> None:
        try:
            data = self._control.recv(1 << 20)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._running = False
            return
        for message, blob in self._unpacker.feed(data):
            getattr(self, f"_do_{message.pop('do')}")(message, blob)

    def _tell(self, event: str, leg: int, **more: Any) -> None:
        self._outgoing += pack({"event": event, "leg": leg, **more})

    def _flush(self) -> None:
        while self._outgoing:
            try:
                sent = self._control.send(self._outgoing)
            except BlockingIOError:
                return
            except OSError:
                self._running = False
                return
            del self._outgoing[:sent]

    def _do_stock(self, message: dict[str, Any], blob: bytes) -> None:
        """Bind more pairs; a pair that somebody else has is passed over."""
        ports: list[int] = []
        for _ in range(len(self._ports)):
            if len(ports) == message["pairs"]:
                break
            port = self._ports[self._next_port]
            self._next_port = (self._next_port + 1) % len(self._ports)
            try:
                self._stock[port] = Sockets(self._host, port)
            except OSError:
                continue
            ports.append(port)
        self._tell("stocked", -1, ports=ports)

    def _do_open(self, message: dict[str, Any], blob: bytes) -> None:
        number = message["leg"]
        sockets = self._stock.pop(message["port"])
        chance = random.SystemRandom()
        out = OutStream(chance.getrandbits(32), chance.getrandbits(16), chance.getrandbits(32))
        leg = Leg(number, sockets.send, self._tell, out)
        self._legs[number] = leg, sockets
        self._phases[number % PHASES][number] = leg
        self._read(sockets.rtp, self._reader(leg, sockets))
        self._read(sockets.rtcp, lambda: self._rtcp(leg, sockets))

    def _do_configure(self, message: dict[str, Any], blob: bytes) -> None:
        leg, sockets = self._legs[message["leg"]]
        sockets.unconnect()
        sockets.remote = (message["host"], message["port"]) if message["host"] else None
        leg.configure(message, self._now)

    def _do_clip(self, message: dict[str, Any], blob: bytes) -> None:
        self._clips[message["clip"]] = blob

    def _do_forget(self, message: dict[str, Any], blob: bytes) -> None:
        self._clips.pop(message["clip"], None)

    def _do_play(self, message: dict[str, Any], blob: bytes) -> None:
        leg, _ = self._legs[message["leg"]]
        sound = b"".join(self._clips[clip] for clip in message["clips"])
        leg.play(Playback(message["playback"], sound, message["loop"]))

    def _do_stop(self, message: dict[str, Any], blob: bytes) -> None:
        self._legs[message["leg"]][0].stop()

    def _do_press(self, message: dict[str, Any], blob: bytes) -> None:
        self._legs[message["leg"]][0].press(message["digits"])

    def _do_join(self, message: dict[str, Any], blob: bytes) -> None:
        other = message["other"]
        partner = self._legs[other][0] if other is not None and other in self._legs else None
        self._legs[message["leg"]][0].join(partner)

    def _do_limit(self, message: dict[str, Any], blob: bytes) -> None:
        if message["at"] is None:
            self._limits.pop(message["leg"], None)
        else:
            self._limits[message["leg"]] = message["at"]

    def _do_close(self, message: dict[str, Any], blob: bytes) -> None:
        number = message["leg"]
        leg, sockets = self._legs.pop(number)
        leg.over = True
        self._phases[number % PHASES].pop(number)
        self._limits.pop(number, None)
        self._told_silent.pop(number, None)
        for sock in (sockets.rtp, sockets.rtcp):
            self._epoll.unregister(sock.fileno())
            del self._readers[sock.fileno()]
        sockets.close()

    # Packets

    def _read(self, sock: socket.socket, reader: Callable[[], None]) -> None:
        self._readers[sock.fileno()] = reader
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _reader(self, leg: Leg, sockets: Sockets) -> Callable[[], None]:
        receive_into, receive_from_into = sockets.rtp.recv_into, sockets.rtp.recvfrom_into
        buffer, view, packet = self._buffer, self._view, leg.packet

        def read() -> None:
            for _ in range(PACKETS_A_TURN):
                try:
                    if sockets.connected and sockets.remote is not None:
                        size, address = receive_into(buffer), sockets.remote
                    else:
                        size, address = receive_from_into(buffer)
                except BlockingIOError:
                    return
                except OSError:
                    continue  # an ICMP error of something sent before
                packet(view[:size], address, self._now)
                if not sockets.connected and leg.source.address == address:
                    self._settle_source(leg, sockets, address)

        return read

    def _settle_source(self, leg: Leg, sockets: Sockets, source: tuple[str, int]) -> None:
        """The source is known. Where it is the address described, or the description named a host
        that is not where the packets come from (NAT), the socket is connected to it; a far end
        that sends from another port than it listens on keeps being sent to where it listens."""
        if sockets.remote is None or sockets.remote == source or sockets.remote[0] != source[0]:
            sockets.connect(source)

    def _rtcp(self, leg: Leg, sockets: Sockets) -> None:
        """A sign of life; reports are not made yet."""
        for _ in range(PACKETS_A_TURN):
            try:
                size, address = sockets.rtcp.recvfrom_into(self._buffer)
            except OSError:
                return
            known = leg.source.address or sockets.remote
            if size >= 8 and known is not None and address[0] == known[0]:
                leg.heard = self._now

    # Time

    def _end_due(self) -> None:
        """A leg that has come to its limit hears nothing more and is heard no more."""
        for number in [leg for leg, at in self._limits.items() if at <= self._now]:
            del self._limits[number]
            self._legs[number][0].over = True
            self._tell("limit", number)

    def _look(self) -> None:
        """Twice a second: who has been silent?"""
        now = self._now
        for number, (leg, sockets) in self._legs.items():
            if not leg.hears:
                continue
            silent = now - leg.heard
            if silent > UNCONNECT_SECONDS:
                sockets.unconnect()
            since = now - max(leg.heard, self._told_silent.get(number, 0.0))
            if since > SILENT_SECONDS and not leg.on_hold:
                self._told_silent[number] = now
                self._tell("silent", number, heard=leg.heard)


def main(arguments: list[str]) -> None:
    descriptor, host, first, last = arguments
    control = socket.socket(fileno=int(descriptor))
    # Nothing here makes cycles that matter, and a collection would hold up every call.
    gc.freeze()
    gc.disable()
    try:
        os.nice(-5)
    except OSError:
        pass  # only the superuser may: without it sound has no precedence
    Worker(control, host, int(first), int(last)).run()


if __name__ == "__main__":
    main(sys.argv[1:])
