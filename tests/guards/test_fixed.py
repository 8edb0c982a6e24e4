"""What is never dialled, rule by rule. Every region's numbers are in test_every_region.py."""

from __future__ import annotations

import pytest

from ringback.guards.fixed import (
    Nature,
    connects_to_emergency,
    forbidden,
    forbidden_form,
    nature_of,
)
from ringback.guards.ranges import PREFIXES, RANGES
from ringback.numbering import matches_prefix

SPECIAL = "a premium-rate or satellite number, which not every payer's plan lists"


def reason(
    e164: str,
    *,
    own: bool = False,
    allowed: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
) -> str | None:
    return forbidden(
        e164,
        is_access_number=own,
        listed_by_all=lambda: matches_prefix(e164, allowed),
        extra_special=extra,
    )


@pytest.mark.parametrize(
    "number",
    [
        "+44999",
        "+44911",  # the network of a visitor's country may connect it
        "+49112",
        "+490112",
        "+490110",
        "+49001105",
        "+449991234567",
        "+19115550123",
        "+3315",
        "+14739110000",  # in Grenada 911 0000 without its area code
        "+999",
    ],
)
def test_emergency_numbers(number: str) -> None:
    assert reason(number, allowed=(number[1:],)) == "an emergency number"


@pytest.mark.parametrize(
    "number",
    [
        "+33153012345",  # begins with 15, as the ambulance of France does
        "+15551234567",
        "+17185550123",
        "+11299999999",
        "+9112345678",
        "+919876543210",
        "+6799171234",  # of Fiji, where 917 is the police
    ],
)
def test_numbers_that_only_look_like_emergency(number: str) -> None:
    assert nature_of(number) is not Nature.EMERGENCY


@pytest.mark.parametrize(
    "number",
    [
        "+870773111632",
        "+881612345678",
        "+88213000000",
        "+883510000000094",
        "+979123456789",
        "+79541234567",
        "+449098790000",
        "+19005550123",
        "+33891234567",
        "+499001234567",
        "+4990012345671",  # with a digit more
        "+49900123456",  # with a digit less
        "+4909001234567",  # with a zero in front
        "+57059011234567",  # with the code of a carrier in front
        "+449201234567",  # kept for such numbers, and not in use
        "+391991234567",  # the library calls it a personal number
    ],
)
def test_special_numbers(number: str) -> None:
    assert reason(number) == SPECIAL
    assert reason(number, allowed=(number[1:4],)) is None
    assert reason(number, allowed=("1234",)) == SPECIAL


@pytest.mark.parametrize(
    "number", ["+447700900123", "+442079460000", "+442071838750", "+3312345678"]
)
def test_ordinary_numbers_may_be_dialled(number: str) -> None:
    assert reason(number) is None


def test_owners_extend_the_list() -> None:
    assert reason("+447700900123", extra=("4477",)) == SPECIAL
    assert reason("+447700900123", extra=("4477",), allowed=("447700",)) is None
    assert reason("+447700900123", extra=("4478",)) is None
    assert reason("+44077009001234", extra=("4477",)) == SPECIAL


def test_a_number_of_no_known_country_is_not_taken_for_cheap() -> None:
    assert reason("+99912345678") == SPECIAL


def test_own_access_numbers_are_forbidden_whatever_the_plan_lists() -> None:
    assert reason("+442071838750", own=True, allowed=("44",)) == "an access number of this server"


def test_emergency_goes_before_everything() -> None:
    assert reason("+44999", own=True, allowed=("44",)) == "an emergency number"


def test_plans_are_asked_only_about_special_numbers() -> None:
    def asked() -> bool:
        raise AssertionError("no plan can say anything about this number")

    assert forbidden("+442079460000", is_access_number=False, listed_by_all=asked) is None


@pytest.mark.parametrize(
    ("typed", "country", "connects"),
    [
        ("999", "GB", True),
        ("110", "DE", True),
        ("9115550123", "US", True),
        ("11255555", "IE", True),  # +353 1 1255555 is dialled 011255555
        ("011255555", "IE", False),
        ("9171234", "FJ", False),
        ("2125550123", "US", False),
        ("00919876543210", "GB", False),
        ("+9112345678", "US", False),
    ],
)
def test_what_an_exchange_would_have_connected(typed: str, country: str, connects: bool) -> None:
    assert connects_to_emergency(typed, country) is connects


@pytest.mark.parametrize(
    ("number", "dialled", "country", "prepend", "why"),
    [
        ("+449991234567", "9991234567", "GB", "", "an emergency number in the form"),
        ("+12129115555", "9115555", "US", "", "emergency, premium-rate or satellite"),
        ("+12129005555", "9005555", "US", "", "emergency, premium-rate or satellite"),
        ("+491149001234567", "09001234567", "DE", "0", "emergency, premium-rate or satellite"),
        ("+441212345678", "11212345678", "GB", "1", "an emergency number in the form"),
        ("+449912345678", "99912345678", "GB", "9", "an emergency number in the form"),
        ("+447700900123", "07700900123", "GB", "0", None),
        ("+447700900123", "99997700900123", "GB", "9999", None),  # the carrier's own sign
        ("+33153012345", "153012345", "FR", "", None),
        ("+12125550123", "2125550123", "US", "", None),
        ("+911123456789", "911123456789", "US", "", None),  # Delhi, whole
        ("+905321234567", "00905321234567", "GB", "0", None),
        ("+447700900123", "+447700900123", None, "", None),
    ],
)
def test_the_form_that_the_trunk_gets(
    number: str, dialled: str, country: str | None, prepend: str, why: str | None
) -> None:
    found = forbidden_form(number, dialled, country, prepend)
    assert found is None if why is None else found is not None and why in found


def test_the_list_of_ours_names_its_sources() -> None:
    assert all(each.use and each.source for each in RANGES)
    assert len(set(PREFIXES)) == len(PREFIXES)
    assert all(prefix.isdecimal() and not prefix.startswith("0") for prefix in PREFIXES)
