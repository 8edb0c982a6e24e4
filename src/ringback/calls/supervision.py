"""Ends the sessions whose extension, an account above it, or callerID is out of use: suspended,
disabled, expired or deleted (spec section 2). Requests that are not dialled yet are withdrawn.

The decision before each leg asks the same (`verdict`); this is for what is under way. It looks
every two seconds, since an expiry comes without a command, and at once when told of a change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select

from ringback import levels
from ringback.accounts import standing, tree
from ringback.accounts.standing import OutOfUse
from ringback.calls.events import FoundOutOfUse
from ringback.calls.inbox import End
from ringback.calls.services import Services
from ringback.clock import Instant
from ringback.store import StoreError
from ringback.store.models import AccountRow, CallerIdRow, SessionRow
from ringback.store.prepared import Prepared

LOOK_SECONDS = 2.0
"""Sessions end within five: their units of work under way come first, and their BYEs."""


def _doubtful() -> Prepared:
    """A query of the open sessions for which something may be out of use."""
    open_ones = SessionRow.outcome.is_(None)
    upwards = (
        select(SessionRow.extension_id, SessionRow.extension_id.label("account_id"))
        .where(open_ones)
        .distinct()
        .cte("upwards", recursive=True)
    )
    upwards = upwards.union_all(
        select(upwards.c.extension_id, AccountRow.parent_id)
        .join(AccountRow, AccountRow.id == upwards.c.account_id)
        .where(AccountRow.parent_id.is_not(None))
    )
    below = (
        select(upwards.c.extension_id)
        .join(AccountRow, AccountRow.id == upwards.c.account_id)
        .where(
            or_(
                AccountRow.status == "suspended",
                AccountRow.expires <= bindparam("now"),
                AccountRow.deleted.is_not(None),
            )
        )
    )
    of_caller_id = or_(
        CallerIdRow.enabled.is_(False),
        CallerIdRow.expires <= bindparam("now"),
        CallerIdRow.deleted.is_not(None),
    )
    return Prepared(
        select(SessionRow.id, SessionRow.extension_id, SessionRow.caller_id)
        .outerjoin(CallerIdRow, CallerIdRow.id == SessionRow.caller_id)
        .where(open_ones, or_(SessionRow.extension_id.in_(below), of_caller_id))
    )


_DOUBTFUL = _doubtful()


class Supervision:
    """Of the sessions of one node."""

    def __init__(
        self, services: Services, any_open: Callable[[], bool], hand: Callable[[str, End], bool]
    ) -> None:
        """`any_open` says whether there is anything to look at; `hand` puts an order before the
        session of an id, if it is here."""
        self._services = services
        self._any_open = any_open
        self._hand = hand
        self._looking: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._looking = asyncio.get_running_loop().create_task(self._look_again_and_again())

    def stop(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    async def look(self) -> None:
        """End what uses anything that is out of use now. Raises StoreError."""
        if not self._any_open():
            return
        now = self._services.clock.now()
        for session, found in await self._services.store.read(lambda tx: out_of_use(tx, now)):
            self._hand(session, End(FoundOutOfUse.by(found)))

    async def _look_again_and_again(self) -> None:
        clock = self._services.clock
        while True:
            await clock.sleep_until(clock.now() + LOOK_SECONDS)
            try:
                await self.look()
            except StoreError:
                pass  # the heartbeat tells of it


def out_of_use(tx: Connection, now: Instant) -> list[tuple[str, OutOfUse]]:
    """The ids of the open sessions that use what is out of use, each with that."""
    judged = ((row.id, _judge(tx, row, now)) for row in _DOUBTFUL.rows(tx, now=now))
    return [(session, found) for session, found in judged if found is not None]


def _judge(tx: Connection, session: Any, now: Instant) -> OutOfUse | None:
    chain = levels.of_account(tx, session.extension_id)
    found = standing.of_extension(chain, now)
    if found is not None or session.caller_id is None:
        return found
    caller_id = tree.load_caller_id(tx, session.caller_id)
    return standing.of_caller_id(caller_id, chain[0].time_zone, now)
