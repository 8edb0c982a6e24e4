"""Rates page by page, copied, and compared."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import Connection
from tests.charging import helpers
from tests.charging.helpers import NOW, rate

from ringback.amounts import LARGEST, BadAmount
from ringback.charging import decks
from ringback.charging.decks import RateKey, copied, difference
from ringback.charging.rating import Rate
from ringback.store import Store

PREFIXES = ["", "1", "4", "44", "440", "442", "4420", "45", "9", "999"]
RATES = [
    *(rate(prefix) for prefix in PREFIXES),
    rate("447", valid_to=NOW),
    rate("447", valid_from=NOW, valid_to=NOW + 1),
    rate("447", valid_from=NOW + 1),
]


def world(tx: Connection) -> None:
    helpers.account(tx, "admin", level="administrator")
    helpers.plan(tx, "retail", "admin", *reversed(RATES))
    helpers.plan(tx, "other", "admin", rate("44", first_price="9"))


def paged(tx: Connection, prefix: str, most: int) -> list[Rate]:
    found: list[Rate] = []
    after: RateKey | None = None
    while True:
        page = decks.page(tx, "retail", prefix, after, most)
        assert page.deck_id == "deck of retail"
        found += page.rates
        if not page.more:
            return found
        assert len(page.rates) == most
        after = page.last


@pytest.mark.parametrize("prefix", ["", "4", "44", "447", "4420", "44209", "5"])
def test_pages_are_all_there_is_in_order(store: Store, prefix: str) -> None:
    asyncio.run(store.run(world))
    wanted = [each for each in RATES if each.prefix.startswith(prefix)]
    wanted.sort(key=lambda each: (each.prefix, each.valid_from or 0))
    for most in (1, 2, 3, 100):
        assert asyncio.run(store.read(lambda tx, n=most: paged(tx, prefix, n))) == wanted  # type: ignore[misc]


def test_a_plan_without_rates_has_one_empty_page(store: Store) -> None:
    def work(tx: Connection) -> None:
        world(tx)
        decks.take_all(tx, "retail")
        assert decks.page(tx, "retail") == decks.Page(None, [], False)
        assert len(decks.page(tx, "other").rates) == 1

    asyncio.run(store.run(work))


amounts = st.integers(0, 10**9).map(lambda millionths: Decimal(millionths).scaleb(-6))
rates = st.builds(
    Rate,
    st.just("44"),
    amounts,
    st.integers(1, 86400),
    st.none() | amounts,
    st.integers(1, 86400),
    amounts,
)


def is_rounded_up(price: Decimal, exact: Fraction) -> bool:
    return 0 <= Fraction(price) - exact < Fraction(1, 10**6)


@given(rates, amounts, amounts)
@example(rate(first_price="0.000001", first_block=1), Decimal("1.000001"), Decimal("0.000001"))
def test_a_copy_is_worked_out_exactly_and_rounded_up_once(
    source: Rate, factor: Decimal, amount: Decimal
) -> None:
    """Spec section 6, against fractions."""
    made = copied(source, factor, amount)
    times, plus = Fraction(factor), Fraction(amount)
    assert is_rounded_up(made.setup, Fraction(source.setup) * times)
    minute = Fraction(source.price_per_minute) * times + plus
    assert is_rounded_up(made.price_per_minute, minute)
    if source.first_price is None:
        assert made.first_price is None
    else:
        assert made.first_price is not None
        first = Fraction(source.first_price) * times + plus * source.first_block / 60
        assert is_rounded_up(made.first_price, first)
    same = ("prefix", "first_block", "next_block", "valid_from", "valid_to")
    assert [getattr(made, name) for name in same] == [getattr(source, name) for name in same]


@given(rates)
def test_a_copy_as_it_is_is_the_same(source: Rate) -> None:
    assert copied(source) == source


def test_a_copy_that_nobody_could_pay_is_refused() -> None:
    with pytest.raises(BadAmount):
        copied(rate(price_per_minute=str(LARGEST)), Decimal("1.1"))


def test_a_loss_is_more_than_half_of_the_prefixes() -> None:
    before = [rate(prefix) for prefix in ("1", "2", "3", "4")]
    dearer = [rate(prefix, first_price="1") for prefix in ("1", "2")]
    half = difference(before, dearer)
    assert (half.before, half.after, half.added, half.taken_out, half.lost) == (4, 2, 2, 4, 2)
    assert half.loss is None
    assert difference(before, dearer[1:]).loss == "this would take out 3 of its 4 rates"
    assert difference(before, before[::-1]).nothing
    assert difference([], before).loss is None
