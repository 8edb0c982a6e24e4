"""Statements: what a balance was, every change of it, and what it was then (spec section 9).

An entry names its leg by the reservation that it settled; session and number are read from there,
so that they go when people's numbers are taken out, and the entry stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from ringback.amounts import ZERO, format_amount
from ringback.charging import ledger
from ringback.clock import Instant
from ringback.store.models import LedgerEntryRow, LegRow, ReservationRow


class BooksDisagree(Exception):
    """A fault of Ringback's own: the entries of a balance do not sum to it."""


@dataclass(frozen=True, slots=True)
class ChargedLeg:
    """The call that was charged."""

    session: str
    leg: str
    """A or B."""
    number: str
    """Whom it was to, E.164."""


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One change of a balance."""

    at: Instant
    kind: str
    """`call`, or of a recharge its `RechargeKind`."""
    amount: Decimal
    """Negative for a charge."""
    price: Decimal | None
    """Of a call what it cost, of a recharge what was asked for (see `LedgerEntry`)."""
    balance: Decimal
    """After it."""
    who: str | None
    by_account_id: str | None
    """The account whose role allowed a recharge."""
    explanation: str
    order_number: str | None
    """Of a recharge."""
    note: str | None
    leg: ChargedLeg | None
    """Of a call."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A balance over a period, from `since` to before `until`; None: without that end."""

    since: Instant | None
    until: Instant | None
    opening: Decimal
    entries: Sequence[StatementEntry]
    closing: Decimal

    @property
    def totals(self) -> dict[str, Decimal]:
        """What the entries of each kind come to, in the order of recharges' kinds, calls last."""
        kinds = [*ledger.RechargeKind, ledger.CALL]
        amounts = {
            kind: [each.amount for each in self.entries if each.kind == kind] for kind in kinds
        }
        return {str(kind): sum(found, ZERO) for kind, found in amounts.items() if found}


_SUM = select(func.sum(LedgerEntryRow.amount)).where(
    LedgerEntryRow.ledger_id == bindparam("ledger_id")
)
_ENTRIES = (
    select(LedgerEntryRow.__table__, LegRow.session_id, LegRow.leg, LegRow.e164)
    .outerjoin(ReservationRow, ReservationRow.id == LedgerEntryRow.step)
    .outerjoin(LegRow, LegRow.id == ReservationRow.leg_id)
    .where(LedgerEntryRow.ledger_id == bindparam("ledger_id"))
    .order_by(LedgerEntryRow.at, LedgerEntryRow.id)
)


def statement(
    tx: Connection, ledger_id: str, since: Instant | None = None, until: Instant | None = None
) -> Statement:
    """The statement of a ledger account. All is read in one view of the database, so it is for
    `Store.read`. Raises BooksDisagree; KeyError where there is no such ledger account."""
    ledger_of = {"ledger_id": ledger_id}
    query, opening, later = _ENTRIES, ZERO, ZERO
    if since is not None:
        query = query.where(LedgerEntryRow.at >= since)
        opening = tx.execute(_SUM.where(LedgerEntryRow.at < since), ledger_of).scalar() or ZERO
    if until is not None:
        query = query.where(LedgerEntryRow.at < until)
        later = tx.execute(_SUM.where(LedgerEntryRow.at >= until), ledger_of).scalar() or ZERO
    balance, entries = opening, []
    for row in tx.execute(query, ledger_of):
        balance += row.amount
        entries.append(_entry(row, balance))
    held = ledger.balance(tx, ledger_id).balance
    if balance + later != held:
        raise BooksDisagree(
            f"the entries of ledger account {ledger_id} sum to {format_amount(balance + later)}, "
            f"its balance is {format_amount(held)}: keep the database as it is, and report this"
        )
    return Statement(since, until, opening, entries, balance)


def _entry(row: Any, balance: Decimal) -> StatementEntry:
    charged = row.session_id is not None
    return StatementEntry(
        at=row.at,
        kind=row.kind,
        amount=row.amount,
        price=row.price,
        balance=balance,
        who=row.who,
        by_account_id=row.by_account_id,
        explanation=row.explanation,
        order_number=ledger.order_of(row.step),
        note=row.note,
        leg=ChargedLeg(row.session_id, row.leg, row.e164) if charged else None,
    )
