"""A session's inbox: everything that happens to a session arrives here, in order.

The session is one coroutine and waits at one place, so an event of either leg, a command from
outside and the passing of a deadline can never overtake one another.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from ringback.calls.events.happening import Happening
from ringback.clock import Clock, Instant
from ringback.telephony.port import Event, Leg


@dataclass(frozen=True, slots=True)
class End:
    """The session is to end: by panel, API or shutdown, or since what it uses is out of use."""

    why: Happening


@dataclass(frozen=True, slots=True)
class Stop:
    """The server stops: a return call that has not been dialled is left to the next start."""


@dataclass(frozen=True, slots=True)
class TriggeredAgain:
    """The same number triggered the same extension once more, and that trigger ended at `at`."""

    at: Instant


@dataclass(frozen=True, slots=True)
class Woken:
    """Something that the deadlines depend on has changed: look at them again."""


@dataclass(frozen=True, slots=True)
class LegEvent:
    """An event of one of the session's legs."""

    leg: Leg
    event: Event


@dataclass(frozen=True, slots=True)
class Credited:
    """The credit of somebody who pays has changed."""


@dataclass(frozen=True, slots=True)
class FailedBeside:
    """Something that was done beside the session has failed by a fault of Ringback."""

    error: Exception


SessionMessage = LegEvent | End | Stop | TriggeredAgain | Woken | Credited | FailedBeside


class Inbox:
    """A queue whose one reader can wait until an instant."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._messages: deque[SessionMessage] = deque()
        self._reader: asyncio.Future[None] | None = None

    def put(self, message: SessionMessage) -> None:
        self._messages.append(message)
        self._wake()

    def listener(self, leg: Leg, event: Event) -> None:
        """A telephony listener that puts the leg's events here."""
        self.put(LegEvent(leg, event))

    async def get(self, until: Instant | None = None) -> SessionMessage | None:
        """The next message, or None when there is none by `until`."""
        if not self._messages and (until is None or until > self._clock.now()):
            timer = None if until is None else self._clock.call_at(until, self._wake)
            try:
                await self.arrival()
            finally:
                if timer is not None:
                    timer.cancel()
        return self._messages.popleft() if self._messages else None

    async def arrival(self) -> None:
        """Wait until something more arrives, and leave it there."""
        self._reader = asyncio.get_running_loop().create_future()
        try:
            await self._reader
        finally:
            self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
