"""A media worker: `python -m ringback.media.worker FD HOST FIRST LAST SILENCE`. Standard
library only.

It holds the sockets of its legs, and the socket through which the pool commands it. When that one
closes, whatever the reason, the worker stops relaying and exits, so that no call goes on uncharged
when the server is dead.
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
"""Packets read from one socket before the others have their turn. Usually there is just one."""
LOOK_SECONDS = 0.5
COMMANDS_AT_ONCE = 256 * 1024
MOST_UNSENT = 4 * 1024 * 1024
"""Bytes of events that the controller has not read; if there are more, it counts as dead."""

Reader = Callable[[], None]


class Worker:
    """The loop, and the legs by their numbers."""

    def __init__(
        self, control: socket.socket, host: str, first: int, last: int, silence: float
    ) -> None:
        """`first` and `last` are ports; a leg to which nothing comes for `silence` seconds is
        reported."""
        self._control = control
        self._control.setblocking(False)
        self._host = host
        self._silence = silence
        self._free = deque(range(first + first % 2, last, 2))
        """Ports that this worker has not bound. A port comes back at the end of the queue, so that
        it is reused late and late packets of its old call reach nobody."""
        self._stock: dict[int, SocketPair] = {}
        self._legs: dict[int, tuple[MediaLeg, SocketPair]] = {}
        self._phases: list[dict[int, MediaLeg]] = [{} for _ in range(PHASES)]
        self._limits = Deadlines()
        self._reported_silent: dict[int, float] = {}
        self._reported_dropped: dict[int, tuple[int, int]] = {}
        self._clips: dict[str, bytes] = {}
        self._epoll = select.epoll()
        self._readers: dict[int, Reader] = {}
        self._unpacker = Unpacker()
        self._unsent = bytearray()
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
            if self._unsent:
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
        self._unsent += pack({"event": event, "leg": leg, **more})

    def _flush(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: self._control.send(self._unsent)]
        except BlockingIOError:
            self._running = len(self._unsent) <= MOST_UNSENT
        except OSError:
            self._running = False

    def _leg(self, message: ControlMessage) -> MediaLeg:
        return self._legs[message["leg"]][0]

    def _stock_up(self, message: ControlMessage, blob: bytes) -> None:
        """Bind more pairs of ports. If another process has one of a pair, the pair is tried again
        later."""
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
        self._reported_silent.pop(number, None)
        self._reported_dropped.pop(number, None)
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
        """The reader while the source is not settled: it asks for the source of each packet."""
        receive, buffer, packet = pair.rtp.recvfrom_into, self._buffer, leg.packet

        def read() -> None:
            for _ in range(DRAINED_AT_ONCE):
                try:
                    size, address = receive(buffer)
                except BlockingIOError:
                    if pair.connected:
                        # Packets that others sent before the socket was connected have all been
                        # read.
                        self._readers[pair.rtp.fileno()] = self._settled(leg, pair)
                    return
                except OSError:
                    continue  # an ICMP error for a packet sent before
                packet(size, address, self._now)
                if not pair.connected and leg.source.address == address:
                    _connect(pair, address)

        return read

    def _settled(self, leg: MediaLeg, pair: SocketPair) -> Reader:
        """The reader once the kernel lets only the source's packets through. This is the hot
        path."""
        receive, buffer, packet = pair.rtp.recv_into, self._buffer, leg.packet
        assert pair.remote is not None
        address = pair.remote

        def read() -> None:
            try:
                size = receive(buffer)
            except OSError:
                return  # an ICMP error for a packet sent before
            packet(size, address, self._now)

        return read

    def _learn_again(self, leg: MediaLeg, pair: SocketPair) -> None:
        pair.disconnect()
        self._readers[pair.rtp.fileno()] = self._learning(leg, pair)

    def _rtcp(self, leg: MediaLeg, pair: SocketPair) -> None:
        """RTCP is only taken as a sign of life; reports are not made yet."""
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
        """Twice a second, tell the controller that we are alive, and which legs are silent."""
        now = self._now
        quiet: list[tuple[int, float]] = []
        dropped: list[tuple[int, int, int, str]] = []
        for number, (leg, pair) in self._legs.items():
            if not leg.described:
                continue
            if now - leg.source.heard > SOURCE_SILENT_SECONDS and pair.connected:
                self._learn_again(leg, pair)
            counts = leg.invalid, leg.wrong_source
            if counts != self._reported_dropped.get(number, (0, 0)):
                self._reported_dropped[number] = counts
                dropped.append(
                    (number, *counts, leg.last_wrong_source[0] if leg.last_wrong_source else "")
                )
            if leg.heard + LOOK_SECONDS < now:
                quiet.append((number, leg.heard))
            since = now - max(leg.heard, self._reported_silent.get(number, 0.0))
            if since > self._silence and not leg.on_hold:
                self._reported_silent[number] = now
                self._tell("silent", number, heard=leg.heard)
        self._tell("alive", -1, at=now, quiet=quiet, dropped=dropped)


def _connect(pair: SocketPair, source: tuple[str, int]) -> None:
    """The source is known. If it is the address described, or is on another host than that (NAT),
    connect the socket to it. If it only has another port, the far end does not listen where it
    sends from: keep sending to where it listens."""
    if pair.remote is None or pair.remote == source or pair.remote[0] != source[0]:
        pair.connect(source)


def main(arguments: list[str]) -> None:
    descriptor, host, first, last, silence = arguments
    # Ctrl-C is for the server, which then ends its workers. A group is enough: a session of its
    # own would be scheduled apart from the server (sched(7), autogroup).
    os.setpgrp()
    control = socket.socket(fileno=int(descriptor))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a call takes four
    try:
        os.nice(-5)
    except OSError:
        pass  # only the superuser may: otherwise sound has no precedence
    worker = Worker(control, host, int(first), int(last), float(silence))
    # Nothing here makes cycles that matter, and a garbage collection would hold up every call.
    gc.freeze()
    gc.disable()
    worker.run()


if __name__ == "__main__":
    main(sys.argv[1:])
