"""How many bridged calls one media worker carries, beside rtpengine under the same generator."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bench.figures import Table
from bench.generator import HOST, PCMA, PCMU, Generator
from bench.ladder import Ladder
from bench.plan import Plan
from bench.rtpengine import Rtpengine
from ringback.clock import LoopClock
from ringback.media.pool import MediaPool, NoPorts, Remote, Stream

MOST_DELAY_MS = 5.0
_PORTS = (30000, 37999)
_HEADS = ("relay", "bridged", "sent", "lost", "delay p50", "p99", "generator late p99")


@dataclass(frozen=True, slots=True)
class Result:
    """Delays in milliseconds."""

    relay: str
    calls: int
    sent: int
    lost: int
    p50: float
    p99: float
    late_p99: float
    """How late the generator itself was."""

    @property
    def good(self) -> bool:
        return self.lost == 0 and self.p99 < MOST_DELAY_MS

    def badness(self) -> tuple[float, ...]:
        return self.lost, self.p99

    def cells(self) -> tuple[str, ...]:
        delays = (f"{delay:.2f} ms" for delay in (self.p50, self.p99, self.late_p99))
        return (self.relay, str(self.calls), str(self.sent), str(self.lost), *delays)


async def worker(calls: int, seconds: float) -> Result:
    """Measure one of our media workers."""
    clock = LoopClock(asyncio.get_running_loop())
    pool = MediaPool(
        clock, workers=1, address=HOST, ports=_PORTS, silence_seconds=60.0, report=print
    )
    await pool.start()
    generator = Generator()
    streams: list[Stream] = []
    for _ in range(calls):
        pair = [await _open(pool), await _open(pool)]
        for stream in pair:
            stream.configure(_far_end(generator.port))
        pair[0].bridge(pair[1])
        streams += pair
    await asyncio.sleep(0.5)
    generator.run([stream.port for stream in streams], seconds)
    await pool.close()
    return _result("ringback", calls, generator)


async def rtpengine(calls: int, seconds: float) -> Result:
    """Measure one thread of rtpengine."""
    relay = Rtpengine()
    generator = Generator()
    try:
        await relay.start()
        pairs = [relay.bridge(call, generator.port) for call in range(calls)]
        generator.run([port for pair in pairs for port in pair], seconds)
    finally:
        await relay.close()
    return _result("rtpengine", calls, generator)


async def show(plan: Plan) -> None:
    """How far each relay goes without losing packets or delaying too many of them."""
    table = Table(
        f"Bridged G.711 calls in one media process, {plan.each}; short runs to find the limits",
        ("runs", *_HEADS),
        plan.show,
    )
    ladder = Ladder(plan, table, worker)
    for calls in plan.media_fixed:
        await ladder.whole(calls)
    ours = await ladder.highest(plan.media_loads)
    theirs = await Ladder(plan, table, rtpengine).highest(plan.media_loads)
    most, peers = (0 if found is None else found[1].calls for found in (ours, theirs))
    plan.show(
        f"\nno packet lost and p99 under {MOST_DELAY_MS:.0f} ms: ringback up to {most}, "
        f"rtpengine up to {peers}: ratio {most / max(1, peers):.2f}"
    )


async def _open(pool: MediaPool) -> Stream:
    """Open a stream as soon as the worker has ports."""
    while True:
        try:
            return pool.open(lambda event: None)
        except NoPorts:
            await asyncio.sleep(0.01)


def _far_end(port: int) -> Remote:
    return Remote(
        HOST,
        port,
        "PCMA",
        PCMA,
        receives={PCMA: "PCMA", PCMU: "PCMU"},
        dtmf_in=frozenset({101}),
        dtmf_out=101,
        sends=True,
        on_hold=False,
        allowed=frozenset({HOST}),
        anywhere=False,
    )


def _result(relay: str, calls: int, generator: Generator) -> Result:
    generator.close()
    return Result(
        relay,
        calls,
        generator.sent,
        generator.sent - generator.received,
        generator.delays.percentile(50),
        generator.delays.percentile(99),
        generator.pace.late.percentile(99),
    )
