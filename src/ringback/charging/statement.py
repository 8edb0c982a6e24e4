"""Statements: what a balance was, every change of it, and what it was then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, bindparam, func, select

from ringback.amounts import ZERO, format_amount
from ringback.charging import ledger
from ringback.clock import Instant
from ringback.store.models import LedgerEntry


class BooksDisagree(Exception):
    """A fault of Ringback's own: the entries of a balance do not sum to it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a balance."""

    at: Instant
    kind: str
    """One of opening, recharge, call."""
    amount: Decimal
    """Negative for a charge."""
    price: Decimal | None
    """Of a call what it cost, of a recharge what was asked for (see `LedgerEntry`)."""
    balance: Decimal
    """After it."""
    who: str | None
    explanation: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A balance over a period, from `since` to before `until`; None: without that end."""

    since: Instant | None
    until: Instant | None
    opening: Decimal
    entries: Sequence[Entry]
    closing: Decimal


_SUM = select(func.sum(LedgerEntry.amount)).where(LedgerEntry.ledger_id == bindparam("ledger_id"))
_ENTRIES = (
    select(LedgerEntry.__table__)
    .where(LedgerEntry.ledger_id == bindparam("ledger_id"))
    .order_by(LedgerEntry.at, LedgerEntry.id)
)


def statement(
    tx: Connection, ledger_id: str, since: Instant | None = None, until: Instant | None = None
) -> Statement:
    """The statement of a ledger account. All is read in one view of the database, so it is for
    `Store.read`. Raises BooksDisagree; KeyError where there is no such ledger account."""
    ledger_of = {"ledger_id": ledger_id}
    query, opening, later = _ENTRIES, ZERO, ZERO
    if since is not None:
        query = query.where(LedgerEntry.at >= since)
        opening = tx.execute(_SUM.where(LedgerEntry.at < since), ledger_of).scalar() or ZERO
    if until is not None:
        query = query.where(LedgerEntry.at < until)
        later = tx.execute(_SUM.where(LedgerEntry.at >= until), ledger_of).scalar() or ZERO
    balance, entries = opening, []
    for row in tx.execute(query, ledger_of).mappings():
        balance += row["amount"]
        entries.append(
            Entry(
                at=row["at"],
                kind=row["kind"],
                amount=row["amount"],
                price=row["price"],
                balance=balance,
                who=row["who"],
                explanation=row["explanation"],
            )
        )
    held = ledger.balance(tx, ledger_id).balance
    if balance + later != held:
        raise BooksDisagree(
            f"the entries of ledger account {ledger_id} sum to {format_amount(balance + later)}, "
            f"its balance is {format_amount(held)}: keep the database as it is, and report this"
        )
    return Statement(since, until, opening, entries, balance)
