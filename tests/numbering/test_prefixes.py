"""Prefixes: what is one, and what to write in place of what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.prefixes import parse_prefix, parse_some_prefix


@pytest.mark.parametrize("text", ["", "1", "44", "447700900123", "999999999999999"])
def test_leading_digits_of_numbers(text: str) -> None:
    assert parse_prefix(text) == text


@pytest.mark.parametrize(
    ("text", "mending"),
    [
        ("+44", r'write it without \+: "44"'),
        ("0044", 'write it without 00: "44"'),
        ("020", 'no country code begins with 0: .* such as "4420" for 020'),
        ("0", "no country code begins with 0"),
        ("+020", "no country code begins with 0"),
        ("00020", "no country code begins with 0"),
        ("+", "write at most 15 leading digits"),
        ("00", "write at most 15 leading digits"),
        ("44 20", "write at most 15 leading digits"),
        ("44x", "write at most 15 leading digits"),
        ("٤٤", "write at most 15 leading digits"),
        ("1234567890123456", "write at most 15 leading digits"),
    ],
)
def test_what_is_no_prefix(text: str, mending: str) -> None:
    for parse in (parse_prefix, parse_some_prefix):
        with pytest.raises(ValueError, match=f"is no prefix.*{mending}"):
            parse(text)


def test_every_number_is_not_meant_everywhere() -> None:
    with pytest.raises(ValueError, match='such as "44"'):
        parse_some_prefix("")


@given(st.text(max_size=20) | st.from_regex(r"\A(\+|0{1,3})?[0-9]{0,16}\Z"))
def test_what_is_taken_can_begin_a_number(text: str) -> None:
    """And what is told to be written instead is taken."""
    try:
        taken = parse_prefix(text)
    except ValueError as error:
        mended = str(error).rpartition(': "')[2].removesuffix('"')
        if "write it without" in str(error):
            assert parse_prefix(mended) == mended != ""
        return
    assert taken == text
    assert not text or text[0] in "123456789"
