"""The sign of life that a node writes every second: what its sessions are charged to at least,
should it die."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from ringback.calls import records
from ringback.calls.services import Services
from ringback.store import StoreError

HEARTBEAT_SECONDS = 1.0


class Heartbeat:
    """Of one node."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Write the first, and from then on one every second. Raises StoreError."""
        await self._sign_of_life()
        self._beating = asyncio.get_running_loop().create_task(self._beat())

    def stop(self) -> None:
        if self._beating is not None:
            self._beating.cancel()

    async def _beat(self) -> None:
        clock, journal = self._services.clock, self._services.journal
        failing = False
        while True:
            await clock.sleep_until(clock.now() + HEARTBEAT_SECONDS)
            if (line := self._services.unproven.due(clock.now())) is not None:
                journal.trouble(None, line)
            try:
                await self._sign_of_life()
            except StoreError as error:
                if not failing:
                    journal.trouble(
                        None,
                        "nothing can be written: triggers are refused with 503, no call is "
                        f"dialled, live calls last as long as what is reserved for them: {error}",
                    )
                failing = True
            else:
                if failing:
                    journal.trouble(None, "the database takes what is written again")
                failing = False

    async def _sign_of_life(self) -> None:
        services, now = self._services, self._services.clock.now()
        counted = services.refusals.take_counted()

        def work(tx: Connection) -> None:
            records.sign_of_life(tx, services.node, now)
            records.refusals_counted(tx, counted)

        try:
            await services.store.run(work)
        except StoreError:
            services.refusals.give_back(counted)
            raise
