"""What is reserved beside whatever a session is doing: the next slice, and less of a credit that
is unlimited no more.

One after the other: a step of the meter is worked out from what is held, so that two must never
be under way at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection

from ringback.calls.services import Services
from ringback.charging import ledger
from ringback.charging.meter import Meter, Step
from ringback.store import StoreError

NOTICE_SECONDS = 0.25
"""A block that begins so soon counts as begun: the BYE could not leave before it does."""


class Slices:
    """The reservations of one session that nobody waits for."""

    def __init__(
        self, services: Services, session: str, meter: Meter, doubt: Callable[[], None]
    ) -> None:
        """`doubt` is called when a commit that took something off failed, and may have been kept
        all the same."""
        self._services = services
        self._session = session
        self._meter = meter
        self._doubt = doubt
        self._latest: asyncio.Task[None] | None = None

    def reserve(self, done: Callable[[], None]) -> None:
        """Reserve the next slice with every payer, or find that there is nothing more."""
        self._then(self._reserve, done)

    def curtail(self, done: Callable[[], None]) -> None:
        """A credit has changed: whoever was unlimited and is no more pays no block that has not
        begun (spec section 6, "Credit of a callerID")."""
        self._then(self._curtail, done)

    async def idle(self) -> None:
        """Wait until nothing is being reserved, so that the meter may be changed."""
        while self._latest is not None and not self._latest.done():
            await self._latest

    def _then(self, step: Callable[[], Awaitable[None]], done: Callable[[], None]) -> None:
        before = self._latest

        async def turn() -> None:
            if before is not None:
                await before
            await step()
            done()

        self._latest = asyncio.get_running_loop().create_task(turn())

    async def _reserve(self) -> None:
        def work(tx: Connection) -> Step:
            available = ledger.available(tx, self._meter.ledger_ids())
            step = self._meter.slice(available, ledger.free_left(tx, self._meter.allowances()))
            ledger.reserve(tx, step.holds)
            return step

        try:
            self._meter.applied(await self._services.store.run(work))
        except (StoreError, ledger.InsufficientCredit) as error:
            # Another call may have taken the money meanwhile; the watch looks once more.
            self._trouble(f"no slice reserved: {error}")

    async def _curtail(self) -> None:
        def work(tx: Connection) -> Step:
            at = self._services.clock.now() + NOTICE_SECONDS
            step = self._meter.curtail(ledger.revoked(tx, self._meter.leg_ids()), at)
            ledger.trim(tx, step.trims)
            return step

        try:
            self._meter.applied(await self._services.store.run(work))
        except StoreError as error:
            self._doubt()
            self._trouble(f"a change of credit was not looked at: {error}")

    def _trouble(self, what: str) -> None:
        self._services.journal.trouble(self._session, what)
