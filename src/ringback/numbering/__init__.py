"""Numbers: kept as received, as E.164 (for matching and uniqueness), and as dialled.

A number is accepted if a number of its length can exist in its country (`is_possible_number`), and
not only if its range is known to be assigned (`is_valid_number`): number plans grow faster than any
table of them, numbers for tests and films are assigned to nobody, and it is for the network to say
whether there is a subscriber. A local number without its area code cannot be called from outside
the area: it is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat, ValidationResult

from ringback.numbering.plans import begins_numbers, split

_DIGITS = frozenset("0123456789")
_SEPARATORS = str.maketrans("", "", " \xa0\u2011.-()")
_LONGEST = 32
_NOWHERE = "ZZ"
"""The country in which only a number with its plus can be read."""


class BadNumber(ValueError):
    """The text is not a number that could be called; the message says why."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number in its three forms."""

    received: str
    e164: str
    """With its plus."""
    dialled: str


def read_typed(digits: str, country: str) -> str:
    """Read what a person typed as it is dialled in `country` (ISO 3166 alpha-2): a national number,
    or one with the international prefix. Returns E.164. Raises BadNumber (see the module's
    docstring)."""
    if not digits or len(digits) > _LONGEST or not _DIGITS.issuperset(digits.removeprefix("+")):
        raise BadNumber(f"{digits[:_LONGEST]!r} is no number: write digits only")
    try:
        parsed = phonenumbers.parse(digits, country)
    except NumberParseException as error:
        raise BadNumber(f"{digits} is no number that can be dialled{_in(country)}") from error
    match phonenumbers.is_possible_number_with_reason(parsed):
        case ValidationResult.IS_POSSIBLE:
            e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
            if _has_a_zero_too_many(e164):
                raise BadNumber(f"{digits} has a zero in front that its country does not know")
            return e164
        case ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            raise BadNumber(f"{digits} lacks its area code")
        case _:
            raise BadNumber(f"{digits} has the wrong length for a number dialled{_in(country)}")


def _has_a_zero_too_many(e164: str) -> bool:
    """Whether a national number begins with more zeros than any number of its country does. A
    network may take them for a prefix: +49 0112 would be 112."""
    found = split(e164)
    assert found is not None  # it was parsed
    _, national = found
    return national.startswith("0") and not begins_numbers(e164.removeprefix("+"))


def without_separators(text: str) -> str:
    """A number as people write it, with spaces, dots, dashes and brackets taken out."""
    return text.translate(_SEPARATORS)


def read_written(text: str, country: str) -> str:
    """Read what a person wrote in a file or a command, such as "020 7946 0000", as `read_typed`
    does. Raises BadNumber."""
    return read_typed(without_separators(text), country)


def _in(country: str) -> str:
    return "" if country == _NOWHERE else f" in {country}"


def read_prefix(text: str, country: str) -> tuple[str, ...]:
    """What the numbers begin with that a person looks for who wrote how they begin, in any form:
    `+44 77`, `0044 77` or `077`; in E.164. There are two readings where neither a plus nor a
    prefix says which it is. Raises BadNumber."""
    digits = without_separators(text)
    if not _DIGITS.issuperset(digits.removeprefix("+")) or not digits or len(digits) > _LONGEST:
        raise BadNumber(f"{text[:_LONGEST]!r} begins no number: write digits")
    if digits.startswith("+"):
        return (digits,)
    code = phonenumbers.country_code_for_region(country)
    known = phonenumbers.PhoneMetadata.metadata_for_region(country)
    if not code or known is None:
        return (f"+{digits}",)
    abroad = re.match(known.international_prefix or "(?!)", digits)
    if abroad is not None:
        return (f"+{digits[abroad.end() :]}",)
    trunk = known.national_prefix or ""
    if trunk and digits.startswith(trunk):
        home = f"+{code}{digits.removeprefix(trunk)}"
        return (home,) if trunk == "0" else tuple(dict.fromkeys((home, f"+{digits}")))
    return f"+{code}{digits}", f"+{digits}"


