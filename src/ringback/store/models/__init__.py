"""The tables.

Ids are UUIDv7 texts unless a table says otherwise. Money is whole millionths, instants are whole
microseconds (see `types`). Nothing but `ringback.charging.ledger` writes the ledger tables.
"""

from __future__ import annotations

from ringback.store.models.accounts import AccessNumber, Account, CallerId, Extension, Sound
from ringback.store.models.base import Base
from ringback.store.models.charging import (
    Allowance,
    Charge,
    Deck,
    LedgerAccount,
    LedgerEntry,
    Plan,
    Rate,
    Reservation,
)
from ringback.store.models.sessions import Event, Heartbeat, Leg, Lock, Session, Setting

__all__ = [
    "AccessNumber",
    "Account",
    "Allowance",
    "Base",
    "CallerId",
    "Charge",
    "Deck",
    "Event",
    "Extension",
    "Heartbeat",
    "LedgerAccount",
    "LedgerEntry",
    "Leg",
    "Lock",
    "Plan",
    "Rate",
    "Reservation",
    "Session",
    "Setting",
    "Sound",
]
