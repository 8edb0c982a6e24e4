"""The fixed guards over the numbers of every region, in every spelling of a phone or a carrier."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import phonenumbers
from phonenumbers import PhoneNumberFormat
from tests.guards.regions import (
    ORDINARY,
    SATELLITE,
    SPECIAL,
    Example,
    emergencies,
    examples,
    is_ordinary,
    longer,
    reading,
    shorter,
    ways_of,
)

from ringback.guards.fixed import Nature, connects_to_emergency, forbidden_form, nature_of

UNDECIDED = {
    # Behind a zero they are numbers of Salerno, whose area code is 089.
    "IT premium_rate +39899123456",
    "VA premium_rate +39899123456",
    # 900123456700000 without its trunk prefix is read with the country code: +90 123456700000.
    "TR premium_rate +909001234567",
}


def is_refused(text: str, number: str, example: Example) -> bool:
    typed = text.isdecimal() and connects_to_emergency(text, example.home)
    return typed or nature_of(number) is not None


def dialled(
    found: Sequence[Example], lengths: Callable[[str], Sequence[str]]
) -> Iterator[tuple[Example, str, str]]:
    """The spellings that would be dialled: of which number, how spelled, and how read."""
    for example in found:
        ways = ways_of(example)
        for national in lengths(example.national):
            for text in ways.spellings(national):
                number = reading(text, example)
                if number is not None and not is_refused(text, number, example):
                    yield example, text, number


def is_ordinary_behind_zeros(number: str, example: Example) -> bool:
    national = number.removeprefix(f"+{example.code}")
    zeros = len(national) - len(national.lstrip("0"))
    return any(is_ordinary(f"+{example.code}{national[count:]}") for count in range(zeros + 1))


def test_special_numbers_as_they_are() -> None:
    found = examples(*SPECIAL)
    assert len(found) > 200
    assert [str(each) for each in found if nature_of(each.e164) is not Nature.SPECIAL] == []
    assert {str(each) for each, _, _ in dialled(found, lambda number: [number])} <= UNDECIDED


def test_special_numbers_with_digits_more() -> None:
    found = examples(*SPECIAL)
    passed = [
        number
        for example in found
        for number in longer(example.e164)
        if nature_of(number) is not Nature.SPECIAL
    ]
    assert passed == []
    assert {str(each) for each, _, _ in dialled(found, longer)} <= UNDECIDED


def test_special_numbers_with_digits_fewer() -> None:
    """All but those whose rest is an ordinary number."""
    found = examples(*SPECIAL)
    passed = [
        number
        for example in found
        for number in (f"+{example.code}{rest}" for rest in shorter(example.national))
        if nature_of(number) is None and not is_ordinary(number)
    ]
    assert passed == []
    assert [
        (text, number)
        for example, text, number in dialled(found, shorter)
        if not is_ordinary_behind_zeros(number, example)
    ] == []


def test_satellite_numbers() -> None:
    found = [each for each in examples(*ORDINARY, *SPECIAL) if each.code in SATELLITE]
    assert {each.code for each in found} == set(SATELLITE)
    for example in found:
        for number in [example.e164, *longer(example.e164), *shorter(example.e164)[3:]]:
            assert nature_of(number) is Nature.SPECIAL, number


def test_emergency_numbers_as_they_are() -> None:
    """Typed as they are none of them can be read; whole they are refused, too."""
    found = emergencies()
    assert len(found) > 700
    assert [
        str(each)
        for each in found
        if nature_of(each.e164) is not Nature.EMERGENCY and not is_ordinary(each.e164)
    ] == []
    assert [
        (text, number)
        for example, text, number in dialled(found, lambda number: [number])
        if not is_ordinary_behind_zeros(number, example)
    ] == []


def test_emergency_numbers_with_digits_more() -> None:
    """All but those that are ordinary numbers, and are not typed as an exchange connects them."""
    found = emergencies()
    passed = [
        number
        for example in found
        for number in longer(example.e164)
        if nature_of(number) is None and not is_ordinary(number)
    ]
    assert passed == []
    assert [
        (text, number)
        for example, text, number in dialled(found, lambda number: longer(number)[::3])
        if not is_ordinary_behind_zeros(number, example)
    ] == []


def test_emergency_numbers_with_digits_fewer() -> None:
    passed = [
        number
        for example in emergencies()
        for number in (f"+{example.code}{rest}" for rest in shorter(example.national))
        if nature_of(number) is None and not is_ordinary(number)
    ]
    assert passed == []


def test_ordinary_numbers_pass_in_every_spelling() -> None:
    found = [each for each in examples(*ORDINARY) if each.code not in SATELLITE]
    assert len(found) > 900
    refused = []
    for example in found:
        parsed = phonenumbers.parse(example.e164)
        national = phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL)
        abroad = (f"{each}{example.e164[1:]}" for each in ways_of(example).international)
        for text in (example.e164, *abroad, "".join(filter(str.isdigit, national))):
            number = reading(text, example)
            if number is not None and is_refused(text, number, example):
                refused.append((str(example), text, number))
        assert nature_of(example.e164) is None, example
    assert refused == []


def test_ordinary_numbers_pass_in_the_form_that_a_trunk_gets() -> None:
    """With the country code left out, and with or without the trunk prefix in its place."""
    for example in examples(*ORDINARY):
        if example.code in SATELLITE or example.home == "ZZ":
            continue
        for prepend in {"", ways_of(example).trunk}:
            form = prepend + example.national
            assert forbidden_form(example.e164, form, example.region, prepend) is None, form
