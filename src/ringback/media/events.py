"""What can happen to a stream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringback.clock import Instant


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
    """A playback came to its own end."""

    playback: int


@dataclass(frozen=True, slots=True)
class Silent:
    """Neither RTP nor RTCP has come for the pool's `silence_seconds`, and the far end is not on
    hold; told again after as long."""

    heard: Instant
    """When anything last came; of a leg that has sent nothing, since when it is waited for."""


@dataclass(frozen=True, slots=True)
class LimitReached:
    """The stream has been stopped at its limit."""


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """The worker is gone, and the stream with it. The last event."""


MediaEvent = Heard | Pressed | Played | Silent | LimitReached | WorkerDied
MediaListener = Callable[[MediaEvent], None]
"""Where a stream's events go: on the event loop, never from within a verb. It must not block."""
