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
    st.none() | prices,
    st.integers(1, 600),
    prices,
)
durations = st.one_of(
    st.integers(0, 3 * 3600 * SECOND), st.integers(0, 3 * 3600).map(lambda s: s * SECOND)
)


def block_by_block(tariff: Rate, duration: int) -> tuple[Decimal, int]:
    """The spec's words, one block at a time, in exact fractions."""
    a_second = Fraction(tariff.price_per_minute) / 60
    seconds = tariff.first_block
    first = tariff.first_price
    price = Fraction(tariff.setup) + (seconds * a_second if first is None else Fraction(first))
    while seconds * SECOND < duration:
        price += tariff.next_block * a_second
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


@pytest.mark.parametrize(
    ("minute", "blocks", "seconds", "amount"),
    [
        ("0.60", 1, 60, "0.60"),  # M1: not 0.60 for the first second and 0.59 for the others
        ("0.60", 1, 1, "0.01"),
        ("0.01", 1, 60, "0.01"),  # a second is 0.000166 2/3, and rounded once for all of them
        ("0.01", 1, 1, "0.000167"),
        ("0.02", 60, 1, "0.02"),
        ("0.02", 60, 61, "0.04"),
    ],
)
def test_a_first_price_left_out_is_what_its_seconds_cost(
    minute: str, blocks: int, seconds: int, amount: str
) -> None:
    tariff = rate("44", "0", blocks, None, blocks, minute)
    assert charge(tariff, seconds * SECOND).amount == Decimal(amount)
    assert tariff.affordable(Decimal(amount)) == tariff.blocks(seconds * SECOND)
    assert charge(tariff, 0).explanation.startswith(f"{blocks} s at {minute}/min")
    assert Rate.from_json(tariff.as_json()) == tariff


LARGEST = "999999999999.999999"


@pytest.mark.parametrize(
    ("setup", "first_block", "first_price", "minute", "named"),
    [
        ("0.000001", 60, LARGEST, "0", f"setup 0.000001 and first_price {LARGEST} are"),
        (LARGEST, 1, None, "0.000001", f"{LARGEST} and 1 s at price_per_minute 0.000001 are"),
        ("0", 61, None, LARGEST, f"setup 0 and 61 s at price_per_minute {LARGEST} are"),
    ],
)
def test_a_first_block_that_nobody_could_pay(
    setup: str, first_block: int, first_price: str | None, minute: str, named: str
) -> None:
    with pytest.raises(ValueError, match=rf"{named} together above the largest amount"):
        rate("44", setup, first_block, first_price, 10, minute)


def test_the_dearest_first_block() -> None:
    assert rate("44", "0.000001", 60, "999999999999.999998", 10, "0").price(0) == Decimal(LARGEST)
    assert rate("44", "0", 60, None, 10, LARGEST).price(0) == Decimal(LARGEST)


def test_explanation() -> None:
    assert (
        charge(rate(setup="0.05"), 85 * SECOND).explanation
        == "setup 0.05, 60 s at 0.02, 3 × 10 s at 0.02/min"
    )
    assert charge(rate(), 0).explanation == "60 s at 0.02"


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
