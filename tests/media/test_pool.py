"""The pool and real worker processes, on real sockets."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from ringback.clock import LoopClock
from ringback.media.outstream import HEADER
from ringback.media.pool import (
    LimitReached,
    MediaEvent,
    MediaPool,
    NoPorts,
    Played,
    Pressed,
    Remote,
    Stream,
    WorkerDied,
)
from ringback.sounds.speech import BUILT_IN, Voice

HOST = "127.0.0.1"


class Far:
    """A far end."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((HOST, 0))
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
        HOST, far.port, "PCMA", 8, 101, 101, sends=True, on_hold=False, allowed={HOST},
        anywhere=False,
    )  # fmt: skip


async def until(events: list[MediaEvent], kind: type[MediaEvent]) -> MediaEvent:
    async with asyncio.timeout(5):
        while True:
            for event in events:
                if isinstance(event, kind):
                    return event
            await asyncio.sleep(0.005)


def with_pool(play: Callable[[MediaPool], Awaitable[None]], ports: tuple[int, int]) -> list[str]:
    """Run a play on a pool of one worker; what was reported."""
    reports: list[str] = []

    async def main() -> None:
        clock = LoopClock(asyncio.get_running_loop())
        pool = MediaPool(clock, workers=1, address=HOST, ports=ports, report=reports.append)
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
        ends[0].send(first, bytes([7, 10, 0, 160]), payload_type=101)
        pressed = await until(events, Pressed)
        assert isinstance(pressed, Pressed) and pressed.digit == "7"
        voice = Voice(BUILT_IN, lambda name: None)
        first.play(3, voice.beep())
        assert await until(events, Played) == Played(3)
        first.limit(LoopClock(asyncio.get_running_loop()).now() + 0.05)
        await until(events, LimitReached)

    assert with_pool(play, (31000, 31399)) == []


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
        " report=print)\n"
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


def test_a_worker_imports_the_standard_library_only() -> None:
    program = (
        "import sys, ringback.media.worker\n"
        "heavy = {'sqlalchemy', 'pydantic', 'numpy', 'asyncio'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
