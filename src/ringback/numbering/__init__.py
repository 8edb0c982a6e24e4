"""Numbers: kept as received, as E.164 (for matching and uniqueness), and as dialled."""

from __future__ import annotations

from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

from ringback.config import Trunk

_DIGITS = frozenset("0123456789")
_LONGEST = 32


class BadNumber(ValueError):
    """What was given is no number that could be called; the message says why."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number in its three forms."""

    received: str
    e164: str
    """With its plus."""
    dialled: str


def read_typed(digits: str, country: str) -> str:
    """What a person types, read as dialled in `country` (ISO 3166 alpha-2): national, or with
    the international prefix. Returns E.164.

    Numbers that cannot exist are refused by their length. Whether a number is assigned is the
    network's to say: number plans grow faster than any table of them.
    """
    if not digits or len(digits) > _LONGEST or not _DIGITS.issuperset(digits.removeprefix("+")):
        raise BadNumber(f"{digits[:_LONGEST]!r} is no number")
    try:
        parsed = phonenumbers.parse(digits, country)
    except NumberParseException as error:
        raise BadNumber(f"{digits} is no number that can be dialled in {country}") from error
    if phonenumbers.is_possible_number(parsed):
        return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    raise BadNumber(f"{digits} has the wrong length for a number dialled in {country}")


def read_e164(text: str) -> str:
    """A number written with its plus, as setups have it. Raises BadNumber."""
    if not text.startswith("+"):
        raise BadNumber(f"{text[:_LONGEST]!r} must begin with + and the country code")
    return read_typed(text, "ZZ")


def read_caller(text: str, trunk: Trunk) -> str | None:
    """A number as a trunk sends it: with `+` it is E.164; without, as the trunk says. None for
    anything that is no number."""
    if text.startswith("+"):
        return _or_none(text, "ZZ")
    if not _DIGITS.issuperset(text):
        return None
    if trunk.country:
        return _or_none(text, trunk.country)
    return _or_none(f"+{text}", "ZZ")


def read_called(text: str, trunk: Trunk) -> str | None:
    """The number called, as a trunk sends it: read as a caller's is."""
    return read_caller(text, trunk)


def is_of_country(e164: str, country: str) -> bool:
    """Whether a number has the country code of a country (which several may share)."""
    code = phonenumbers.country_code_for_region(country)
    return code != 0 and e164.startswith(f"+{code}")


def to_trunk(e164: str, trunk: Trunk) -> str:
    """A number in the form that the trunk wants: the first `strip` digits taken off, `prepend`
    put before, with a plus where `plus` says so."""
    digits = e164.removeprefix("+")[trunk.strip :]
    return f"{'+' if trunk.plus else ''}{trunk.prepend}{digits}"


def _or_none(text: str, country: str) -> str | None:
    try:
        return read_typed(text, country)
    except BadNumber:
        return None
