"""A media worker: `python -m ringback.media.worker FD HOST FIRST LAST SILENCE`. Standard
library only.

It holds the sockets of its legs, and the one through which the pool commands it. When that one
closes, whatever the reason, the worker stops relaying and exits: a dead server leaves no free
call behind.
"""

from __future__ import annotations

import gc
import math
import os
import resource
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from ringback.media.control import ControlMessage, Unpacker, pack
from ringback.media.leg import LARGEST_PACKET, MediaLeg
from ringback.media.outstream import OutStream
from ringback.media.playback import Playback
from ringback.media.remote import Remote
from ringback.media.schedule import PHASES, Deadlines, Wheel
from ringback.media.sockets import SocketPair
from ringback.media.sources import SILENT_SECONDS as SOURCE_SILENT_SECONDS

DRAINED_AT_ONCE = 16
"""Packets read of one socket before the others have their turn; in the common case it is one."""
LOOK_SECONDS = 0.5
COMMANDS_AT_ONCE = 256 * 1024
MOST_UNTOLD = 4 * 1024 * 1024
"""Bytes of events that the controller has not read: beyond that it counts as dead."""

Reader = Callable[[], None]


class Worker:
    """The loop, and the legs by their numbers."""

    def __init__(
        self, control: socket.socket, host: str, first: int, last: int, silence: float
    ) -> None:
        """`first` and `last` port; after `silence` seconds without a packet a leg is told of."""
        self._control = control
        self._control.setblocking(False)
        self._host = host
        self._silence = silence
        self._free = deque(range(first + first % 2, last, 2))
        """Ports nobody here has bound. A port comes back at the end, so that late packets of its
        old call meet nobody for as long as can be."""
        self._stock: dict[int, SocketPair] = {}
        self._legs: dict[int, tuple[MediaLeg, SocketPair]] = {}
        self._phases: list[dict[int, MediaLeg]] = [{} for _ in range(PHASES)]
        self._limits = Deadlines()
        self._told_silent: dict[int, float] = {}
        self._told_dropped: dict[int, tuple[int, int]] = {}
        self._clips: dict[str, bytes] = {}
        self._epoll = select.epoll()
        self._readers: dict[int, Reader] = {}
        self._unpacker = Unpacker()
        self._untold = bytearray()
        self._now = time.monotonic()
        self._wheel = Wheel(self._now)
        self._buffer = bytearray(LARGEST_PACKET)
        self._running = True
        self._verbs: dict[str, Callable[[ControlMessage, bytes], None]] = {
            "stock": self._stock_up,
            "open": self._open,
            "configure": self._configure,
            "clip": self._keep_clip,
            "forget": self._forget_clip,
            "play": self._play,
            "stop": lambda message, blob: self._leg(message).stop(),
            "press": lambda message, blob: self._leg(message).press(message["keys"]),
            "hear": self._hear,
            "limit": lambda message, blob: self._limits.set(message["leg"], message["at"]),
            "close": self._close,
        }

    def run(self) -> None:
        """Work until the control socket closes."""
        self._read(self._control, self._commands)
        poll, monotonic, readers = self._epoll.poll, time.monotonic, self._readers
        wheel, limits, phases = self._wheel, self._limits, self._phases
        next_look = self._now
        while self._running:
            turn = wheel.due if self._legs else math.inf
            ready = poll(max(0.0, min(turn, limits.next, next_look) - monotonic()))
            self._now = now = monotonic()
            if limits.next <= now:
                self._end_due()
            for descriptor, _ in ready:
                reader = readers.get(descriptor)
                if reader is not None:
                    reader()
            while self._legs and wheel.due <= now:
                at = wheel.due
                for leg in phases[wheel.advance(now)].values():
                    leg.turn(at)
            if next_look <= now:
                next_look = now + LOOK_SECONDS
                self._look()
            if self._untold:
                self._flush()

    # The controller

    def _commands(self) -> None:
        try:
            data = self._control.recv(COMMANDS_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._running = False
            return
        for message, blob in self._unpacker.feed(data):
            self._verbs[message["do"]](message, blob)

    def _tell(self, event: str, leg: int, **more: Any) -> None:
        self._untold += pack({"event": event, "leg": leg, **more})

    def _flush(self) -> None:
        try:
            while self._untold:
                del self._untold[: self._control.send(self._untold)]
        except BlockingIOError:
            self._running = len(self._untold) <= MOST_UNTOLD
        except OSError:
            self._running = False

    def _leg(self, message: ControlMessage) -> MediaLeg:
        return self._legs[message["leg"]][0]

    def _stock_up(self, message: ControlMessage, blob: bytes) -> None:
        """Bind more pairs; one that somebody else has is passed over, and tried again later."""
        ports: list[int] = []
        for _ in range(min(len(self._free), 2 * message["pairs"])):
            if len(ports) == message["pairs"]:
                break
            port = self._free.popleft()
            try:
                self._stock[port] = SocketPair(self._host, port)
            except OSError:
                self._free.append(port)
            else:
                ports.append(port)
        self._tell("stocked", -1, ports=ports)

    def _open(self, message: ControlMessage, blob: bytes) -> None:
        number = message["leg"]
        pair = self._stock.pop(message["port"])
        chance = os.urandom(10)
        out = OutStream(
            int.from_bytes(chance[:4], "big"),
            int.from_bytes(chance[4:6], "big"),
            int.from_bytes(chance[6:], "big"),
        )
        leg = MediaLeg(number, self._buffer, pair.send, self._tell, out)
        if not self._legs:
            self._wheel.start(self._now)
        self._legs[number] = leg, pair
        self._phases[number % PHASES][number] = leg
        self._read(pair.rtp, self._learning(leg, pair))
        self._read(pair.rtcp, lambda: self._rtcp(leg, pair))

    def _configure(self, message: ControlMessage, blob: bytes) -> None:
        leg, pair = self._legs[message["leg"]]
        remote = Remote.from_message(message["remote"])
        if leg.configure(self._now, remote):
            self._learn_again(leg, pair)
            pair.remote = remote.address

    def _keep_clip(self, message: ControlMessage, blob: bytes) -> None:
        self._clips[message["clip"]] = blob

    def _forget_clip(self, message: ControlMessage, blob: bytes) -> None:
        del self._clips[message["clip"]]

    def _play(self, message: ControlMessage, blob: bytes) -> None:
        sound = b"".join([self._clips[clip] for clip in message["clips"]])
        self._leg(message).play(Playback(message["playback"], sound, loop=message["loop"]))

    def _hear(self, message: ControlMessage, blob: bytes) -> None:
        speaker = message["speaker"]
        self._leg(message).hear(None if speaker is None else self._legs[speaker][0])

    def _close(self, message: ControlMessage, blob: bytes) -> None:
        number = message["leg"]
        leg, pair = self._legs.pop(number)
        leg.close()
        del self._phases[number % PHASES][number]
        self._limits.set(number, None)
        self._told_silent.pop(number, None)
        self._told_dropped.pop(number, None)
        for sock in (pair.rtp, pair.rtcp):
            self._epoll.unregister(sock.fileno())
            del self._readers[sock.fileno()]
        pair.close()
        self._free.append(pair.port)

    # Packets

    def _read(self, sock: socket.socket, reader: Reader) -> None:
        self._readers[sock.fileno()] = reader
        self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _learning(self, leg: MediaLeg, pair: SocketPair) -> Reader:
        """Reads while the source is not settled, and each packet's own with it."""
        receive, buffer, packet = pair.rtp.recvfrom_into, self._buffer, leg.packet

        def read() -> None:
            for _ in range(DRAINED_AT_ONCE):
                try:
                    size, address = receive(buffer)
                except BlockingIOError:
                    if pair.connected:
                        # Nothing is left of what others sent before the socket was connected.
                        self._readers[pair.rtp.fileno()] = self._settled(leg, pair)
                    return
                except OSError:
                    continue  # an ICMP error of something sent before
                packet(size, address, self._now)
                if not pair.connected and leg.source.address == address:
                    _connect(pair, address)

        return read

    def _settled(self, leg: MediaLeg, pair: SocketPair) -> Reader:
        """Reads once the kernel lets only the source's packets through. The hot path."""
        receive, buffer, packet = pair.rtp.recv_into, self._buffer, leg.packet
        assert pair.remote is not None
        address = pair.remote

        def read() -> None:
            try:
                size = receive(buffer)
            except OSError:
                return  # an ICMP error of something sent before
            packet(size, address, self._now)

        return read

    def _learn_again(self, leg: MediaLeg, pair: SocketPair) -> None:
        pair.disconnect()
        self._readers[pair.rtp.fileno()] = self._learning(leg, pair)

    def _rtcp(self, leg: MediaLeg, pair: SocketPair) -> None:
        """A sign of life; reports are not made yet."""
        try:
            size, (host, _) = pair.rtcp.recvfrom_into(self._buffer)
        except OSError:
            return
        known = leg.source.address or pair.remote
        # RFC 5761 section 4: the packet types that RTCP may have.
        if size >= 8 and known and host == known[0] and 192 <= self._buffer[1] <= 223:
            leg.heard = self._now

    # Time

    def _end_due(self) -> None:
        for number in self._limits.reached(self._now):
            self._legs[number][0].end()
            self._tell("limit", number)

    def _look(self) -> None:
        """Twice a second: tell the controller that we live, and who has been silent."""
        now = self._now
        quiet: list[tuple[int, float]] = []
        dropped: list[tuple[int, int, int, str]] = []
        for number, (leg, pair) in self._legs.items():
            if not leg.described:
                continue
            if now - leg.source.heard > SOURCE_SILENT_SECONDS and pair.connected:
                self._learn_again(leg, pair)
            counts = leg.invalid, leg.strange
            if counts != self._told_dropped.get(number, (0, 0)):
                self._told_dropped[number] = counts
                dropped.append((number, *counts, leg.stranger[0] if leg.stranger else ""))
            if leg.heard + LOOK_SECONDS < now:
                quiet.append((number, leg.heard))
            since = now - max(leg.heard, self._told_silent.get(number, 0.0))
            if since > self._silence and not leg.on_hold:
                self._told_silent[number] = now
                self._tell("silent", number, heard=leg.heard)
        self._tell("alive", -1, at=now, quiet=quiet, dropped=dropped)


def _connect(pair: SocketPair, source: tuple[str, int]) -> None:
    """The source is known. Where it is the address described, or the description named a host
    that is not where the packets come from (NAT), the socket is connected to it; a far end that
    sends from another port than it listens on keeps being sent to where it listens."""
    if pair.remote is None or pair.remote == source or pair.remote[0] != source[0]:
        pair.connect(source)


def main(arguments: list[str]) -> None:
    descriptor, host, first, last, silence = arguments
    control = socket.socket(fileno=int(descriptor))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a call takes four
    try:
        os.nice(-5)
    except OSError:
        pass  # only the superuser may: without it sound has no precedence
    worker = Worker(control, host, int(first), int(last), float(silence))
    # Nothing here makes cycles that matter, and a collection would hold up every call.
    gc.freeze()
    gc.disable()
    worker.run()


if __name__ == "__main__":
    main(sys.argv[1:])
