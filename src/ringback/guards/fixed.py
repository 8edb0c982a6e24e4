"""The fixed guards on both legs: no emergency numbers, no own access numbers, and premium-rate or
satellite numbers only where the plans of all payers list them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberType

from ringback.numbering import matches_prefix

SATELLITE = ("870", "881", "882", "883", "979")
"""Leading digits that phone number tables call mobile, and that cost like satellites."""

EVERYWHERE_EMERGENCY = frozenset({"112", "911", "999"})

REMEMBERED = 4096
"""Numbers whose nature is kept in mind: each is asked about several times a session."""

_PREMIUM = (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST)


def forbidden(
    e164: str,
    typed: str,
    country: str,
    *,
    is_access_number: bool,
    listed_by_all: Callable[[], bool],
    extra_special: Collection[str] = (),
) -> str | None:
    """Why a number must not be dialled, None when it may.

    `typed` is what the caller dialled, read in `country`; `listed_by_all` tells whether the plan
    of every payer lists a prefix of the number, and is asked only about one that needs it;
    `extra_special` are those that the owner adds to the known ones.
    """
    if is_emergency(typed, country) or is_emergency(e164, country):
        return "an emergency number"
    if is_access_number:
        return "an access number of this server"
    if is_special(e164, extra_special) and not listed_by_all():
        return "a premium-rate or satellite number, which not every payer's plan lists"
    return None


@lru_cache(REMEMBERED)
def is_emergency(number: str, country: str) -> bool:
    """Whether a number, as dialled in a country or as E.164, connects to an emergency service."""
    if not number.startswith("+"):
        # As dialled: an exchange connects as soon as the short number is complete.
        return number in EVERYWHERE_EMERGENCY or phonenumbers.connects_to_emergency_number(
            number, country
        )
    try:
        parsed = phonenumbers.parse(number)
    except NumberParseException:
        return number.removeprefix("+") in EVERYWHERE_EMERGENCY
    # "+44 999" is 999 once a carrier has taken the country code off.
    region = phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    national = phonenumbers.national_significant_number(parsed)
    return national in EVERYWHERE_EMERGENCY or bool(
        region and phonenumbers.is_emergency_number(national, region)
    )


def is_special(e164: str, extra: Collection[str] = ()) -> bool:
    """Whether a number is premium-rate or satellite, or of a country that nobody knows."""
    return matches_prefix(e164, (*SATELLITE, *extra)) or _is_premium(e164)


@lru_cache(REMEMBERED)
def _is_premium(e164: str) -> bool:
    try:
        return phonenumbers.number_type(phonenumbers.parse(e164)) in _PREMIUM
    except NumberParseException:
        return True
