"""Rating against a slow reference, and by example."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.charging.helpers import rate

from ringback.charging.rating import SECOND, Rate, charge

prices = st.integers(0, 10**9).map(lambda millionths: Decimal(millionths) / 10**6)
rates = st.builds(
    Rate,
    st.just("44"),
    prices,
    st.integers(1, 600),
    prices,
    st.integers(1, 600),
    prices,
)
durations = st.one_of(
    st.integers(0, 3 * 3600 * SECOND), st.integers(0, 3 * 3600).map(lambda s: s * SECOND)
)


def block_by_block(tariff: Rate, duration: int) -> tuple[Decimal, int]:
    """The spec's words, one block at a time, in exact fractions."""
    price = Fraction(tariff.setup) + Fraction(tariff.first_price)
    seconds = tariff.first_block
    while seconds * SECOND < duration:
        price += Fraction(tariff.next_block) * Fraction(tariff.price_per_minute) / 60
        seconds += tariff.next_block
    up = Decimal(-(-price.numerator * 10**6 // price.denominator)) / 10**6
    return up, seconds


@given(rates, durations)
def test_charge_is_what_counting_blocks_gives(tariff: Rate, duration: int) -> None:
    charged = charge(tariff, duration)
    assert (charged.amount, charged.billed_seconds) == block_by_block(tariff, duration)


@given(rates, st.integers(0, 10**12).map(lambda millionths: Decimal(millionths) / 10**6))
def test_affordable_is_the_most_blocks_within_an_amount(tariff: Rate, amount: Decimal) -> None:
    blocks = tariff.affordable(amount)
    if blocks is None:
        assert tariff.price(10**9) <= amount
    elif blocks < 0:
        assert tariff.price(0) > amount
    else:
        assert tariff.price(blocks) <= amount < tariff.price(blocks + 1)


@given(rates, st.integers(0, 10_000))
def test_blocks_last_to_their_very_end(tariff: Rate, blocks: int) -> None:
    assert tariff.blocks(tariff.lasts(blocks)) == blocks
    assert tariff.blocks(tariff.lasts(blocks) + 1) == blocks + 1


@pytest.mark.parametrize(
    ("duration", "amount", "billed"),
    [
        (0, "0.07", 60),  # answered: the first block has begun
        (1, "0.07", 60),
        (60 * SECOND, "0.07", 60),
        (60 * SECOND + 1, "0.073334", 70),  # 0.003333.. rounded up
        (70 * SECOND, "0.073334", 70),
        (85 * SECOND, "0.08", 90),
    ],
)
def test_blocks_are_charged_when_begun(duration: int, amount: str, billed: int) -> None:
    charged = charge(rate(setup="0.05"), duration)
    assert charged.amount == Decimal(amount)
    assert charged.billed_seconds == billed


def test_rounding_is_done_once() -> None:
    """A thousand blocks of a third of a millionth are 334 millionths, not a thousand."""
    tariff = rate(first_price="0", first_block=1, next_block=1, price_per_minute="0.00002")
    assert charge(tariff, 1001 * SECOND).amount == Decimal("0.000334")


def test_explanation() -> None:
    assert (
        charge(rate(setup="0.05"), 85 * SECOND).explanation
        == "+44…: setup 0.05, 60 s at 0.02, 3 × 10 s at 0.02/min"
    )
    assert charge(rate(), 0).explanation == "+44…: 60 s at 0.02"


def test_rates_survive_the_database() -> None:
    tariff = rate("4420", "0.05", 30, "0.000125", 6, "12.5")
    assert Rate.from_json(tariff.as_json()) == tariff


@pytest.mark.parametrize("wrong", [{"first_block": 0}, {"next_block": 0}])
def test_blocks_have_a_length(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least 1 second"):
        rate(**wrong)  # type: ignore[arg-type]


def test_prices_are_not_negative() -> None:
    with pytest.raises(ValueError, match="not negative"):
        rate(price_per_minute="-0.01")
