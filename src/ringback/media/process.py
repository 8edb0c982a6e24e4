"""One worker process, from the server's side."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Protocol

from ringback.clock import Instant
from ringback.media.clips import MOST_BYTES, Clips
from ringback.media.control import ControlMessage, Unpacker, pack

STOCK = 128
"""Pairs of ports that a worker keeps ready."""
RESTOCK = 32
MOST_UNSENT = 16 * 1024 * 1024
"""Bytes of commands that a worker has not read; if there are more, it counts as dead."""
WATCH_SECONDS = 1.0
MOST_UNANSWERED = 5
"""The pool looks once a second, and a worker reports twice a second. If this many looks in a row
find no report, the worker counts as dead."""
CLOSING_SECONDS = 2.0
MANY_DROPPED = 50
"""Packets of one stream dropped before an operator is told: one second of sound."""


class WorkerFailed(OSError):
    """A media worker could not start; the message says why, and how to mend it."""


class CarriedStream(Protocol):
    """A stream, as the process that carries it knows it."""

    @property
    def port(self) -> int: ...
    def on_event(self, event: ControlMessage) -> None: ...
    def first_report(self, what: str) -> bool: ...
    def lost(self) -> None: ...


class WorkerProcess:
    """Starts a worker, commands it, and notices when it is gone."""

    def __init__(
        self,
        *,
        address: str,
        ports: tuple[int, int],
        silence_seconds: float,
        offset: float,
        clips: Clips,
        report: Callable[[str], None],
        on_death: Callable[[WorkerProcess], None],
        on_stock: Callable[[], None],
    ) -> None:
        """`offset` is by how many seconds the clock's instants are ahead of the monotonic clock,
        which all processes of a machine share. `on_stock` is called when the worker has bound more
        ports."""
        self.ports = ports
        self.streams: dict[int, CarriedStream] = {}
        self.dead = False
        self.process: asyncio.subprocess.Process | None = None
        self._address = address
        self._silence_seconds = silence_seconds
        self._offset = offset
        self._clips = clips
        self._report = report
        self._on_death = on_death
        self._on_stock = on_stock
        self._loop = asyncio.get_running_loop()
        self._socket: socket.socket
        self._stock: deque[int] = deque()
        self._asked = 0
        self._started: asyncio.Future[None] = self._loop.create_future()
        self._unpacker = Unpacker()
        self._unsent = bytearray()
        self._loaded: OrderedDict[str, int] = OrderedDict()
        """The sounds that the worker holds, and their sizes."""
        self._loaded_bytes = 0
        self._alive_at = 0.0
        self._quiet: dict[int, float] = {}
        self._unanswered = 0
        self._watch: asyncio.TimerHandle | None = None

    @property
    def pid(self) -> int:
        return 0 if self.process is None else self.process.pid

    async def start(self) -> None:
        """Return once the worker has ports. Raises WorkerFailed."""
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        try:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "ringback.media.worker"),
                *(str(theirs.fileno()), self._address),
                *map(str, (*self.ports, self._silence_seconds)),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
            )
        except BaseException:
            self.dead = True
            self._socket.close()
            raise
        finally:
            theirs.close()
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._look()
        self._restock()
        await self._started

    def open(self, stream: CarriedStream, number: int, port: int) -> None:
        self.streams[number] = stream
        self._alive_at = max(self._alive_at, self._loop.time())
        self.send({"do": "open", "leg": number, "port": port})

    def forget(self, number: int) -> None:
        """The stream has been closed."""
        self.streams.pop(number, None)
        self._quiet.pop(number, None)
        self._restock()

    def take_port(self) -> int | None:
        """Take a pair of ports that is bound and free; None if there is none."""
        port = self._stock.popleft() if self._stock else None
        self._restock()
        return port

    def load(self, paths: Sequence[Path], codec: str) -> list[str]:
        """Give the worker the sounds that it does not hold yet; returns the names of them all."""
        names: list[str] = []
        for path in paths:
            found = self._clips.encoded(path, codec)
            if found is None:
                continue
            name, sound = found
            names.append(name)
            if name not in self._loaded:
                self._loaded[name] = len(sound)
                self._loaded_bytes += len(sound)
                self.send({"do": "clip", "clip": name}, sound)
            self._loaded.move_to_end(name)
        self._forget_clips(keep=set(names))
        return names

    def _forget_clips(self, keep: Collection[str]) -> None:
        while self._loaded_bytes > MOST_BYTES and (oldest := next(iter(self._loaded))) not in keep:
            self._loaded_bytes -= self._loaded.pop(oldest)
            self.send({"do": "forget", "clip": oldest})

    def last_heard(self, number: int) -> Instant:
        """See `Stream.last_heard`. The worker names only legs from which nothing came for a
        while."""
        return self.instant(self._quiet.get(number, self._alive_at))

    def instant(self, monotonic: float) -> Instant:
        return monotonic + self._offset

    def monotonic(self, instant: Instant) -> float:
        return instant - self._offset

    def send(self, message: ControlMessage, blob: bytes = b"") -> None:
        """Send a command. It never blocks and never raises: what the worker has not read waits, up
        to a limit."""
        if self.dead:
            return
        waiting = bool(self._unsent)
        self._unsent += pack(message, blob)
        if not waiting:
            self._flush()
        if len(self._unsent) > MOST_UNSENT:
            self._loop.call_soon(self._die)

    async def stop(self) -> None:
        """Close the control socket, which makes the worker exit; kill it if it does not."""
        self._release()
        if self.process is None:
            return
        try:
            await asyncio.wait_for(self.process.wait(), CLOSING_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    def _restock(self) -> None:
        while len(self._stock) + self._asked <= STOCK - RESTOCK and not self.dead:
            self._asked += RESTOCK
            self.send({"do": "stock", "pairs": RESTOCK})

    def _flush(self) -> None:
        descriptor = self._socket.fileno()
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            self._loop.add_writer(descriptor, self._flush)
        except OSError:
            self._loop.call_soon(self._die)
        else:
            self._loop.remove_writer(descriptor)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._die()
            return
        for event, _ in self._unpacker.feed(data):
            self._on_event(event)

    def _on_event(self, event: ControlMessage) -> None:
        stream = self.streams.get(event["leg"])
        if stream is not None:
            stream.on_event(event)
        elif event["event"] == "alive":
            self._unanswered = 0
            self._alive_at = event["at"]
            self._quiet = dict(event["quiet"])
            for number, invalid, wrong_source, host in event["dropped"]:
                self._dropped(number, invalid, wrong_source, host)
        elif event["event"] == "stocked":
            self._stocked(event["ports"])

    def _stocked(self, ports: list[int]) -> None:
        self._asked -= RESTOCK
        self._stock.extend(ports)
        self._on_stock()
        if self._started.done():
            return
        if ports:
            self._started.set_result(None)
        else:
            first, last = self.ports
            self._started.set_exception(
                WorkerFailed(
                    f"no pair of UDP ports between {first} and {last} on {self._address} is free "
                    "for RTP: see [sip] rtp_ports and listen"
                )
            )

    def _dropped(self, number: int, invalid: int, wrong_source: int, host: str) -> None:
        stream = self.streams.get(number)
        if stream is None:
            return
        if wrong_source >= MANY_DROPPED and stream.first_report("wrong_source"):
            self._report(
                f"RTP port {stream.port}: {wrong_source} packets dropped, the last from {host}: "
                "the call's sound comes from elsewhere; to allow it, see media_anywhere of the "
                "trunk"
            )
        if invalid >= MANY_DROPPED and stream.first_report("invalid"):
            self._report(
                f"RTP port {stream.port}: {invalid} packets dropped that are not RTP of the codec "
                "agreed"
            )

    def _look(self) -> None:
        """Counts looks and not seconds: if the server itself was held up, no worker is blamed."""
        self._unanswered += 1
        if self._unanswered > MOST_UNANSWERED:
            self._die()
        else:
            self._watch = self._loop.call_later(WATCH_SECONDS, self._look)

    def _release(self) -> None:
        if self.dead:
            return
        self.dead = True
        if self._watch is not None:
            self._watch.cancel()
        self._loop.remove_writer(self._socket.fileno())
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _die(self) -> None:
        if self.dead:
            return
        self._release()
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
        if not self._started.done():
            self._started.set_exception(WorkerFailed("the media worker ended as it began"))
            return
        streams, self.streams = self.streams, {}
        for stream in streams.values():
            stream.lost()
        self._on_death(self)
