"""A callerID's credit when it is deleted: taken off at once, or when its last call is settled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import pytest
from sqlalchemy import Connection, select
from tests.charging import helpers

from ringback.charging import ledger
from ringback.charging.holds import Hold, Post
from ringback.charging.ledger import RechargeRefused
from ringback.charging.rating import Rate
from ringback.charging.statement import statement
from ringback.store import Store
from ringback.store.models import LedgerAccountRow

T = TypeVar("T")
NOW = helpers.NOW
ID = "credit"
RATE = Rate("44", Decimal(0), 60, Decimal(1), 60, Decimal(1))


def do(store: Store, work: Callable[[Connection], T]) -> T:
    return asyncio.run(store.run(work))


@pytest.fixture(autouse=True)
def credit(store: Store) -> None:
    do(store, lambda tx: ledger.open_empty(tx, [ID], "extension"))


def recharge(store: Store, amount: Decimal | None, order: str) -> None:
    do(store, lambda tx: ledger.recharge(tx, ID, amount, order, NOW))


def reserve(store: Store, leg: str, total: str) -> None:
    hold = Hold(leg, ID, "+447700900123", Decimal(total), RATE)
    assert do(store, lambda tx: ledger.reserve(tx, [hold])) is None


def settle(store: Store, leg: str, price: str, *, answered: bool = True) -> None:
    post = Post(leg, ID, "+447700900123", answered, Decimal(price), 60, "x")
    do(store, lambda tx: ledger.settle(tx, [post], NOW))


def close(store: Store) -> Decimal:
    return do(store, lambda tx: ledger.close(tx, ID, NOW, who="tom"))


def entries(store: Store) -> list[tuple[str, Decimal, Decimal]]:
    """Kind, amount and balance of each; that they sum to the balance is checked by the way."""
    found = asyncio.run(store.read(lambda tx: statement(tx, ID)))
    return [(each.kind, each.amount, each.balance) for each in found.entries]


def test_what_is_left_is_taken_off(store: Store) -> None:
    recharge(store, Decimal("5.25"), "A-1")
    assert close(store) == Decimal("5.25")
    assert entries(store) == [
        ("payment", Decimal("5.25"), Decimal("5.25")),
        ("closed", Decimal("-5.25"), Decimal(0)),
    ]
    query = select(LedgerAccountRow.holder_id, LedgerAccountRow.closed)
    assert tuple(do(store, lambda tx: tx.execute(query).one())) == (None, NOW)


def test_of_nothing_there_is_no_entry(store: Store) -> None:
    assert close(store) == 0
    assert entries(store) == []


def test_what_is_reserved_stays_until_it_is_settled(store: Store) -> None:
    do(store, lambda tx: helpers.leg(tx, "first"))
    recharge(store, Decimal(5), "A-1")
    reserve(store, "first", "2")
    reserve(store, "second", "1")
    assert close(store) == Decimal(2)
    settle(store, "first", "0.5")
    assert entries(store)[2:] == [
        ("call", Decimal("-0.5"), Decimal("2.5")),
        ("closed", Decimal("-1.5"), Decimal(1)),
    ]
    settle(store, "second", "0", answered=False)
    assert entries(store)[4:] == [("closed", Decimal(-1), Decimal(0))]
    settle(store, "second", "0", answered=False)
    assert len(entries(store)) == 5


def test_unlimited_credit_ends(store: Store) -> None:
    recharge(store, Decimal(3), "A-1")
    recharge(store, None, "U-1")
    do(store, lambda tx: helpers.leg(tx, "first"))
    reserve(store, "first", "2")
    assert close(store) == Decimal(3)
    hold = Hold("first", ID, "+447700900123", Decimal(4), RATE)
    assert do(store, lambda tx: ledger.reserve(tx, [hold])) is not None
    settle(store, "first", "2")
    assert do(store, lambda tx: ledger.balance(tx, ID)).balance == 0


def test_nothing_can_be_put_in_any_more(store: Store) -> None:
    recharge(store, Decimal(5), "A-1")
    close(store)
    with pytest.raises(RechargeRefused, match="deleted"):
        recharge(store, Decimal(1), "A-2")
    recharge(store, Decimal(5), "A-1")  # it was entered: the answer is the same again


def test_the_sum_of_recharges(store: Store) -> None:
    do(store, lambda tx: helpers.leg(tx, "first"))
    recharge(store, Decimal(5), "A-1")
    recharge(store, Decimal("-1.5"), "A-2")
    reserve(store, "first", "1")
    settle(store, "first", "1")
    assert do(store, lambda tx: ledger.recharged(tx, [ID, "other"])) == {ID: Decimal("3.5")}
