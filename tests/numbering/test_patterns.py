"""Patterns of digits, against regular expressions."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.numbering.patterns import Along, Patterns
from ringback.numbering.plans import begins_numbers, plan_of, split

PATTERNS = [
    r"900[2-9]\d{2}",
    r"(?:8(?:4[2-5]|7[0-3])|9(?:[01]\d|8[2-49]))\d{3}|845464\d",
    r"1(?:1[02]|9{2,3}5?)",
    r"(?:[01]{1,3}2)?3",
]


@pytest.mark.parametrize(
    ("number", "digits", "matched"),
    [
        ("", 0, False),
        ("9", 1, False),
        ("901", 2, False),
        ("900255", 6, True),
        ("90025512", 6, True),
        ("9001", 3, False),
        ("2", 0, False),
    ],
)
def test_how_far_a_number_goes_along(number: str, digits: int, matched: bool) -> None:
    assert Patterns([PATTERNS[0]]).along(number) == Along(digits, matched)


@given(st.lists(st.sampled_from(PATTERNS), min_size=1), st.text("0123456789", max_size=10))
def test_a_match_is_one_of_a_regular_expression(patterns: list[str], number: str) -> None:
    automaton = Patterns(patterns)
    assert automaton.along(number).matched == any(re.match(each, number) for each in patterns)


@given(st.sampled_from(PATTERNS), st.data())
def test_every_beginning_of_a_match_is_one(pattern: str, data: st.DataObject) -> None:
    match = data.draw(st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True))
    automaton = Patterns([pattern])
    for count in range(len(match) + 1):
        assert automaton.begin_with(match[:count])
    assert automaton.along(match) == Along(len(match), True)


def test_no_pattern_at_all() -> None:
    assert not Patterns([]).begin_with("")
    assert Patterns([]).along("9") == Along(0, False)


@pytest.mark.parametrize("pattern", ["9+", "(9)", "(?=9)9", "a"])
def test_other_patterns_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="not a pattern of digits"):
        Patterns([pattern])


@pytest.mark.parametrize(
    ("e164", "code", "national"),
    [("+442079460000", "44", "2079460000"), ("+12", "1", "2"), ("+881612", "881", "612")],
)
def test_country_codes(e164: str, code: str, national: str) -> None:
    assert split(e164) == (code, national)


@pytest.mark.parametrize("e164", ["+999123", "+21", "+", "+0442079460000"])
def test_unknown_country_codes(e164: str) -> None:
    assert split(e164) is None


@pytest.mark.parametrize(
    ("prefix", "begins"),
    [("", True), ("2", True), ("21", True), ("210", False), ("44", True), ("440", False),
     ("39", True), ("3906", True), ("999", False), ("88", True), ("8816", True)],
)  # fmt: skip
def test_what_numbers_begin_with(prefix: str, begins: bool) -> None:
    assert begins_numbers(prefix) is begins


@pytest.mark.parametrize(
    ("code", "national", "also"),
    [
        ("44", "09001234567", "9001234567"),
        ("49", "00112", "112"),
        ("7", "88091234567", "8091234567"),
        ("57", "059011234567", "9011234567"),  # 5: the code of a carrier
        ("1", "4739110000", "9110000"),  # Grenada, without its area code
    ],
)
def test_what_may_stand_in_front(code: str, national: str, also: str) -> None:
    readings = plan_of(code).readings(national)
    assert readings[0] == national and also in readings


def test_nothing_stands_in_front_of_a_known_number() -> None:
    assert plan_of("39").readings("0612345678") == ["0612345678"]
    assert plan_of("44").readings("07700900123")[1:] == ["7700900123"]


@pytest.mark.parametrize(
    ("code", "digits", "dials"),
    [
        ("353", "011255555", True),
        ("353", "11255555", False),
        ("679", "9171234", True),
        ("1", "2125550123", True),
        ("1", "12125550123", True),
        ("7", "88005553535", True),
        ("44", "999", False),
    ],
)
def test_how_a_country_dials_its_numbers(code: str, digits: str, dials: bool) -> None:
    assert plan_of(code).dials(digits) is dials
