"""Writing down what has happened, while the store fails too: again and again until it takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from ringback.calls.services import Services
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


async def insist(services: Services, session: str, what: str, work: Callable[[Connection], T]) -> T:
    """Do a unit of work until the store takes it, and return what it returns. For what must be
    written and for which nobody waits on a line; `what` says in a log what is still to be written.
    """
    pauses = Pauses()
    while True:
        try:
            return await services.store.run(work)
        except StoreError as error:
            services.journal.trouble(session, f"{what} not written yet: {error}")
        await services.clock.sleep_until(services.clock.now() + pauses.next())
