"""Statements agree with the balance."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select, update
from tests.charging.helpers import NOW, leg, rate

from ringback.charging import ledger
from ringback.charging.holds import Hold, Post
from ringback.charging.rating import charge
from ringback.charging.statement import BooksDisagree, ChargedLeg, statement
from ringback.store import InlineStore, Store, models

NUMBER, CALLER = "+442079460000", "+447700900123"


def books(tx: Connection) -> None:
    """Opened with 10 at NOW, recharged by 5 at NOW + 10, charged 0.05 for a call at NOW + 20,
    2.50 taken out at NOW + 30."""
    ledger.open_account(tx, "x", NOW, balance=Decimal(10), who="setup")
    gift = ledger.RechargeKind.GIFT
    ledger.recharge(tx, "x", Decimal(5), "A-1", NOW + 10, kind=gift, note="as agreed", who="anna")
    leg(tx, "leg", "B", NUMBER)
    tariff = rate(first_price="0.05")
    ledger.reserve(tx, [Hold("leg", "x", "x", tariff.price(0), tariff)])
    ledger.settle(tx, [Post("leg", "x", "x", True, Decimal("0.05"), 60, "60 s at 0.05")], NOW + 20)
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
        ("gift", Decimal(5), Decimal(15)),
        ("call", Decimal("-0.05"), Decimal("14.95")),
        ("payment", Decimal("-2.50"), Decimal("12.45")),
    ]
    assert [each.who for each in found.entries] == ["setup", "anna", None, None]
    assert found.entries[2].price == Decimal("0.05")
    assert [each.order_number for each in found.entries] == [None, "A-1", None, "A-2"]
    assert [each.note for each in found.entries] == [None, "as agreed", None, None]


def test_what_each_kind_comes_to(kept: Store) -> None:
    found = asyncio.run(kept.read(lambda tx: statement(tx, "x")))
    assert list(found.totals.items()) == [
        ("payment", Decimal("-2.50")),
        ("gift", Decimal(5)),
        ("opening", Decimal(10)),
        ("call", Decimal("-0.05")),
    ]


def test_session_and_number_are_read_and_not_written(kept: Store) -> None:
    """With the number taken out of the leg, as it is after `keep_days`, it is out of the
    statement."""
    found = asyncio.run(kept.read(lambda tx: statement(tx, "x")))
    assert [each.leg for each in found.entries] == [
        *(None, None),
        ChargedLeg("session of leg", "B", NUMBER),
        None,
    ]
    asyncio.run(kept.run(lambda tx: tx.execute(update(models.LegRow).values(e164="+44…00"))))
    (leg,) = (
        each.leg
        for each in asyncio.run(kept.read(lambda tx: statement(tx, "x"))).entries
        if each.leg is not None
    )
    assert leg.number == "+44…00"


def test_no_entry_or_explanation_holds_a_number(store: Store) -> None:
    """Of neither leg, though the callerID is called by its number and the rate is for one number
    alone; also where a crash is recovered from, and where unlimited credit pays."""

    def work(tx: Connection) -> list[str]:
        ledger.open_account(tx, "x", NOW, balance=Decimal(1))
        tariff = rate(NUMBER.removeprefix("+"))
        for place, role in enumerate(("A", "B", "A", "B")):
            leg_id = f"leg {place}"
            leg(tx, leg_id, role, NUMBER if role == "B" else CALLER)
            ledger.reserve(tx, [Hold(leg_id, "x", CALLER, tariff.price(0), tariff)])
            if place < 2:
                told = charge(tariff, 0)
                price, seconds = told.amount, told.billed_seconds
                post = Post(leg_id, "x", CALLER, True, price, seconds, told.explanation)
                ledger.settle(tx, [post], NOW)
            else:
                ledger.settle_interrupted(tx, leg_id, NOW, NOW, NOW)
            if place == 2:
                ledger.recharge(tx, "x", None, "unlimited", NOW)
        entries = tx.execute(select(models.LedgerEntryRow.__table__)).all()
        assert len(entries) == 6
        charges = tx.execute(select(models.ChargeRow.explanation)).scalars().all()
        assert len(charges) == 4
        return [*(str(cell) for entry in entries for cell in entry), *charges]

    cells = asyncio.run(store.run(work))
    assert not [cell for cell in cells if NUMBER[1:] in cell or CALLER[1:] in cell]


@pytest.mark.parametrize(
    ("since", "until", "opening", "kinds", "closing"),
    [
        (10, 30, "10", ["gift", "call"], "14.95"),  # from inclusive, to exclusive
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
    account = models.LedgerAccountRow
    asyncio.run(kept.run(lambda tx: tx.execute(update(account).values(balance=Decimal("12.46")))))
    with pytest.raises(BooksDisagree, match=r"sum to 12\.45, its balance is 12\.46"):
        asyncio.run(kept.read(lambda tx: statement(tx, "x", *period)))
