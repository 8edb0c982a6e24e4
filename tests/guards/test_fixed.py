"""What is never dialled."""

from __future__ import annotations

import pytest

from ringback.guards.fixed import forbidden, is_emergency, is_special
from ringback.numbering import matches_prefix


def reason(
    e164: str,
    typed: str | None = None,
    country: str = "GB",
    *,
    own: bool = False,
    allowed: tuple[str, ...] = (),
    extra: tuple[str, ...] = (),
) -> str | None:
    return forbidden(
        e164,
        typed or e164,
        country,
        is_access_number=own,
        listed_by_all=lambda: matches_prefix(e164, allowed),
        extra_special=extra,
    )


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("999", "GB"),
        ("112", "GB"),
        ("911", "GB"),  # the network of a visitor's country may connect it
        ("911", "US"),
        ("000", "AU"),
        ("17", "FR"),
        ("110", "DE"),
        ("9115550123", "US"),  # an exchange connects after 911
        ("+44999", "GB"),
        ("+44911", "GB"),
        ("+49112", "GB"),
    ],
)
def test_emergency_numbers(number: str, country: str) -> None:
    assert is_emergency(number, country)


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("02079460000", "GB"),
        ("+447700900123", "GB"),
        ("+15551234567", "FR"),  # begins with 15, as the ambulance of France does
        ("+17185550123", "FR"),
        ("+11299999999", "GB"),
        ("+9112345678", "GB"),
        ("00919876543210", "GB"),
    ],
)
def test_numbers_that_only_look_like_emergency(number: str, country: str) -> None:
    assert not is_emergency(number, country)


@pytest.mark.parametrize(
    "number",
    ["+870773111632", "+881612345678", "+88213000000", "+883510000000094", "+979123456789"],
)
def test_satellite_numbers_are_special(number: str) -> None:
    assert is_special(number)
    assert reason(number) == (
        "a premium-rate or satellite number, which not every payer's plan lists"
    )
    assert reason(number, allowed=(number[1:4],)) is None
    assert reason(number, allowed=("44",)) is not None


@pytest.mark.parametrize("number", ["+449098790000", "+19005550123", "+33891234567"])
def test_premium_numbers_are_special(number: str) -> None:
    assert is_special(number)
    assert reason(number, allowed=(number[1:5],)) is None


@pytest.mark.parametrize(
    "number", ["+447700900123", "+442079460000", "+442071838750", "+3312345678"]
)
def test_ordinary_numbers_may_be_dialled(number: str) -> None:
    assert reason(number) is None


def test_owners_extend_the_list() -> None:
    assert reason("+447700900123", extra=("4477",)) is not None
    assert reason("+447700900123", extra=("4478",)) is None


def test_a_number_of_no_known_country_is_not_taken_for_cheap() -> None:
    assert is_special("+99912345678")


def test_own_access_numbers_are_forbidden_whatever_the_plan_lists() -> None:
    assert reason("+442071838750", own=True, allowed=("44",)) == "an access number of this server"


def test_emergency_goes_before_everything() -> None:
    assert reason("+44999", "999", own=True, allowed=("44",)) == "an emergency number"


def test_plans_are_asked_only_about_special_numbers() -> None:
    def asked() -> bool:
        raise AssertionError("no plan can say anything about this number")

    assert (
        forbidden(
            "+442079460000",
            "02079460000",
            "GB",
            is_access_number=False,
            listed_by_all=asked,
        )
        is None
    )
