"""The pool and real worker processes, on real sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from ringback.clock import LoopClock
from ringback.media import process
from ringback.media.g711 import TRANSLATE
from ringback.media.outstream import HEADER
from ringback.media.pool import (
    Heard,
    LimitReached,
    MediaEvent,
    MediaPool,
    NoPorts,
    Played,
    Pressed,
    Remote,
    Silent,
    Stream,
    WorkerDied,
    WorkerFailed,
)
from ringback.sounds.speech import recording

HOST = "127.0.0.1"


class Far:
    """A far end."""

    def __init__(self, host: str = HOST) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, 0))
        self.socket.setblocking(False)
        self.port: int = self.socket.getsockname()[1]
        self.sequence = 0

    def send(self, stream: Stream, payload: bytes, payload_type: int = 8) -> None:
        self.sequence += 1
        header = HEADER.pack(0x80, payload_type, self.sequence, self.sequence * 160, self.port)
        self.socket.sendto(header + payload, (HOST, stream.port))

    async def receive(self, wanted: Callable[[bytes], bool]) -> bytes:
        """The next payload that is wanted."""
        async with asyncio.timeout(5):
            while True:
                try:
                    data = self.socket.recv(2048)
                except BlockingIOError:
                    await asyncio.sleep(0.005)
                    continue
                if wanted(data[HEADER.size :]):
                    return data[HEADER.size :]


def remote(far: Far) -> Remote:
    return Remote(
        HOST,
        far.port,
        "PCMA",
        8,
        receives={8: "PCMA", 0: "PCMU"},
        dtmf_in=frozenset({101}),
        dtmf_out=101,
        sends=True,
        on_hold=False,
        allowed=frozenset({HOST}),
        anywhere=False,
    )


async def until(events: list[MediaEvent], kind: type[MediaEvent]) -> MediaEvent:
    async with asyncio.timeout(5):
        while True:
            for event in events:
                if isinstance(event, kind):
                    return event
            await asyncio.sleep(0.005)


def with_pool(
    play: Callable[[MediaPool], Awaitable[None]],
    ports: tuple[int, int],
    reports: list[str] | None = None,
    silence_seconds: float = 60.0,
) -> list[str]:
    """Run a play on a pool of one worker; what was reported."""
    reports = [] if reports is None else reports

    async def main() -> None:
        clock = LoopClock(asyncio.get_running_loop())
        pool = MediaPool(
            clock,
            workers=1,
            address=HOST,
            ports=ports,
            silence_seconds=silence_seconds,
            report=reports.append,
        )
        await pool.start()
        try:
            await play(pool)
        finally:
            await pool.close()

    asyncio.run(main())
    return reports


def test_relay_playback_digits_and_limit() -> None:
    async def play(pool: MediaPool) -> None:
        events: list[MediaEvent] = []
        ends = [Far(), Far()]
        first = pool.open(events.append)
        second = pool.open(lambda event: None, beside=first)
        first.configure(remote(ends[0]))
        second.configure(remote(ends[1]))
        first.bridge(second)
        ends[0].send(first, b"\x11" * 160)
        await ends[1].receive(lambda payload: payload == b"\x11" * 160)
        ends[0].send(first, b"\x12" * 160, payload_type=0)
        translated = (b"\x12" * 160).translate(TRANSLATE["PCMU", "PCMA"])
        await ends[1].receive(lambda payload: payload == translated)
        ends[0].send(first, bytes([7, 10, 0, 160]), payload_type=101)
        pressed = await until(events, Pressed)
        assert isinstance(pressed, Pressed) and pressed.digit == "7"
        first.play(3, [recording("en/beep")])
        assert await until(events, Played) == Played(3)
        first.limit(LoopClock(asyncio.get_running_loop()).now() + 0.05)
        await until(events, LimitReached)

    assert with_pool(play, (31000, 31399)) == []


def test_a_silent_stream_is_told_of() -> None:
    async def play(pool: MediaPool) -> None:
        events: list[MediaEvent] = []
        stream, far = pool.open(events.append), Far()
        stream.configure(remote(far))
        far.send(stream, b"\x11" * 160)
        silent = await until(events, Silent)
        assert isinstance(silent, Silent)
        assert silent.heard == pytest.approx(stream.last_heard, abs=0.6)

    assert with_pool(play, (31_400, 31_499), silence_seconds=0.7) == []


@asynccontextmanager
async def stopped(worker: int) -> AsyncIterator[None]:
    """A worker that gets no time."""
    os.kill(worker, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker, signal.SIGCONT)


async def opened(pool: MediaPool) -> Stream:
    """A stream, as soon as a port that was given back is bound again."""
    async with asyncio.timeout(5):
        while True:
            try:
                return pool.open(lambda event: None)
            except NoPorts:
                await asyncio.sleep(0.01)


async def settle(stream: Stream, far: Far) -> None:
    """Make `far` the source of the stream, which sends silence to it."""
    stream.configure(remote(far))
    await far.receive(lambda payload: True)


def test_what_others_sent_before_the_source_was_known_is_not_taken_for_the_sources() -> None:
    """The worker connects a socket to its source; what the kernel had queued by then stays."""

    async def play(pool: MediaPool) -> None:
        events: list[MediaEvent] = []
        ends, stranger = [Far(), Far()], Far()
        first = pool.open(events.append)
        second = pool.open(lambda event: None, beside=first)
        await settle(first, ends[0])
        await settle(second, ends[1])
        first.bridge(second)
        async with stopped(pool.processes()[0]):
            ends[0].send(first, b"\x11" * 160)
            for _ in range(10):
                stranger.send(first, b"\x66" * 160)
                stranger.send(first, bytes([6, 10, 0, 160]), payload_type=101)
        await ends[1].receive(lambda payload: payload == b"\x11" * 160)
        for _ in range(10):
            stranger.send(first, b"\x66" * 160)
        ends[0].send(first, bytes([7, 10, 0, 160]), payload_type=101)
        ends[0].send(first, b"\x12" * 160)
        assert await ends[1].receive(lambda payload: payload[0] != 0xD5) == b"\x12" * 160
        await until(events, Pressed)
        assert [event.digit for event in events if isinstance(event, Pressed)] == ["7"]

    with_pool(play, (32200, 32499))


def test_a_new_description_makes_room_for_another_source() -> None:
    async def play(pool: MediaPool) -> None:
        ends, other = [Far(), Far()], Far()
        first = pool.open(lambda event: None)
        second = pool.open(lambda event: None, beside=first)
        await settle(first, ends[0])
        await settle(second, ends[1])
        first.bridge(second)
        ends[0].send(first, b"\x11" * 160)
        await ends[1].receive(lambda payload: payload == b"\x11" * 160)
        await settle(first, other)
        other.send(first, b"\x12" * 160)
        await ends[1].receive(lambda payload: payload == b"\x12" * 160)

    with_pool(play, (32200, 32499))


def test_late_packets_of_an_old_call_do_not_keep_a_new_one_out() -> None:
    """They come from the same host, and the port is used again."""

    async def play(pool: MediaPool) -> None:
        old, new, other = Far(), Far(), Far()
        before = pool.open(lambda event: None)
        await settle(before, old)
        port = before.port
        before.close()
        second = await opened(pool)
        first = await opened(pool)
        assert first.port == port
        await settle(second, other)
        first.configure(remote(new))
        first.bridge(second)
        await new.receive(lambda payload: True)
        old.send(first, b"\x66" * 160)
        await other.receive(lambda payload: payload == b"\x66" * 160)
        new.send(first, b"\x11" * 160)
        old.send(first, b"\x66" * 160)
        new.send(first, b"\x12" * 160)
        assert await other.receive(lambda payload: payload[0] != 0xD5) == b"\x11" * 160
        assert await other.receive(lambda payload: payload[0] != 0xD5) == b"\x12" * 160

    with_pool(play, (32520, 32523))


def test_rtcp_is_a_sign_of_life_where_it_comes_from_the_far_end() -> None:
    report = struct.pack("!BBHI", 0x80, 201, 1, 7)  # an empty receiver report

    async def play(pool: MediaPool) -> None:
        clock, far, stranger = LoopClock(asyncio.get_running_loop()), Far(), Far("127.0.0.2")
        stream = pool.open(lambda event: None)
        await settle(stream, far)
        told = clock.now()
        await asyncio.sleep(1.3)
        stranger.socket.sendto(report, (HOST, stream.port + 1))
        far.socket.sendto(b"nonsense", (HOST, stream.port + 1))
        await asyncio.sleep(1.3)
        assert stream.last_heard == pytest.approx(told, abs=0.5)
        far.socket.sendto(report, (HOST, stream.port + 1))
        for _ in range(500):
            if stream.last_heard > told + 2.0:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("RTCP was no sign of life")

    with_pool(play, (32530, 32533))


def test_a_sprayed_port_keeps_no_other_call_from_its_sound() -> None:
    """Whatever waits in the kernel for one port, the others have their turns."""

    async def play(pool: MediaPool) -> None:
        ends, flood, stranger = [Far(), Far()], Far(), Far("127.0.0.2")
        first = pool.open(lambda event: None)
        second = pool.open(lambda event: None, beside=first)
        sprayed = pool.open(lambda event: None, beside=first)
        for stream, far in zip((first, second, sprayed), (*ends, flood), strict=True):
            await settle(stream, far)
        first.bridge(second)
        ends[0].send(first, b"\x11" * 160)
        await ends[1].receive(lambda payload: payload[0] == 0x11)
        for round_ in range(20):
            for _ in range(100):
                stranger.send(sprayed, b"\x66" * 160)
                stranger.socket.sendto(os.urandom(200), (HOST, sprayed.port))
                stranger.socket.sendto(os.urandom(200), (HOST, sprayed.port + 1))
                stranger.socket.sendto(os.urandom(200), (HOST, second.port))
            ends[0].send(first, bytes([round_]) * 160)
            await ends[1].receive(lambda payload, at=round_: payload[0] == at)  # type: ignore[misc]
        flood.send(sprayed, b"\x11" * 160)

    with_pool(play, (32540, 32549))


def test_strangers_are_reported_with_the_way_to_let_them_in() -> None:
    reports: list[str] = []

    async def play(pool: MediaPool) -> None:
        far, stranger = Far(), Far("127.0.0.2")
        stream = pool.open(lambda event: None)
        await settle(stream, far)
        for _ in range(60):
            stranger.send(stream, b"\x66" * 160)
        for _ in range(500):
            if reports:
                break
            await asyncio.sleep(0.01)

    with_pool(play, (32200, 32499), reports)
    (report,) = reports
    assert "127.0.0.2" in report and "media_anywhere" in report


def test_when_a_leg_was_last_heard_is_known_even_of_a_worker_that_died() -> None:
    async def play(pool: MediaPool) -> None:
        clock, events, far = LoopClock(asyncio.get_running_loop()), list[MediaEvent](), Far()
        stream = pool.open(events.append)
        await settle(stream, far)
        far.send(stream, b"\x11" * 160)
        sent = clock.now()
        await until(events, Heard)
        await asyncio.sleep(1.3)
        assert stream.last_heard == pytest.approx(sent, abs=0.3)
        os.kill(pool.processes()[0], signal.SIGKILL)
        await until(events, WorkerDied)
        assert stream.last_heard == pytest.approx(sent, abs=0.3)

    with_pool(play, (32200, 32499))


def test_a_port_that_somebody_else_has_is_passed_over() -> None:
    async def play(pool: MediaPool) -> None:
        assert pool.open(lambda event: None).port == 32_502

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, 32_501))
        with_pool(play, (32500, 32503))


def test_of_few_ports_each_worker_has_a_pair() -> None:
    async def main() -> None:
        clock = LoopClock(asyncio.get_running_loop())
        pool = MediaPool(
            clock,
            workers=8,
            address=HOST,
            ports=(32_507, 32_511),
            silence_seconds=60.0,
            report=print,
        )
        await pool.start()
        try:
            opened = {pool.open(lambda event: None).port for _ in range(2)}
            assert opened == {32_508, 32_510}
        finally:
            await pool.close()

    asyncio.run(main())


@pytest.mark.parametrize("address", [HOST, "192.0.2.1"])
def test_without_any_port_the_pool_does_not_start(address: str) -> None:
    async def main() -> None:
        clock = LoopClock(asyncio.get_running_loop())
        pool = MediaPool(
            clock,
            workers=1,
            address=address,
            ports=(32504, 32505),
            silence_seconds=60.0,
            report=print,
        )
        with pytest.raises(WorkerFailed, match="rtp_ports"):
            await pool.start()
        assert pool.processes() == []

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((HOST, 32_505))
        asyncio.run(main())


def test_a_worker_that_answers_no_more_counts_as_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "WATCH_SECONDS", 0.15)

    async def play(pool: MediaPool) -> None:
        events: list[MediaEvent] = []
        pool.open(events.append)
        (worker,) = pool.processes()
        os.kill(worker, signal.SIGSTOP)
        await until(events, WorkerDied)
        assert worker not in pool.processes()

    (report,) = with_pool(play, (32600, 32899))
    assert "died" in report


def test_a_worker_that_reads_no_more_counts_as_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MOST_UNSENT", 100_000)

    async def play(pool: MediaPool) -> None:
        events: list[MediaEvent] = []
        stream = pool.open(events.append)
        (worker,) = pool.processes()
        os.kill(worker, signal.SIGSTOP)
        for _ in range(20_000):
            stream.stop()
        assert events == []  # never from within a verb
        await until(events, WorkerDied)

    (report,) = with_pool(play, (32600, 32899))
    assert "died" in report


def test_no_ports_left_is_said() -> None:
    async def play(pool: MediaPool) -> None:
        pool.open(lambda event: None)
        pool.open(lambda event: None)
        try:
            pool.open(lambda event: None)
        except NoPorts as error:
            assert "rtp_ports" in str(error)
            return
        raise AssertionError("a third pair out of two")

    with_pool(play, (31400, 31403))


def test_a_worker_that_dies_ends_its_streams_and_is_started_again() -> None:
    async def play(pool: MediaPool) -> None:
        events: list[MediaEvent] = []
        stream = pool.open(events.append)
        stream.configure(remote(Far()))
        (worker,) = pool.processes()
        os.kill(worker, signal.SIGKILL)
        await until(events, WorkerDied)
        for _ in range(1000):
            if pool.processes():
                break
            await asyncio.sleep(0.01)
        pool.open(events.append).configure(remote(Far()))

    (report,) = with_pool(play, (31500, 31899))
    assert "died" in report


def test_workers_exit_when_the_server_is_killed() -> None:
    program = (
        "import asyncio\n"
        "from ringback.clock import LoopClock\n"
        "from ringback.media.pool import MediaPool\n"
        "async def main():\n"
        "    clock = LoopClock(asyncio.get_running_loop())\n"
        f"    pool = MediaPool(clock, workers=1, address='{HOST}', ports=(32000, 32099),"
        " silence_seconds=60.0, report=print)\n"
        "    await pool.start()\n"
        "    print(*pool.processes(), flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        worker = int(server.stdout.readline())
        server.kill()
    for _ in range(500):
        if not Path(f"/proc/{worker}").exists():
            return
        asyncio.run(asyncio.sleep(0.01))
    raise AssertionError("the worker outlived the server")


def test_a_server_that_stands_still_leaves_no_call_beyond_its_limit() -> None:
    """The worker stops the sound at the limit by itself, and not before."""
    program = (
        "import asyncio, sys\n"
        "from ringback.clock import LoopClock\n"
        "from ringback.media.pool import MediaPool, Remote\n"
        "async def main():\n"
        "    clock = LoopClock(asyncio.get_running_loop())\n"
        f"    pool = MediaPool(clock, workers=1, address='{HOST}', ports=(32550, 32553),"
        " silence_seconds=60.0, report=print)\n"
        "    await pool.start()\n"
        "    streams = [pool.open(lambda event: None)]\n"
        "    streams.append(pool.open(lambda event: None, beside=streams[0]))\n"
        "    for stream, port in zip(streams, map(int, sys.argv[1:])):\n"
        f"        stream.configure(Remote('{HOST}', port, 'PCMA', 8,"
        " {8: 'PCMA'}, frozenset({101}), 101, sends=True,"
        f" on_hold=False, allowed=frozenset({{'{HOST}'}}), anywhere=False))\n"
        "    streams[0].bridge(streams[1])\n"
        "    for stream in streams:\n"
        "        stream.limit(clock.now() + 2.0)\n"
        "    print(*(stream.port for stream in streams), flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    ends = [Far(), Far()]
    arguments = [sys.executable, "-c", program, *(str(far.port) for far in ends)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        ports = [int(port) for port in server.stdout.readline().split()]
        server.send_signal(signal.SIGSTOP)
        try:
            heard = asyncio.run(_talk(ends, ports))
        finally:
            server.kill()
    assert 0 < heard[0] < 150 and 0 < heard[1] < 150


async def _talk(ends: list[Far], ports: list[int]) -> list[int]:
    """Speak at both ends for four seconds; how many packets of speech came to each."""
    heard = [0, 0]
    for turn in range(200):
        for number, far in enumerate(ends):
            header = HEADER.pack(0x80, 8, turn, turn * 160, far.port)
            far.socket.sendto(header + b"\x11" * 160, (HOST, ports[number]))
            with suppress(BlockingIOError):
                while True:
                    heard[number] += far.socket.recv(2048)[HEADER.size] == 0x11
        await asyncio.sleep(0.02)
    return heard


def test_a_worker_imports_the_standard_library_only() -> None:
    program = (
        "import sys, ringback.media.worker\n"
        "heavy = {'sqlalchemy', 'pydantic', 'numpy', 'asyncio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
