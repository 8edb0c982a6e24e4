"""The events of one session: told at once, and written with the session's next unit of work.

So an event costs no commit of its own, and what is written is lost by no crash (spec section 9).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from ringback.calls.events import Happening, SessionEvent
from ringback.calls.journal import Journal
from ringback.clock import Clock
from ringback.store import Store, models
from ringback.store.prepared import Prepared

T = TypeVar("T")

_E = models.EventRow

_INSERT = Prepared(insert(_E).on_conflict_do_nothing().inline())
"""SQLite takes the same words. An event whose commit seemed to fail may be there already."""


@dataclass(frozen=True, slots=True)
class _Numbered:
    """An event with its place in the session."""

    ordinal: int
    event: SessionEvent


class Chronicle:
    """What has happened in a session, and the way in which its units of work are done."""

    def __init__(
        self,
        session: str,
        clock: Clock,
        journal: Journal,
        store: Store,
        node: str,
        *,
        first: int = 0,
    ) -> None:
        """`first` is the place of the next event: more than 0 where the session was begun before
        a restart."""
        self.session = session
        self._clock = clock
        self._journal = journal
        self._store = store
        self._node = node
        self._next = first
        self._unwritten: list[_Numbered] = []

    def tell(self, happening: Happening) -> None:
        """Something has happened now."""
        event = SessionEvent(self.session, self._clock.now(), happening)
        self._unwritten.append(_Numbered(self._next, event))
        self._next += 1
        self._journal.record(event)

    def trouble(self, what: str) -> None:
        """Tell an operator of something that this session met."""
        self._journal.trouble(self.session, what)

    async def run(
        self,
        work: Callable[[Connection], T],
        telling: Callable[[T], Sequence[Happening]] = lambda result: (),
        keeping: Callable[[T], bool] = lambda result: True,
    ) -> T:
        """Do a unit of work of the session, and write with it the events that are not written yet,
        and those that `telling` makes of its result: these are told once it is done. Both are
        functions of the result alone; where `keeping` says no, no event is written before the
        session's next unit of work.

        Raises StoreError.
        """
        events, self._unwritten = self._unwritten, []
        now, first = self._clock.now(), self._next

        def unit(tx: Connection) -> tuple[T, list[_Numbered], bool]:
            result = work(tx)
            told = [
                _Numbered(first + place, SessionEvent(self.session, now, happening))
                for place, happening in enumerate(telling(result))
            ]
            kept = keeping(result)
            if kept:
                _write(tx, self._node, [*events, *told])
            return result, told, kept

        try:
            result, told, kept = await self._store.run(unit)
        except BaseException:
            # They may have been kept all the same; each is written once, by its place.
            self._unwritten = [*events, *self._unwritten]
            raise
        if not kept:
            self._unwritten = [*events, *told, *self._unwritten]
        self._next += len(told)
        for each in told:
            self._journal.record(each.event)
        return result

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Read, without writing anything. Raises StoreError."""
        return await self._store.read(work)


def _write(tx: Connection, node: str, events: Sequence[_Numbered]) -> None:
    if events:
        _INSERT.run_many(
            tx,
            [
                {
                    "writer": node,
                    "session_id": each.event.session,
                    "ordinal": each.ordinal,
                    "at": each.event.at,
                    "type": each.event.happening.type,
                    "data": each.event.happening.facts(),
                }
                for each in events
            ],
        )


def append(tx: Connection, node: str, event: SessionEvent) -> None:
    """Write one event of a session that nobody is running: after a crash."""
    _write(tx, node, [_Numbered(next_place(tx, event.session), event)])


def next_place(tx: Connection, session: str) -> int:
    """The place of a session's next event, of one that was begun before a restart."""
    query = select(func.coalesce(func.max(_E.ordinal) + 1, 0)).where(_E.session_id == session)
    return int(tx.execute(query).scalar_one())
