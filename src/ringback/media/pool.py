"""The pool: the server's side of the media workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ringback.clock import Clock
from ringback.media.clips import Clips, read_wav
from ringback.media.events import (
    Heard,
    LimitReached,
    MediaEvent,
    MediaListener,
    Played,
    Pressed,
    Silent,
    WorkerDied,
)
from ringback.media.process import WorkerFailed, WorkerProcess
from ringback.media.remote import Remote
from ringback.media.stream import Stream

__all__ = [
    "Heard",
    "LimitReached",
    "MediaEvent",
    "MediaPool",
    "NoPorts",
    "Played",
    "Pressed",
    "Remote",
    "Silent",
    "Stream",
    "WorkerDied",
    "WorkerFailed",
    "read_wav",
]

RESTART_SECONDS = 1.0
"""The pause between attempts to start a worker again."""


class NoPorts(Exception):
    """No RTP port is free: the worker has yet to bind more, or all ports are in use."""


class MediaPool:
    """The workers, and the sounds that are given to them."""

    def __init__(
        self,
        clock: Clock,
        *,
        workers: int,
        address: str,
        ports: tuple[int, int],
        silence_seconds: float,
        report: Callable[[str], None],
    ) -> None:
        """`address` is the one to bind; `ports` are the first and the last, and are shared out
        among the workers; `Silent` is reported of a stream to which nothing has come for
        `silence_seconds`; `report` is called with what an operator should know."""
        self._loop = asyncio.get_running_loop()
        self._address = address
        self._silence_seconds = silence_seconds
        self._offset = clock.now() - self._loop.time()
        self._report = report
        self._ranges = _split(ports, workers)
        self._workers: list[WorkerProcess] = []
        self._numbers = 0
        self._clips = Clips(report)
        self._restarts: set[asyncio.Task[None]] = set()
        self._closing = False
        self._more_room = asyncio.Event()

    async def start(self) -> None:
        """Return once every worker has ports. Raises WorkerFailed."""
        try:
            for ports in self._ranges:
                await self._start(ports)
        except OSError:
            await self.close()
            raise

    async def close(self) -> None:
        """End the workers, and with them every stream that is left."""
        self._closing = True
        for restart in self._restarts:
            restart.cancel()
        await asyncio.gather(*self._restarts, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    def open(self, listener: MediaListener, beside: Stream | None = None) -> Stream:
        """Open a stream with a pair of ports, in the worker of `beside`, or otherwise in the worker
        with the fewest streams. Raises NoPorts."""
        workers = self._workers if beside is None else [beside.worker]
        workers = [worker for worker in workers if not worker.dead]
        if not workers:
            raise NoPorts("the media worker has died: it is being started again")
        for worker in sorted(workers, key=lambda worker: len(worker.streams)):
            port = worker.take_port()
            if port is not None:
                self._numbers += 1
                stream = Stream(worker, self._numbers, port, listener)
                worker.open(stream, self._numbers, port)
                return stream
        raise NoPorts("no free RTP port: give [sip] rtp_ports more")

    async def more_room(self) -> None:
        """Wait until a worker has bound more ports, or until another worker has been started."""
        self._more_room.clear()
        await self._more_room.wait()

    def processes(self) -> list[int]:
        """The workers' process ids."""
        return [worker.pid for worker in self._workers if not worker.dead]

    async def _start(self, ports: tuple[int, int]) -> None:
        worker = WorkerProcess(
            address=self._address,
            ports=ports,
            silence_seconds=self._silence_seconds,
            offset=self._offset,
            clips=self._clips,
            report=self._report,
            on_death=self._lost,
            on_stock=self._more_room.set,
        )
        try:
            await worker.start()
        except BaseException:
            await worker.stop()
            raise
        self._workers.append(worker)
        self._more_room.set()

    def _lost(self, worker: WorkerProcess) -> None:
        """A worker has died: its calls are over, and a new worker takes its place."""
        self._workers.remove(worker)
        if self._closing:
            return
        self._report(f"media worker {worker.pid} died: its calls are ended")
        restart = self._loop.create_task(self._restart(worker.ports))
        self._restarts.add(restart)
        restart.add_done_callback(self._restarts.discard)

    async def _restart(self, ports: tuple[int, int]) -> None:
        while True:
            try:
                await self._start(ports)
            except OSError as error:
                self._report(f"a media worker cannot be started again: {error}")
                await asyncio.sleep(RESTART_SECONDS)
            else:
                return


def _split(ports: tuple[int, int], workers: int) -> list[tuple[int, int]]:
    """Shares of whole pairs, and no more shares than there is room for conversations, whose two
    legs are in one worker."""
    first, last = ports[0] + ports[0] % 2, ports[1]
    pairs = (last + 1 - first) // 2
    workers = max(1, min(workers, pairs // 2))
    share = pairs // workers * 2
    return [(first + index * share, first + (index + 1) * share - 1) for index in range(workers)]


def conversations(ports: tuple[int, int], workers: int) -> int:
    """For how many conversations there is room."""
    return sum((last + 1 - first) // 4 for first, last in _split(ports, workers))
