"""The unit of work: the only way in which the rest of Ringback reads and writes its database.

A unit of work is a plain synchronous function of a SQLAlchemy `Connection`. It commits nothing and
keeps no state of its own: the store runs it where its statements do not hold up the event loop, and
may put several units into one transaction. The store may run it on another thread than the
caller's, and may run it again if what it did was undone, because of a deadlock for instance. So it
must change nothing that matters but the database.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Store(Protocol):
    """A database."""

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do a unit of work: when this returns, all of it is done and durable; otherwise none of it
        is.

        If `work` raises an exception, it is raised here, and only the changes of `work` are undone.
        Raises StoreError if the database fails, be it only at the commit. Cancelling the wait does
        not take the work back.
        """
        ...

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Read in one consistent view, which contains everything that `run` has returned from.
        `work` must not write: the database refuses it. Raises StoreError."""
        ...

    async def close(self) -> None:
        """Do what is waiting, then close the database. From then on StoreClosed is raised."""
        ...
