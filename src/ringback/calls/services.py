"""What sessions need from the world, handed to them once."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from ringback.accounts.secrets import Secrets
from ringback.calls.inbox import Inbox
from ringback.calls.journal import Journal
from ringback.calls.refusals import Refusals
from ringback.calls.ringing import Ringing
from ringback.clock import Clock
from ringback.guards.limits import Limits
from ringback.sounds.library import SoundLibrary
from ringback.store import Store
from ringback.telephony.port import Engine
from ringback.telephony.trunks import TrunkSource


@dataclass(frozen=True, slots=True)
class Services:
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
    ringing: Ringing = field(default_factory=Ringing)
    waiting: dict[str, Inbox] = field(default_factory=dict)
    """Where a session waits for its time to begin: for the proof of its trigger, or for the end of
    an attempt from before a crash (`requests`)."""
