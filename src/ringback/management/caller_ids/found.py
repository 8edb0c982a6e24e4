"""CallerIDs as people see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from ringback.accounts import lockout
from ringback.amounts import ZERO, format_amount
from ringback.charging import ledger
from ringback.clock import Instant, utc
from ringback.management import places
from ringback.management.caller_ids.rows import FoundRow, row_of
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.store.models import LedgerAccountRow

CREDIT = (
    LedgerAccountRow.balance,
    LedgerAccountRow.reserved,
    LedgerAccountRow.unlimited,
)
"""The columns that a `Credit` is made of."""


@dataclass(frozen=True, slots=True)
class Credit:
    """A callerID's credit (spec section 6)."""

    total: Decimal
    """The sum of its recharges."""
    balance: Decimal
    available: Decimal
    """The balance without what is reserved for live calls."""
    unlimited: bool

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "total": format_amount(self.total),
            "balance": format_amount(self.balance),
            "available": None if self.unlimited else format_amount(self.available),
            "unlimited": self.unlimited,
        }


@dataclass(frozen=True, slots=True)
class CallerId:
    """An authorized callerID."""

    id: str
    extension_id: str
    extension: str
    """Its path, as far as the reader sees it."""
    number: str
    name: str | None
    reference: str | None
    note: str | None
    enabled: bool
    expires: Instant | None
    language: str | None
    speed_dials: Mapping[str, str]
    low_credit: Decimal | None
    guards: Mapping[str, Any]
    destinations: Mapping[str, Any]
    pin_set: bool
    credit: Credit

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        low, expires = self.low_credit, self.expires
        return {
            "id": self.id,
            "extension": self.extension,
            "number": self.number,
            "name": self.name,
            "reference": self.reference,
            "note": self.note,
            "enabled": self.enabled,
            "expires": None if expires is None else utc(expires).isoformat(timespec="seconds"),
            "pin_set": self.pin_set,
            "language": self.language,
            "speed_dials": dict(self.speed_dials),
            "low_credit": None if low is None else format_amount(low),
            "guards": dict(self.guards),
            "destinations": dict(self.destinations),
            "credit": self.credit.document(),
        }


@dataclass(frozen=True, slots=True)
class Locked:
    """A lock-out that holds now."""

    what: str
    """`pin`, `claims` or `password`."""
    until: Instant


@dataclass(frozen=True, slots=True)
class Whole:
    """One callerID, with what locks it."""

    caller_id: CallerId
    locks: Sequence[Locked]

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        locks = [
            {"what": lock.what, "until": utc(lock.until).isoformat(timespec="seconds")}
            for lock in self.locks
        ]
        return {**self.caller_id.document(), "locks": locks}


def seen(act: Act, rows: Sequence[FoundRow]) -> list[CallerId]:
    """The callerIDs of rows that have the columns of `CREDIT`, too."""
    totals = ledger.recharged(act.tx, [row["ledger_id"] for row in rows])
    sight = Sight(act.tx, act.actor, [row["extension_id"] for row in rows])
    return [_seen(row, totals.get(row["ledger_id"], ZERO), sight) for row in rows]


def _seen(row: FoundRow, total: Decimal, sight: Sight) -> CallerId:
    balance = row["balance"]
    return CallerId(
        id=row["id"],
        extension_id=row["extension_id"],
        extension=sight.path(row["extension_id"]),
        number=row["number"],
        name=row["name"],
        reference=row["reference"],
        note=row["note"],
        enabled=row["enabled"],
        expires=row["expires"],
        language=row["language"],
        speed_dials=row["speed_dials"],
        low_credit=row["low_credit"],
        guards=row["guards"],
        destinations=row["destinations"],
        pin_set=row["pin_mac"] is not None,
        credit=Credit(total, balance, balance - row["reserved"], row["unlimited"]),
    )


@read("caller_id.get", Kind.CALLER_ID, Need(Right.SEE_CREDIT), at=places.of_caller_id)
def get(act: Act, place: Place) -> Whole:
    """One callerID."""
    row = row_of(act.tx, act.subject)
    query = select(*CREDIT).where(LedgerAccountRow.id == row["ledger_id"])
    (caller_id,) = seen(act, [{**row, **act.tx.execute(query).mappings().one()}])
    return Whole(caller_id, locks_of(act, row))


def lock_keys(row: FoundRow) -> dict[str, str]:
    """What may be locked of a callerID, by the key of its lock."""
    return {
        lockout.pin_key(row["id"]): "pin",
        lockout.claim_key(row["id"]): "claims",
        lockout.password_key(row["extension_id"], row["number"]): "password",
    }


def locks_of(act: Act, row: FoundRow) -> list[Locked]:
    """The locks that hold now."""
    keys = lock_keys(row)
    found = lockout.load(act.tx, list(keys))
    return [
        Locked(keys[key], lock.until)
        for key, lock in found.items()
        if lock.until is not None and lock.locked(act.now)
    ]
