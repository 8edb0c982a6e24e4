"""The generator of bridged calls: it sends 20 ms of G.711 to every leg each 20 ms, with the time in
the payload, and takes what comes out at the other leg."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Sequence

from bench.figures import Delays
from bench.pace import PHASES, Pace

Address = tuple[str, int]
HOST = "127.0.0.1"
PCMA = 8
PCMU = 0
STAMPED = struct.Struct("!BBHII4sQ")
"""An RTP header and the beginning of its payload: our mark, and the time of sending."""
MARK = b"rngb"
REST = b"\xd5" * (160 - 12)
"""The rest of the 20 ms: silence."""
_SO_TIMESTAMPNS = 35
"""Linux: the kernel notes when a packet arrived, so that a late reader is not taken for a delay."""
_ARRIVED = struct.Struct("@ll")
_SAMPLED = 8
"""The time of arrival is asked of one packet in this many, since asking costs time itself."""


def phone_socket() -> socket.socket:
    """A socket that plays the far end of every call."""
    phone = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024 * 1024)
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * 1024 * 1024)
    phone.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    phone.bind((HOST, 0))
    phone.setblocking(False)
    return phone


class Receiver:
    """Takes packets from a phone's socket, and notes when some of them arrived."""

    def __init__(self, phone: socket.socket) -> None:
        self._phone = phone
        self._taken = 0

    def take(self) -> tuple[bytes, Address, int | None]:
        """A packet, its source and, for one packet in eight, the Unix time in nanoseconds at which
        it arrived. Raises BlockingIOError if there is none."""
        self._taken += 1
        if self._taken % _SAMPLED:
            return *self._phone.recvfrom(2048), None
        data, [(_, _, arrived), *_], _, address = self._phone.recvmsg(2048, 64)
        seconds, nanoseconds = _ARRIVED.unpack(arrived)
        return data, address, seconds * 1_000_000_000 + nanoseconds


class Generator:
    """The far ends of all calls of one relay."""

    def __init__(self) -> None:
        self._socket = phone_socket()
        self._receiver = Receiver(self._socket)
        self.port: int = self._socket.getsockname()[1]
        self.pace = Pace(self._take)
        self.delays = Delays()
        self.sent = self.received = 0

    def close(self) -> None:
        self._socket.close()

    def run(self, ports: Sequence[int], seconds: float) -> None:
        """For `seconds`, send to every port and take what comes."""
        targets = [(HOST, port) for port in ports]
        groups = [list(enumerate(targets, 1))[phase::PHASES] for phase in range(PHASES)]
        send, pack, until = self._socket.sendto, STAMPED.pack, time.monotonic() + seconds
        for beat in self.pace.beats(lambda: time.monotonic() < until):
            sequence = beat // PHASES
            for number, target in groups[beat % PHASES]:
                stamp = time.time_ns()
                packet = pack(0x80, PCMA, sequence & 0xFFFF, sequence * 160, number, MARK, stamp)
                try:
                    self.sent += send(packet + REST, target) > 0
                except BlockingIOError:
                    continue
        last = time.monotonic() + 0.5
        while time.monotonic() < last:
            self._take()
            time.sleep(0.001)

    def _take(self) -> None:
        """Take what has come."""
        take = self._receiver.take
        try:
            while True:
                data, _, arrived = take()
                *_, mark, stamp = STAMPED.unpack_from(data)
                if mark != MARK:
                    continue  # the worker's own silence, before the first packet was relayed
                self.received += 1
                if arrived is not None:
                    self.delays.add((arrived - stamp) / 1e6)
        except BlockingIOError:
            return