def read_e164(text: str) -> str:
    """Read a number written with its plus, as in setup files. Raises BadNumber."""
    if not text.startswith("+"):
        raise BadNumber("write the number with + and its country code, such as +442079460000")
    return read_written(text, _NOWHERE)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a number means that a network has sent."""

    e164: str
    doubt: str | None = None
    """Why it may be somebody else's number; None: it is surely this one."""
    others: tuple[str, ...] = ()
    """What else it may mean, where there is a doubt."""


@dataclass(frozen=True, slots=True)
class NumberForm:
    """How a network writes numbers."""

    country: str | None = None
    """The country where a number without plus is dialled; None: such a number is E.164 that lacks
    its plus."""
    strip: int = 0
    """How many leading digits a number loses."""
    prepend: str = ""
    """What is put before the rest."""
    plus: bool = True

    def read(self, text: str) -> Reading:
        """Read a number as the network sends it (spec section 5).

        With `+` it is E.164. Without, it may be national, dialled in `country`, or international
        without its plus: the one that is a valid number is meant. Where both or neither are, it is
        the national one if that is possible, with a doubt. Raises BadNumber.
        """
        found = self.readings(text)
        if not found:
            # Said by the reading that comes first.
            national = self.country is not None or text.startswith("+")
            read_typed(text if national else f"+{text}", self.country or _NOWHERE)
            raise BadNumber(f"{text[:_LONGEST]!r} is no number")
        meant, *others = found
        if text.startswith("+") or (self.country is None and not others):
            return Reading(meant)
        if is_valid(meant) and not any(map(is_valid, others)):
            return Reading(meant)
        also = f"it may also be {' or '.join(others)}" if others else "it is of no range known"
        return Reading(meant, f"{text} is read as {meant}, but {also}", tuple(others))

    def readings(self, text: str) -> list[str]:
        """Every number, in E.164, that a text of the network's may mean, the likeliest first."""
        if text.startswith("+"):
            found = [_or_none(text, _NOWHERE)]
        else:
            # An incoming number may begin with what is put before outgoing ones.
            bare = text.removeprefix(self.prepend)
            if self.country is None:
                found = [_or_none(f"+{each}", _NOWHERE) for each in (bare, text)]
            else:
                found = self._as_dialled(text) or self._as_dialled(bare)
        possible = list(dict.fromkeys(each for each in found if each is not None))
        valid = [each for each in possible if is_valid(each)]
        if len(valid) == 1:
            possible.sort(key=lambda each: each not in valid)
        return possible

    def _as_dialled(self, text: str) -> list[str | None]:
        """The national and the international reading; empty where it has neither."""
        national = _or_none(text, self.country or _NOWHERE)
        found = [national, _or_none(f"+{text}", _NOWHERE)]
        return found if any(found) else []

    def write(self, e164: str) -> str:
        """The number in the form that the network wants.

        A network that wants the numbers of its own country shortened gets any other number with
        that country's international prefix: if it were cut in the same way, it would be somebody
        else's number.
        """
        digits = e164.removeprefix("+")
        if self.strip and self.country is not None and not _has_code_of(e164, self.country):
            dialled = phonenumbers.format_out_of_country_calling_number(
                phonenumbers.parse(e164), self.country
            )
            return "".join(sign for sign in dialled if sign in _DIGITS or sign == "+")
        return f"{'+' if self.plus else ''}{self.prepend}{digits[self.strip :]}"


def _or_none(text: str, country: str) -> str | None:
    try:
        return read_typed(text, country)
    except BadNumber:
        return None


def is_valid(e164: str) -> bool:
    """Whether a number is of a range that is known to be in use."""
    return bool(phonenumbers.is_valid_number(phonenumbers.parse(e164)))


def _has_code_of(e164: str, country: str) -> bool:
    return e164.startswith(f"+{phonenumbers.country_code_for_region(country)}")


def is_of_country(e164: str, country: str) -> bool:
    """Whether a number belongs to a country. If several countries share its country code, it
    belongs to the one that has its range, or else to the largest: +1 876 belongs to Jamaica, not to
    the United States."""
    try:
        parsed = phonenumbers.parse(e164)
    except NumberParseException:
        return False
    region = phonenumbers.region_code_for_number(
        parsed
    ) or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return bool(region == country)


def matches_prefix(e164: str, prefixes: Iterable[str]) -> bool:
    """Whether a number begins with one of the prefixes, which are digits without a plus."""
    return e164.removeprefix("+").startswith(tuple(prefixes))
