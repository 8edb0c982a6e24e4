"""Time, injected.

An *instant* is a float of Unix seconds on a scale that never steps back: the wall clock as it was
when the process began, carried on by the monotonic clock. Rules take instants as arguments; only
the edges ask a clock. On a virtual event loop, the same class runs on virtual time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

Instant = float
"""Unix seconds; see the module's docstring."""


class Timer(Protocol):
    """A call to come, unless it is cancelled first."""

    def cancel(self) -> None: ...


class Clock(Protocol):
    """Where the edges get the time from."""

    def now(self) -> Instant:
        """The present instant."""
        ...

    def call_at(self, at: Instant, action: Callable[[], None]) -> Timer:
        """Call `action` at `at`, or as soon as possible if that has passed."""
        ...

    async def sleep_until(self, at: Instant) -> None:
        """Return at `at`, or at once if that has passed."""
        ...


class LoopClock:
    """The clock of an event loop: real time on a real loop, virtual time on a virtual one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, epoch: Instant | None = None) -> None:
        """`epoch` is the instant at which the loop's own time is zero. By default it is chosen so
        that the present instant equals the wall clock's time."""
        self._loop = loop
        self._epoch = time.time() - loop.time() if epoch is None else epoch

    def now(self) -> Instant:
        return self._epoch + self._loop.time()

    def call_at(self, at: Instant, action: Callable[[], None]) -> Timer:
        return self._loop.call_at(at - self._epoch, action)

    async def sleep_until(self, at: Instant) -> None:
        reached: asyncio.Future[None] = self._loop.create_future()
        timer = self._loop.call_at(at - self._epoch, _release, reached)
        try:
            await reached
        finally:
            timer.cancel()


def _release(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def utc(instant: Instant) -> datetime:
    """The instant as an aware datetime in UTC."""
    return datetime.fromtimestamp(instant, UTC)


def utc_text(instant: Instant) -> str:
    """The instant as files write it: 2026-01-01T00:00:00Z, with as many places as it has."""
    return utc(instant).isoformat().replace("+00:00", "Z")
