"""The number plans of the world, as the library `phonenumbers` knows them: which ranges a country
code has, and what may precede a national number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, cached_property

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata, PhoneNumber, PhoneNumberType
from phonenumbers import number_type as type_of
from phonenumbers.phonemetadata import PhoneNumberDesc

from ringback.numbering.patterns import Patterns

_MOST_READINGS = 16
_LONGEST_COUNTRY_CODE = 3
_OPTIONAL_PREFIX = "1"
_NOT_GEOGRAPHIC = "001"
_SPECIAL = (PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST)


class NumberPlan:
    """The plan of one country code, which several regions may share. Its parts are built when they
    are first needed."""

    def __init__(self, country_code: str) -> None:
        self._code = int(country_code)
        regions = COUNTRY_CODE_TO_REGION_CODE[self._code]
        self._plans = [_metadata(self._code, region) for region in regions]
        short = [PhoneMetadata.short_metadata_for_region(region) for region in regions]
        self._short = [metadata for metadata in short if metadata is not None]

    @cached_property
    def numbers(self) -> Patterns:
        """All numbers of the plan, roughly."""
        return _patterns(plan.general_desc for plan in self._plans)

    @cached_property
    def special(self) -> Patterns:
        """Premium-rate and shared-cost numbers."""
        return _patterns(
            each for plan in self._plans for each in (plan.premium_rate, plan.shared_cost)
        )

    @cached_property
    def ordinary(self) -> Patterns:
        """All other numbers."""
        return _patterns(
            each
            for plan in self._plans
            for each in (
                plan.fixed_line,
                plan.mobile,
                plan.toll_free,
                plan.voip,
                plan.personal_number,
                plan.pager,
                plan.uan,
                plan.voicemail,
            )
        )

    @cached_property
    def emergency(self) -> Patterns:
        return _patterns(short.emergency for short in self._short)

    @cached_property
    def short_premium(self) -> Patterns:
        """Short premium-rate numbers, such as directory enquiries."""
        return _patterns(short.premium_rate for short in self._short)

    def is_special(self, national: str) -> bool | None:
        """Whether a national number is premium-rate or shared-cost; None if it is in no known
        range, or has not the length of numbers in that range."""
        zeros = len(national) - len(national.lstrip("0"))
        number = PhoneNumber(
            country_code=self._code,
            national_number=int(national or "0"),
            italian_leading_zero=zeros > 0,
            number_of_leading_zeros=zeros or None,
        )
        found = type_of(number)
        return None if found == PhoneNumberType.UNKNOWN else found in _SPECIAL

    def dials(self, digits: str) -> bool:
        """Whether a number of a known range is dialled like this within the country: with its trunk
        prefix, if there is one. In North America the prefix is optional."""
        prefixes = {plan.national_prefix or "" for plan in self._plans}
        if _OPTIONAL_PREFIX in prefixes:
            prefixes.add("")
        return any(
            digits.startswith(prefix) and self.is_special(digits[len(prefix) :]) is not None
            for prefix in prefixes
        )

    def readings(self, national: str) -> list[str]:
        """The ways to read a national number: as it is and, unless that is a number of a known
        range, without the zeros, trunk prefixes, carrier selection codes and own area codes that
        may precede it."""
        found = [national]
        for reading in found:  # the list grows meanwhile
            if self.is_special(reading) is None:
                shorter = dict.fromkeys(self._without_prefix(reading))
                found += [each for each in shorter if each not in found]
            if len(found) >= _MOST_READINGS:
                break
        return found

    def _without_prefix(self, national: str) -> Iterator[str]:
        if national.startswith("0"):
            yield national[1:]
        for plan in self._plans:
            if plan.national_prefix and national.startswith(plan.national_prefix):
                yield national.removeprefix(plan.national_prefix)
            rule = plan.national_prefix_transform_rule or ""
            prefix = re.match(plan.national_prefix_for_parsing or "", national)
            if prefix is not None and prefix[0]:
                kept = prefix.expand(rule) if prefix.lastindex else ""
                yield kept + national[prefix.end() :]
            # A number typed without its area code was read with it, as "473\1" says.
            area = rule.partition("\\")[0]
            if area and national.startswith(area):
                yield national.removeprefix(area)


def _metadata(country_code: int, region: str) -> PhoneMetadata:
    metadata = (
        PhoneMetadata.metadata_for_nongeo_region(country_code)
        if region == _NOT_GEOGRAPHIC
        else PhoneMetadata.metadata_for_region(region)
    )
    assert metadata is not None  # the region is from the library's own table
    return metadata


def _patterns(ranges: Iterable[PhoneNumberDesc | None]) -> Patterns:
    found = (each.national_number_pattern for each in ranges if each is not None)
    # Regions that share a country code also share many ranges.
    return Patterns(dict.fromkeys(pattern for pattern in found if pattern is not None))


def split(e164: str) -> tuple[str, str] | None:
    """The country code and the national number of an E.164 number; None if no country has such a
    code."""
    digits = e164.removeprefix("+")
    if digits.startswith("0"):
        return None
    for length in range(1, _LONGEST_COUNTRY_CODE + 1):
        code = digits[:length]
        if len(code) == length and int(code) in COUNTRY_CODE_TO_REGION_CODE:
            return code, digits[length:]
    return None


def begins_numbers(prefix: str) -> bool:
    """Whether any number may begin with these digits: a country has such a code, and numbers with
    as many zeros behind it. ("" begins every number.)"""
    found = split(prefix)
    if found is None:
        return any(str(code).startswith(prefix) for code in COUNTRY_CODE_TO_REGION_CODE)
    code, national = found
    zeros = national[: len(national) - len(national.lstrip("0"))]
    return not zeros or plan_of(code).numbers.begin_with(zeros)


@cache
def plan_of(country_code: str) -> NumberPlan:
    """The plan of a country code, which must be one that `split` finds."""
    return NumberPlan(country_code)
