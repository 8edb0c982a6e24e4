"""The trunks and routes of a running server: those of the database, within two seconds of a change,
and at once when told of one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from ringback.clock import Clock
from ringback.sealing import Sealer
from ringback.store import Store, StoreError
from ringback.telephony.trunks import TrunkTable
from ringback.trunks.stored import (
    Stored,
    StoredTrunk,
    former_trunks,
    has_former,
    load,
    load_former,
    opened,
    sweep_former,
)

LOOK_SECONDS = 2.0
SWEEP_SECONDS = 60.0


class TrunkFollower:
    """Keeps a `TrunkTable` as the database has it. What cannot be read changes nothing."""

    def __init__(
        self, store: Store, sealer: Sealer, clock: Clock, report: Callable[[str], None]
    ) -> None:
        self.table = TrunkTable()
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._report = report
        self._seen: tuple[Stored, Sequence[StoredTrunk]] | None = None
        self._unread = False
        """It was told that the database cannot be read."""
        self._looking = asyncio.Lock()

    async def start(self) -> None:
        """Read them for the first time. Raises StoreError."""
        await self._follow()

    async def look(self) -> None:
        """See what has changed, and put it in force."""
        try:
            await self._follow()
        except StoreError as error:
            if not self._unread:
                self._report(f"trunks and routes cannot be read: {error}: they stay as they are")
            self._unread = True
        else:
            self._unread = False

    async def run(self) -> None:
        """Look every two seconds."""
        swept = self._clock.now()
        while True:
            await self._clock.sleep_until(self._clock.now() + LOOK_SECONDS)
            await self.look()
            if self._clock.now() - swept >= SWEEP_SECONDS:
                swept = self._clock.now()
                await self._sweep()

    async def _follow(self) -> None:
        async with self._looking:
            seen = await self._store.read(_all)
            if seen == self._seen:
                return
            self._seen = seen
            stored, former = seen
            now = opened(stored, self._sealer)
            self.table.replace(now.trunks, now.routes, former_trunks(former, self._sealer))
        for trouble in now.troubles:
            self._report(trouble)

    async def _sweep(self) -> None:
        now = self._clock.now()
        try:
            if await self._store.read(has_former):
                await self._store.run(lambda tx: sweep_former(tx, now))
        except StoreError:
            pass  # it is done a minute later


def _all(tx: Connection) -> tuple[Stored, Sequence[StoredTrunk]]:
    return load(tx), load_former(tx)
