"""What sessions need from the world, handed to them once."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

from ringback.accounts.secrets import Secrets
from ringback.calls.chronicle import Chronicle
from ringback.calls.inbox import Inbox
from ringback.calls.journal import Journal
from ringback.calls.refusals import Refusals
from ringback.calls.triggering import TriggeringNumbers
from ringback.calls.unproven import UnprovenRefusals
from ringback.clock import Clock
from ringback.guards.limits import Limits
from ringback.sounds.library import SoundLibrary
from ringback.store import Store
from ringback.telephony.port import Engine
from ringback.telephony.trunks import TrunkSource

MOST_DECIDED_AT_ONCE = 32
"""Units of work that unproven triggers have with the store at a time, which does all that wait in
one transaction: what live calls write must not wait for that of thousands of forged ones."""


@dataclass(frozen=True, slots=True)
class Services:
    node: str
    clock: Clock
    chance: random.Random
    """`random.SystemRandom()` in production, a seeded one in simulations."""
    store: Store
    engine: Engine
    sounds: SoundLibrary
    secrets: Secrets
    journal: Journal
    trunks: TrunkSource
    """It may change between any two units of work."""
    guards: Limits
    currency: str
    refusals: Refusals = field(default_factory=Refusals)
    unproven: UnprovenRefusals = field(default_factory=UnprovenRefusals)
    deciding: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(MOST_DECIDED_AT_ONCE)
    )
    """Held while a trigger is decided on whose source is not proven."""
    triggering: TriggeringNumbers = field(default_factory=TriggeringNumbers)
    waiting: dict[str, Inbox] = field(default_factory=dict)
    """Where a session waits for its time to begin: for the proof of its trigger, or for the end of
    an attempt from before a crash (`requests`)."""

    def chronicle(self, session: str, *, first: int = 0) -> Chronicle:
        """The events of a session; `first` as for `Chronicle`."""
        return Chronicle(session, self.clock, self.journal, self.store, self.node, first=first)
