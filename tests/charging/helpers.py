"""A small world to charge in, and shorthands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import Connection, insert, select

from ringback.charging import decks, ledger
from ringback.charging.holds import Hold, Post
from ringback.charging.payers import PayerRate
from ringback.charging.rating import Rate, charge_of_blocks
from ringback.store import models

T = TypeVar("T")
NOW = 1_800_000_000.0


def rate(
    prefix: str = "44",
    setup: str = "0",
    first_block: int = 60,
    first_price: str | None = "0.02",
    next_block: int = 10,
    price_per_minute: str = "0.02",
    valid_from: float | None = None,
    valid_to: float | None = None,
) -> Rate:
    return Rate(
        prefix,
        Decimal(setup),
        first_block,
        None if first_price is None else Decimal(first_price),
        next_block,
        Decimal(price_per_minute),
        valid_from,
        valid_to,
    )


CENT = rate(first_price="0.01", first_block=1, next_block=1, price_per_minute="0.60")
"""0.01 for every second begun."""


def hold(blocks: int, leg_id: str = "a", ledger_id: str = "x", tariff: Rate = CENT) -> Hold:
    return Hold(leg_id, ledger_id, f"payer {ledger_id}", tariff.price(blocks), tariff)


def post(blocks: int, leg_id: str = "a", ledger_id: str = "x", tariff: Rate = CENT) -> Post:
    charged = charge_of_blocks(tariff, blocks)
    return Post(
        leg_id,
        ledger_id,
        f"payer {ledger_id}",
        True,
        charged.amount,
        charged.billed_seconds,
        charged.explanation,
    )


def release(leg_id: str = "a", ledger_id: str = "x") -> Post:
    return Post(leg_id, ledger_id, f"payer {ledger_id}", False)


def payer(ledger_id: str, tariff: Rate) -> PayerRate:
    return PayerRate(ledger_id, f"payer {ledger_id}", f"plan of {ledger_id}", tariff)


def account(
    tx: Connection,
    name: str,
    parent: str | None = None,
    plan: str | None = None,
    level: str = "user",
    balance: str = "0",
) -> None:
    """An account whose id is its name and whose ledger account is `ledger-{name}`."""
    ledger.open_account(tx, f"ledger-{name}", NOW, balance=Decimal(balance))
    tx.execute(
        insert(models.AccountRow),
        {
            "id": name,
            "parent_id": parent,
            "level": level,
            "name": name,
            "contact_name": name,
            "plan_id": plan,
            "ledger_id": f"ledger-{name}",
        },
    )


def plan(
    tx: Connection,
    name: str,
    owner: str,
    *rates: Rate,
    special: tuple[str, ...] = (),
    minutes: Mapping[str, int] | None = None,
) -> None:
    """A prepaid plan whose id is its name."""
    tx.execute(
        insert(models.PlanRow),
        {
            "id": name,
            "account_id": owner,
            "name": name,
            "kind": "prepaid",
            "limit": Decimal(0),
            "special_prefixes": list(special),
            "packages": [
                {"prefix": prefix, "minutes": given} for prefix, given in (minutes or {}).items()
            ],
        },
    )
    deck = f"deck of {name}"
    decks.begin(tx, deck, name, "test", NOW)
    decks.put(tx, deck, decks.rows(deck, rates))
    decks.switch(tx, deck, name)


def extension(tx: Connection, name: str, owner: str) -> None:
    account(tx, name, owner, level="extension")
    tx.execute(insert(models.ExtensionRow), {"id": name, "callback": {}})


def caller_id(tx: Connection, number: str, of: str) -> None:
    """A callerID whose id is its number and whose ledger account is `ledger-{number}`."""
    ledger.open_account(tx, f"ledger-{number}", NOW)
    tx.execute(
        insert(models.CallerIdRow),
        {
            "id": number,
            "extension_id": of,
            "number": number,
            "enabled": True,
            "speed_dials": {},
            "ledger_id": f"ledger-{number}",
        },
    )


def leg(tx: Connection, leg_id: str, role: str = "A", number: str = "+1") -> None:
    """A leg that may be charged, with the session it needs."""
    session = f"session of {leg_id}"
    tx.execute(
        insert(models.SessionRow),
        {
            "id": session,
            "stage": "trigger",
            "started": NOW,
            "proven": True,
            "attempts": 0,
            "repeated": 0,
        },
    )
    tx.execute(
        insert(models.LegRow),
        {
            "id": leg_id,
            "session_id": session,
            "leg": role,
            "received": number,
            "e164": number,
            "dialled": number,
            "trunk": "phones",
            "started": NOW,
            "saved": "",
        },
    )


def check_books(tx: Connection) -> None:
    """What must hold of every ledger account at any time."""
    for row in tx.execute(select(models.LedgerAccountRow.__table__)):
        entries = tx.execute(
            select(models.LedgerEntryRow.amount, models.LedgerEntryRow.balance_after)
            .where(models.LedgerEntryRow.ledger_id == row.id)
            .order_by(models.LedgerEntryRow.id)
        ).all()
        total = Decimal(0)
        for entry in entries:
            total += entry.amount
            assert entry.balance_after == total
        assert total == row.balance
        held = tx.execute(
            select(models.ReservationRow.amount).where(
                models.ReservationRow.ledger_id == row.id, ~models.ReservationRow.settled
            )
        ).scalars()
        assert sum(held, Decimal(0)) == row.reserved
        assert row.unlimited or row.balance + row.credit_limit - row.reserved >= 0
        assert not (row.unlimited and row.reserved)


Work = Callable[[Connection], T]
