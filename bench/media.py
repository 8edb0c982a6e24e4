"""How many bridged calls one media worker carries: loss and added delay, call count by call count.

The generator sends every leg 20 ms of G.711 each 20 ms, with the time in the payload, and takes
what comes out at the other leg. Its own lateness is measured too: figures beside which it was
late itself are worth little.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from dataclasses import dataclass

from ringback.clock import LoopClock
from ringback.media.pool import MediaPool, Remote, Stream

HOST = "127.0.0.1"
PORTS = (30000, 37999)
_RTP = struct.Struct("!BBHIIQ")
_PADDING = bytes(152)
_PCMA = 8
_PHASES = 20


@dataclass(frozen=True, slots=True)
class Result:
    """Delays in milliseconds."""

    calls: int
    sent: int
    lost: int
    p50: float
    p99: float
    late_p99: float
    """Of the generator itself."""


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0.0


class Generator:
    """One socket that plays every far end."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024 * 1024)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8 * 1024 * 1024)
        self.socket.bind((HOST, 0))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]

    def run(self, ports: list[int], seconds: float) -> Result:
        """Send to every port, and take what comes, for so long."""
        targets = [(HOST, port) for port in ports]
        groups = [list(enumerate(targets))[phase::_PHASES] for phase in range(_PHASES)]
        send, delays, lateness = self.socket.sendto, [], []  # type: ignore[var-annotated]
        sent = received = sequence = 0
        pause = 0.02 / _PHASES
        start = time.monotonic()
        turns = int(seconds / pause)
        warm = turns // 4
        for turn in range(turns):
            due = start + turn * pause
            while True:
                received += self._take(delays, warm <= turn)
                now = time.monotonic()
                if now >= due:
                    break
                time.sleep(min(0.0005, due - now))
            if turn >= warm:
                lateness.append((now - due) * 1000)
            if turn % _PHASES == 0:
                sequence += 1
            for number, target in groups[turn % _PHASES]:
                packet = _RTP.pack(
                    0x80, _PCMA, sequence & 0xFFFF, sequence * 160, number + 1, time.monotonic_ns()
                )
                try:
                    send(packet + _PADDING, target)
                    sent += 1
                except BlockingIOError:
                    continue
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            received += self._take(delays, counts=False)
            time.sleep(0.001)
        return Result(
            len(ports) // 2,
            sent,
            max(0, sent - received),
            _percentile(delays, 0.5),
            _percentile(delays, 0.99),
            _percentile(lateness, 0.99),
        )

    def _take(self, delays: list[float], counts: bool) -> int:
        taken = 0
        receive, unpack = self.socket.recv, _RTP.unpack_from
        while True:
            try:
                data = receive(2048)
            except BlockingIOError:
                return taken
            stamp = unpack(data)[5]
            if not 0 < stamp < 1 << 62:
                continue  # silence of the worker's own, before the bridge was warm
            taken += 1
            if counts:
                delays.append((time.monotonic_ns() - stamp) / 1e6)


async def measure(calls: int, seconds: float) -> Result:
    """One worker with so many bridged calls."""
    clock = LoopClock(asyncio.get_running_loop())
    pool = MediaPool(clock, workers=1, address=HOST, ports=PORTS, report=print)
    await pool.start()
    generator = Generator()
    streams: list[Stream] = []
    for _ in range(calls):
        pair = [await _open(pool, streams[0] if streams else None) for _ in range(2)]
        for stream in pair:
            stream.configure(
                Remote(
                    HOST,
                    generator.port,
                    "PCMA",
                    _PCMA,
                    dtmf_in=101,
                    dtmf_out=101,
                    sends=True,
                    on_hold=False,
                    allowed={HOST},
                    anywhere=False,
                )
            )
        pair[0].bridge(pair[1])
        streams += pair
    await asyncio.sleep(0.5)
    result = generator.run([stream.port for stream in streams], seconds)
    await pool.close()
    generator.socket.close()
    return result


async def _open(pool: MediaPool, beside: Stream | None) -> Stream:
    """A stream, as soon as the worker has ports in stock."""
    from ringback.media.pool import NoPorts

    while True:
        try:
            return pool.open(lambda event: None, beside)
        except NoPorts:
            await asyncio.sleep(0.01)


def table(results: list[Result]) -> str:
    rows = ["bridged   sent     lost  delay p50  delay p99  generator late p99"]
    rows += [
        f"{result.calls:7} {result.sent:6} {result.lost:8} {result.p50:7.2f} ms "
        f"{result.p99:7.2f} ms {result.late_p99:10.2f} ms"
        for result in results
    ]
    return "\n".join(rows)
