"""The unit of work: the one way in which the rest of Ringback reads and writes its database.

A unit of work is a plain synchronous function over a SQLAlchemy `Connection`. It commits nothing
and keeps no state of its own: the store runs it where statements do not hold up the event loop,
and may put several units into one transaction. It may be run on another thread than the caller's,
and anew when what it did was undone, because of a deadlock for one: so it changes nothing that
matters but the database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Store(Protocol):
    """A database."""

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do a unit of work: wholly, and durable when this returns, or not at all.

        An exception that `work` raises is raised here, and only its own changes are undone.
        Raises StoreError when the database fails, also when only the commit does. Cancelling the
        wait does not take back the work.
        """
        ...

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Read in one consistent view, in which everything is seen that `run` returned from
        before. `work` must not write: the database refuses it. Raises StoreError."""
        ...

    async def close(self) -> None:
        """Do what is waiting, then close the database. Afterwards StoreClosed is raised."""
        ...
