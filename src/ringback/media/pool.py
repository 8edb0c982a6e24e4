"""The pool: the server's side of the media workers."""

from __future__ import annotations

import asyncio
import socket
import sys
import wave
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ringback.clock import Clock, Instant
from ringback.media.control import Unpacker, pack
from ringback.media.g711 import Encoder
from ringback.telephony.port import Clip

STOCK = 64
"""Pairs of ports that a worker has ready."""
MOST_UNSENT = 16 * 1024 * 1024
"""Bytes of commands that a worker has not read: beyond that it counts as dead."""
MOST_CLIPS = 2000


class NoPorts(Exception):
    """Every RTP port is in use: see [sip] rtp_ports."""


@dataclass(frozen=True, slots=True)
class Remote:
    """The far end of a stream, as negotiated."""

    host: str
    port: int
    codec: str
    payload_type: int
    dtmf_in: int | None
    dtmf_out: int | None
    sends: bool
    """We send to it."""
    on_hold: bool
    """It need not send, and is not missed."""
    allowed: Collection[str]
    """Addresses that its packets may come from."""
    anywhere: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """The first valid packet."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key, by RFC 4733."""

    digit: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Played:
    playback: int


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing has come for 60 s; told again each 60 s."""

    heard: Instant


@dataclass(frozen=True, slots=True)
class LimitReached:
    """The stream has been stopped at its limit."""


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """The worker is gone, and the stream with it."""


MediaEvent = Heard | Pressed | Played | Silent | LimitReached | WorkerDied
Listener = Callable[[MediaEvent], None]


class Stream:
    """One leg's media, in a worker. Verbs on a closed stream do nothing."""

    def __init__(
        self, worker: _Worker, number: int, port: int, clock: Clock, listener: Listener
    ) -> None:
        self.port = port
        self._worker = worker
        self._number = number
        self._offset = worker.offset
        self._listener = listener
        self._closed = False
        self._codec = "PCMA"
        self._partner: Stream | None = None
        self._do("open", port=port)

    @property
    def worker(self) -> _Worker:
        return self._worker

    def configure(self, remote: Remote) -> None:
        fields = asdict(remote)
        fields["allowed"] = sorted(remote.allowed)
        for name in ("dtmf_in", "dtmf_out"):
            fields[name] = -1 if fields[name] is None else fields[name]
        self._codec = remote.codec
        self._do("configure", **fields)

    def play(self, playback: int, clips: Sequence[Clip], *, loop: bool = False) -> None:
        names = [name for clip in clips if (name := self._worker.load(clip, self._codec))]
        self._do("play", playback=playback, clips=names, loop=loop)

    def stop(self) -> None:
        self._do("stop")

    def send_digits(self, digits: str) -> None:
        self._do("press", digits=digits)

    def bridge(self, other: Stream, *, early: bool = False) -> None:
        """Join two streams of one worker; `early`: from `other` to this one only."""
        if other._worker is not self._worker:
            raise ValueError("only streams of one worker can be bridged")
        self._partner, other._partner = other, self
        other._do("join", other=self._number)
        self._do("join", other=None if early else other._number)

    def unbridge(self) -> None:
        other, self._partner = self._partner, None
        self._do("join", other=None)
        if other is not None:
            other._partner = None
            other._do("join", other=None)

    def limit(self, at: Instant | None) -> None:
        self._do("limit", at=None if at is None else at - self._offset)

    def close(self) -> None:
        if not self._closed:
            self.unbridge()
            self._do("close")
            self._closed = True
            self._worker.streams.pop(self._number, None)

    def _do(self, verb: str, **more: Any) -> None:
        if not self._closed:
            self._worker.send({"do": verb, "leg": self._number, **more})

    def told(self, event: dict[str, Any]) -> None:
        """An event of the worker's."""
        match event["event"]:
            case "heard":
                self._listener(Heard())
            case "digit":
                self._listener(Pressed(event["digit"], event["at"] + self._offset))
            case "played":
                self._listener(Played(event["playback"]))
            case "silent":
                self._listener(Silent(event["heard"] + self._offset))
            case "limit":
                self._listener(LimitReached())

    def lost(self) -> None:
        self._closed = True
        self._listener(WorkerDied())


