"""The events of a stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringback.clock import Instant


@dataclass(frozen=True, slots=True)
class Heard:
    """The first valid packet has come."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """The far end pressed a key and sent it by RFC 4733."""

    digit: str
    at: Instant


@dataclass(frozen=True, slots=True)
class Played:
    """A playback has reached its end."""

    playback: int


@dataclass(frozen=True, slots=True)
class Silent:
    """For the pool's `silence_seconds`, neither RTP nor RTCP has come, and the far end is not on
    hold. Reported again after as long."""

    heard: Instant
    """When the last packet came; if none has come yet, when we began to wait for one."""


@dataclass(frozen=True, slots=True)
class LimitReached:
    """The stream has reached its limit and is stopped."""


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """The worker has died, and the stream with it. This is the stream's last event."""


MediaEvent = Heard | Pressed | Played | Silent | LimitReached | WorkerDied
MediaListener = Callable[[MediaEvent], None]
"""Called with a stream's events, on the event loop and never from within a verb. It must not
block."""
