"""What a ledger account holds, and the entry of each change of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import Connection, Integer, bindparam, func, insert, select, text, type_coerce

from ringback.amounts import LARGEST, from_millionths
from ringback.clock import Instant
from ringback.store import models
from ringback.store.prepared import Prepared

UNLIMITED = Decimal("Infinity")
"""What is available of an unlimited credit."""

CALL = "call"
"""The kind of an entry that charges a leg."""


class RechargeKind(StrEnum):
    """Why money was put in or taken out."""

    PAYMENT = "payment"
    GIFT = "gift"
    REFUND = "refund"
    CORRECTION = "correction"
    OPENING = "opening"
    """What there was at the beginning."""
    CLOSED = "closed"
    """What was left, taken off with the callerID."""


_A, _E = models.LedgerAccountRow, models.LedgerEntryRow

_BALANCES = (
    select(_A.id, _A.balance, _A.reserved, _A.credit_limit, _A.unlimited, _A.closed)
    .where(_A.id.in_(bindparam("ids", expanding=True)))
    .order_by(_A.id)
)
_READ, _LOCKED = Prepared(_BALANCES), Prepared(_BALANCES.with_for_update())
"""In the order of ids, so that two that lock several do not lock each other out. SQLite has one
writer at a time, and no such clause."""
_SUMS = Prepared(
    select(_E.ledger_id, type_coerce(func.sum(_E.amount), Integer).label("total"))
    .where(_E.ledger_id.in_(bindparam("ledger_ids", expanding=True)), text("kind <> 'call'"))
    .group_by(_E.ledger_id)
)
_ENTER = Prepared(insert(models.LedgerEntryRow).inline())


@dataclass(frozen=True, slots=True)
class Balance:
    """A ledger account."""

    balance: Decimal
    reserved: Decimal
    credit_limit: Decimal
    unlimited: bool
    closed: Instant | None = None
    """When it was taken out of use."""

    @property
    def available(self) -> Decimal:
        """What can still be reserved, at most the largest amount; UNLIMITED without a limit."""
        if self.unlimited:
            return UNLIMITED
        return min(LARGEST, self.balance + self.credit_limit - self.reserved)

    @property
    def spendable(self) -> Decimal:
        """What is left while nothing is taken off for what is reserved for calls under way."""
        return UNLIMITED if self.unlimited else self.balance + self.credit_limit


def balance(tx: Connection, ledger_id: str, *, lock: bool = False) -> Balance:
    """One ledger account. Raises KeyError where there is none. `lock` as for `balances`."""
    return balances(tx, [ledger_id], lock=lock)[ledger_id]


def available(tx: Connection, ledger_ids: Iterable[str]) -> dict[str, Decimal]:
    """What can still be reserved with each; UNLIMITED without a limit."""
    return {id_: found.available for id_, found in balances(tx, ledger_ids).items()}


def balances(
    tx: Connection, ledger_ids: Iterable[str], *, lock: bool = False
) -> dict[str, Balance]:
    """Those of the ledger accounts that there are. `lock`: nobody else changes them until the unit
    of work is committed, for who decides by what they hold."""
    rows = (_LOCKED if lock else _READ).rows(tx, ids=list(ledger_ids))
    return {
        row.id: Balance(row.balance, row.reserved, row.credit_limit, row.unlimited, row.closed)
        for row in rows
    }


def recharged(tx: Connection, ledger_ids: Iterable[str]) -> dict[str, Decimal]:
    """The sum of the recharges of each ledger account that has any."""
    found = _SUMS.rows(tx, ledger_ids=list(ledger_ids))
    return {row.ledger_id: from_millionths(int(row.total)) for row in found}


def enter(
    tx: Connection,
    ledger_id: str,
    step: str,
    kind: str,
    amount: Decimal,
    price: Decimal | None,
    balance_after: Decimal,
    at: Instant,
    who: str | None,
    explanation: str,
    note: str | None = None,
    by_account_id: str | None = None,
) -> None:
    """Write down one change of a balance: `step` is its id, `price` as in `LedgerEntry`."""
    _ENTER.run(
        tx,
        ledger_id=ledger_id,
        step=step,
        kind=kind,
        amount=amount,
        price=price,
        balance_after=balance_after,
        at=at,
        who=who,
        by_account_id=by_account_id,
        explanation=explanation,
        note=note,
    )