class _Worker:
    """One worker process, from the server's side."""

    def __init__(self, pool: MediaPool, first: int, last: int) -> None:
        self.range = first, last
        self.streams: dict[int, Stream] = {}
        self.ports: deque[int] = deque()
        self.offset = pool.offset
        self.dead = False
        self.stocked: asyncio.Future[None] = pool.loop.create_future()
        self._pool = pool
        self._loaded: OrderedDict[str, None] = OrderedDict()
        self._unpacker = Unpacker()
        self._unsent = bytearray()
        self._asked = 0

    async def start(self) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        ours.setblocking(False)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "ringback.media.worker"),
            *(str(theirs.fileno()), self._pool.address, *map(str, self.range)),
            pass_fds=[theirs.fileno()],
            start_new_session=True,  # a Ctrl-C is for the server, which then ends its workers
            stdin=asyncio.subprocess.DEVNULL,
        )
        theirs.close()
        self._pool.loop.add_reader(ours.fileno(), self._readable)
        self._restock()
        await self.stocked

    def send(self, message: dict[str, Any], blob: bytes = b"") -> None:
        if self.dead:
            return
        self._unsent += pack(message, blob)
        self._flush()
        if len(self._unsent) > MOST_UNSENT:
            self._die()

    def take_port(self) -> int | None:
        port = self.ports.popleft() if self.ports else None
        self._restock()
        return port

    def load(self, clip: Clip, codec: str) -> str | None:
        """The name under which the worker has a clip; None for one that cannot be read."""
        name = f"{codec}:{clip.path}"
        if name in self._loaded:
            self._loaded.move_to_end(name)
            return name
        sound = self._pool.encoded(clip, codec)
        if sound is None:
            return None
        if len(self._loaded) >= MOST_CLIPS:
            oldest, _ = self._loaded.popitem(last=False)
            self.send({"do": "forget", "clip": oldest})
        self._loaded[name] = None
        self.send({"do": "clip", "clip": name}, sound)
        return name

    def stop(self) -> None:
        """Close the control socket: the worker exits."""
        if not self.dead:
            self.dead = True
            self._pool.loop.remove_writer(self._socket.fileno())
            self._pool.loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _restock(self) -> None:
        if len(self.ports) + self._asked <= STOCK // 2:
            self._asked += STOCK
            self.send({"do": "stock", "pairs": STOCK})

    def _flush(self) -> None:
        loop = self._pool.loop
        try:
            while self._unsent:
                del self._unsent[: self._socket.send(self._unsent)]
        except BlockingIOError:
            loop.add_writer(self._socket.fileno(), self._flush)
            return
        except OSError:
            self._pool.loop.call_soon(self._die)
            return
        loop.remove_writer(self._socket.fileno())

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
            if event["event"] == "stocked":
                self.ports.extend(event["ports"])
                self._asked = 0
                if not self.stocked.done():
                    self.stocked.set_result(None)
            elif (stream := self.streams.get(event["leg"])) is not None:
                stream.told(event)

    def _die(self) -> None:
        if self.dead:
            return
        self.stop()
        if self.process.returncode is None:
            self.process.kill()
        streams, self.streams = self.streams, {}
        for stream in streams.values():
            stream.lost()
        self._pool.lost(self)


class MediaPool:
    """Some workers, and the sounds they have been given."""

    def __init__(
        self,
        clock: Clock,
        *,
        workers: int,
        address: str,
        ports: tuple[int, int],
        report: Callable[[str], None],
    ) -> None:
        """`address` is bound; `ports` are the first and the last; `report` is told what an
        operator should know."""
        self.loop = asyncio.get_running_loop()
        self.address = address
        self._clock = clock
        # Both clocks are the machine's monotonic one, which all processes share.
        self.offset = clock.now() - self.loop.time()
        self._report = report
        self._ranges = _split(ports, workers)
        self._workers: list[_Worker] = []
        self._numbers = 0
        self._encoder = Encoder()
        self._encoded: dict[tuple[Path, str], bytes] = {}
        self._restarts: set[asyncio.Task[None]] = set()
        self._closing = False

    async def start(self) -> None:
        for first, last in self._ranges:
            await self._start(first, last)

    async def close(self) -> None:
        self._closing = True
        for restart in self._restarts:
            restart.cancel()
        for worker in self._workers:
            worker.stop()
        for worker in self._workers:
            await worker.process.wait()

    def open(self, listener: Listener, beside: Stream | None = None) -> Stream:
        """A stream with a pair of ports, in the worker of `beside` or in the one with the fewest
        streams. Raises NoPorts."""
        alive = [worker for worker in self._workers if not worker.dead]
        if beside is not None:
            alive = [worker for worker in alive if worker is beside.worker]
        for worker in sorted(alive, key=lambda worker: len(worker.streams)):
            port = worker.take_port()
            if port is not None:
                self._numbers += 1
                stream = Stream(worker, self._numbers, port, self._clock, listener)
                worker.streams[self._numbers] = stream
                return stream
        raise NoPorts("no free RTP port: give [sip] rtp_ports more")

    def processes(self) -> list[int]:
        """The workers' process ids."""
        return [worker.process.pid for worker in self._workers if not worker.dead]

    def encoded(self, clip: Clip, codec: str) -> bytes | None:
        """A clip's sound, encoded once."""
        key = clip.path, codec
        if key not in self._encoded:
            try:
                self._encoded[key] = self._encoder.encode(read_wav(clip.path), codec)
            except (OSError, EOFError, ValueError, wave.Error) as error:
                self._report(f"sound {clip.path} cannot be played: {error}")
                return None
        return self._encoded[key]

    async def _start(self, first: int, last: int) -> None:
        worker = _Worker(self, first, last)
        await worker.start()
        self._workers.append(worker)

    def lost(self, worker: _Worker) -> None:
        """A worker has died: its calls are over, and another takes its place."""
        self._workers.remove(worker)
        if self._closing:
            return
        self._report(f"media worker {worker.process.pid} died: its calls are ended")
        restart = self.loop.create_task(self._start(*worker.range))
        self._restarts.add(restart)
        restart.add_done_callback(self._restarts.discard)


def _split(ports: tuple[int, int], workers: int) -> list[tuple[int, int]]:
    first, last = ports
    share = (last - first + 1) // workers // 2 * 2
    return [(first + index * share, first + (index + 1) * share - 1) for index in range(workers)]


def read_wav(path: Path) -> bytes:
    """The samples of a WAV file of telephone audio. Raises ValueError for any other."""
    with wave.open(str(path)) as file:
        form = file.getframerate(), file.getsampwidth(), file.getnchannels()
        if form != (8000, 2, 1):
            raise ValueError("not 8000 Hz, 16 bit, mono")
        samples: bytes = file.readframes(file.getnframes())
    return samples
