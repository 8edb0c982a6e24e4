"""Amounts: what is one, and what is refused rather than rounded."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.amounts import LARGEST, BadAmount, format_amount, parse_amount, to_millionths


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("5", "5.00"),
        ("-0.000125", "-0.000125"),
        ("+1.5", "1.50"),
        ("-0", "0.00"),
        ("0.0200000", "0.02"),
        ("0.0000010000000000000000000000000000", "0.000001"),
        ("7.0000000", "7.00"),
        ("999999999999.9999990", format_amount(LARGEST)),
        ("1." + "0" * 10_000, "1.00"),
    ],
)
def test_zeros_at_the_end_are_no_places(text: str, amount: str) -> None:
    assert format_amount(parse_amount(text)) == amount


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "5.", ".5", "0.0000001", "0.02000001", "1000000000000", "10000000000000"),
        *("1e3", "0,02", "٢", "NaN", "1_0", " 1", "1\n", "0.1.0"),
    ],
)
def test_what_is_no_amount(text: str) -> None:
    with pytest.raises(BadAmount):
        parse_amount(text)


@given(st.integers(-(10**18) + 1, 10**18 - 1), st.integers(0, 30))
def test_an_amount_is_read_as_it_is_written(millionths: int, zeros: int) -> None:
    text = f"{Decimal(millionths).scaleb(-6):.6f}"
    assert to_millionths(parse_amount(text + "0" * zeros)) == millionths
    assert to_millionths(parse_amount(format_amount(parse_amount(text)))) == millionths
