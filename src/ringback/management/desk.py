"""The desk: where the faces hand in what somebody wants done, a unit of work each."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from ringback.accounts.secrets import Secrets
from ringback.clock import Instant
from ringback.management.actor import Actor, acting_for
from ringback.management.verbs import Act
from ringback.store import Store

T = TypeVar("T")
Identity = Callable[[Connection, Instant], Actor]
"""Tells who acts, in the unit of work itself, so that nobody has more rights than now."""


class Desk:
    """Runs verbs and reads on a store."""

    def __init__(
        self, store: Store, secrets: Secrets, now: Callable[[], Instant], chance: random.Random
    ) -> None:
        """In production `chance` is `random.SystemRandom()`."""
        self._store = store
        self._secrets = secrets
        self._now = now
        self._chance = chance

    async def run(self, who: Identity, deed: Callable[[Act], T], *, view: str | None = None) -> T:
        """Do a verb: `desk.run(who, lambda act: invite(act, account_id, ...))`. `view` is the id of
        the account acted for. Raises NotSignedIn, NotFound, Forbidden, Faults, StoreError, and what
        the verb raises."""
        return await self._store.run(lambda tx: deed(self._act(tx, who, view)))

    async def read(self, who: Identity, deed: Callable[[Act], T], *, view: str | None = None) -> T:
        """Do a read, likewise."""
        return await self._store.read(lambda tx: deed(self._act(tx, who, view)))

    def _act(self, tx: Connection, who: Identity, view: str | None) -> Act:
        now = self._now()
        actor = who(tx, now)
        if view is not None:
            actor = acting_for(tx, actor, view)
        return Act(tx, actor, now, self._chance, self._secrets)
