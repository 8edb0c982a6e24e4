"""Statements agree with the balance."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, update
from tests.charging.helpers import NOW, leg, rate

from ringback.charging import ledger
from ringback.charging.holds import Hold, Post
from ringback.charging.statement import BooksDisagree, statement
from ringback.store import InlineStore, Store, models


def books(tx: Connection) -> None:
    """Opened with 10 at NOW, recharged by 5 at NOW + 10, charged 0.05 for a call at NOW + 20,
    2.50 taken out at NOW + 30."""
    ledger.open_account(tx, "x", NOW, balance=Decimal(10), who="setup")
    ledger.recharge(tx, "x", Decimal(5), "A-1", NOW + 10, who="anna")
    leg(tx, "leg")
    tariff = rate(first_price="0.05")
    ledger.reserve(tx, [Hold("leg", "x", "x", tariff.price(0), tariff)])
    ledger.settle(tx, [Post("leg", "x", "x", True, Decimal("0.05"), 60, "+44…")], NOW + 20)
    ledger.recharge(tx, "x", Decimal("-2.50"), "A-2", NOW + 30)


@pytest.fixture
def kept(store: Store) -> Store:
    asyncio.run(store.run(books))
    return store


def test_everything(kept: Store) -> None:
    found = asyncio.run(kept.read(lambda tx: statement(tx, "x")))
    assert (found.opening, found.closing) == (Decimal(0), Decimal("12.45"))
    assert [(each.kind, each.amount, each.balance) for each in found.entries] == [
        ("opening", Decimal(10), Decimal(10)),
        ("payment", Decimal(5), Decimal(15)),
        ("call", Decimal("-0.05"), Decimal("14.95")),
        ("payment", Decimal("-2.50"), Decimal("12.45")),
    ]
    assert [each.who for each in found.entries] == ["setup", "anna", None, None]
    assert found.entries[2].price == Decimal("0.05")


@pytest.mark.parametrize(
    ("since", "until", "opening", "kinds", "closing"),
    [
        (10, 30, "10", ["payment", "call"], "14.95"),  # from inclusive, to exclusive
        (11, None, "15", ["call", "payment"], "12.45"),
        (None, 0, "0", [], "0"),
        (40, 50, "12.45", [], "12.45"),
        (-5, 5, "0", ["opening"], "10"),
        (20, 20, "15", [], "15"),
    ],
)
def test_a_period(
    kept: Store,
    since: float | None,
    until: float | None,
    opening: str,
    kinds: list[str],
    closing: str,
) -> None:
    begin, end = (None if each is None else NOW + each for each in (since, until))
    found = asyncio.run(kept.read(lambda tx: statement(tx, "x", begin, end)))
    assert (found.opening, found.closing) == (Decimal(opening), Decimal(closing))
    assert [each.kind for each in found.entries] == kinds


amounts = st.integers(1, 10**9).map(lambda millionths: Decimal(millionths) / 10**6)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(amounts, st.integers(0, 9)), max_size=12), st.integers(0, 9))
def test_one_period_closes_as_the_next_opens(
    recharges: list[tuple[Decimal, int]], border: int
) -> None:
    """Though entries may have been made in another order than their instants have."""

    def work(tx: Connection) -> None:
        ledger.open_account(tx, "x", NOW)
        for order, (amount, at) in enumerate(recharges):
            ledger.recharge(tx, "x", amount, str(order), NOW + at)
        before = statement(tx, "x", None, NOW + border)
        after = statement(tx, "x", NOW + border, None)
        assert before.opening == 0
        assert (
            before.closing
            == after.opening
            == sum(amount for amount, at in recharges if at < border)
        )
        assert after.closing == ledger.balance(tx, "x").balance
        for part in (before, after):
            assert part.opening + sum(each.amount for each in part.entries) == part.closing
            assert [each.at for each in part.entries] == sorted(each.at for each in part.entries)
            assert not part.entries or part.entries[-1].balance == part.closing

    asyncio.run(InlineStore().run(work))


@pytest.mark.parametrize(
    "period", [(None, None), (None, NOW), (NOW + 15, NOW + 25), (NOW + 99, None)]
)
def test_books_that_do_not_agree_are_no_statement(
    kept: Store, period: tuple[float | None, float | None]
) -> None:
    account = models.LedgerAccount
    asyncio.run(kept.run(lambda tx: tx.execute(update(account).values(balance=Decimal("12.46")))))
    with pytest.raises(BooksDisagree, match=r"sum to 12\.45, its balance is 12\.46"):
        asyncio.run(kept.read(lambda tx: statement(tx, "x", *period)))
