"""One leg's media, as the server sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ringback.clock import Instant
from ringback.media.control import ControlMessage
from ringback.media.events import (
    Heard,
    LimitReached,
    MediaListener,
    Played,
    Pressed,
    Silent,
    WorkerDied,
)
from ringback.media.process import WorkerProcess
from ringback.media.remote import Remote


class Stream:
    """One leg's media, in a worker. Verbs return at once; on a closed stream they do nothing."""

    def __init__(
        self, worker: WorkerProcess, number: int, port: int, listener: MediaListener
    ) -> None:
        self.port = port
        """Our RTP port; the next one is for RTCP."""
        self.worker = worker
        self._number = number
        self._listener = listener
        self._closed = False
        self._codec = "PCMA"
        self._partner: Stream | None = None
        self._reported: set[str] = set()

    @property
    def last_heard(self) -> Instant:
        """The last instant at which RTP or RTCP is known to have come, or at which the far end came
        back from hold. It may be up to half a second too early. It is known even if the worker has
        died."""
        return self.worker.last_heard(self._number)

    def configure(self, remote: Remote) -> None:
        """A description has been agreed on: from now on take sound, and send to where it says.
        Changes (hold, codec, address) take effect at once, while what is playing goes on."""
        self._codec = remote.codec
        self._do("configure", remote=remote.to_message())

    def play(self, playback: int, files: Sequence[Path], *, loop: bool = False) -> None:
        """Play WAV files (8000 Hz, 16 bit, mono), joined without a gap, instead of what is playing
        and of whoever is heard. `Played` will name the number `playback`. A file that cannot be
        read is left out and reported."""
        if not self._closed:
            names = self.worker.load(files, self._codec)
            self._do("play", playback=playback, clips=names, loop=loop)

    def stop(self) -> None:
        """Stop what is playing."""
        self._do("stop")

    def send_digits(self, digits: str) -> None:
        """Send keys as RFC 4733 events, one after the other, instead of sound. At most 64 wait. If
        no payload type for events was agreed, nothing is sent."""
        self._do("press", keys=digits)

    def bridge(self, other: Stream, *, early: bool = False) -> None:
        """Join two streams of one worker. `early`: only from `other` to this one. Either is first
        parted from any stream that it was joined with."""
        if other.worker is not self.worker:
            raise ValueError("only streams of one worker can be bridged")
        if self._closed or other._closed:
            return
        for one, another in ((self, other), (other, self)):
            if one._partner is not another:
                one.unbridge()
        self._partner, other._partner = other, self
        self._do("hear", speaker=other._number)
        other._do("hear", speaker=None if early else self._number)

    def unbridge(self) -> None:
        """Part this stream from the one it is joined with."""
        other, self._partner = self._partner, None
        if other is not None:
            other._partner = None
            self._do("hear", speaker=None)
            other._do("hear", speaker=None)

    def limit(self, at: Instant | None) -> None:
        """Set the instant at which the worker stops the stream in both directions, unless it is
        moved."""
        self._do("limit", at=None if at is None else self.worker.monotonic(at))

    def close(self) -> None:
        """Give the ports back. No event comes after this."""
        if not self._closed:
            self.unbridge()
            self._do("close")
            self._closed = True
            self.worker.forget(self._number)

    def on_event(self, event: ControlMessage) -> None:
        """The worker has reported an event."""
        match event["event"]:
            case "heard":
                self._listener(Heard())
            case "digit":
                self._listener(Pressed(event["digit"], self.worker.instant(event["at"])))
            case "played":
                self._listener(Played(event["playback"]))
            case "silent":
                self._listener(Silent(self.worker.instant(event["heard"])))
            case "limit":
                self._listener(LimitReached())

    def first_report(self, what: str) -> bool:
        """Whether this is the first report of its kind on this stream."""
        first = what not in self._reported
        self._reported.add(what)
        return first

    def lost(self) -> None:
        """The worker has died."""
        self._closed = True
        self._partner = None
        self._listener(WorkerDied())

    def _do(self, verb: str, **more: Any) -> None:
        if not self._closed:
            self.worker.send({"do": verb, "leg": self._number, **more})
