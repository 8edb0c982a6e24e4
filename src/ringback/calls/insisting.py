"""Writing down what has happened, while the store fails too: again and again until it takes it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ringback.calls.chronicle import Chronicle
from ringback.clock import Clock
from ringback.store import StoreError

T = TypeVar("T")

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
"""Between two tries: doubled each time."""


class Pauses:
    """How long to wait after each failure."""

    def __init__(self) -> None:
        self._next = FIRST_PAUSE_SECONDS

    def next(self) -> float:
        pause, self._next = self._next, min(2 * self._next, LONGEST_PAUSE_SECONDS)
        return pause


async def insist(
    chronicle: Chronicle, clock: Clock, what: str, write: Callable[[], Awaitable[T]]
) -> T:
    """Write until the store takes it, and return what `write` returns. For what must be written
    and for which nobody waits on a line; `what` says in a log what is still to be written."""
    pauses = Pauses()
    while True:
        try:
            return await write()
        except StoreError as error:
            chronicle.trouble(f"{what} not written yet: {error}")
        await clock.sleep_until(clock.now() + pauses.next())
