"""The numbers of every region that the library `phonenumbers` has examples of, and the ways in
which a phone or a carrier may spell them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberType
from phonenumbers.phonemetadata import PhoneNumberDesc

from ringback.numbering import BadNumber, read_typed

SPECIAL = ("premium_rate", "shared_cost")
ORDINARY = (
    "fixed_line",
    "mobile",
    "toll_free",
    "voip",
    "personal_number",
    "uan",
    "pager",
    "voicemail",
)
SATELLITE = ("870", "881", "882", "883", "979")
NOWHERE = "001"
"""The region of numbers of no country."""

_LONGEST_TRIED = 4
_PREFIXES = [
    "".join(digits) for length in range(1, 5) for digits in product("0123456789", repeat=length)
]


@dataclass(frozen=True)
class Example:
    region: str
    kind: str
    code: str
    national: str

    @property
    def e164(self) -> str:
        return f"+{self.code}{self.national}"

    @property
    def home(self) -> str:
        """Where it is typed; "ZZ" where that is nowhere."""
        return "ZZ" if self.region == NOWHERE else self.region

    def __str__(self) -> str:
        return f"{self.region} {self.kind} {self.e164}"


def plan_of(region: str) -> PhoneMetadata:
    plan = PhoneMetadata.metadata_for_region(region)
    assert plan is not None
    return plan


def metadata() -> Iterator[tuple[str, PhoneMetadata]]:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        yield region, plan_of(region)
    for code in sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS):
        plan = PhoneMetadata.metadata_for_nongeo_region(code)
        assert plan is not None
        yield NOWHERE, plan


def examples(*kinds: str) -> list[Example]:
    found = []
    for region, plan in metadata():
        for kind in kinds:
            desc: PhoneNumberDesc | None = getattr(plan, kind)
            if desc is not None and desc.example_number:
                found.append(Example(region, kind, str(plan.country_code), desc.example_number))
    return found


def emergencies() -> list[Example]:
    """Every emergency number of every region; of those longer than 4 digits the examples."""
    found = []
    for region, plan in metadata():
        short = None if region == NOWHERE else PhoneMetadata.short_metadata_for_region(region)
        if short is None or short.emergency is None:
            continue
        numbers = [
            "".join(digits)
            for length in short.emergency.possible_length
            if length <= _LONGEST_TRIED
            for digits in product("0123456789", repeat=length)
        ]
        numbers += filter(None, [short.emergency.example_number])
        pattern = re.compile(short.emergency.national_number_pattern or "")
        found += [
            Example(region, "emergency", str(plan.country_code), number)
            for number in sorted(set(numbers))
            if pattern.fullmatch(number)
        ]
    return found


def longer(number: str) -> list[str]:
    """With 1 to 5 digits more."""
    return [number + digit * count for count in range(1, 6) for digit in "0159"]


def shorter(number: str) -> list[str]:
    """With fewer digits, down to the first."""
    return [number[:count] for count in range(1, len(number))]


@cache
def international_prefixes(region: str) -> list[str]:
    pattern = plan_of(region).international_prefix or ""
    return [each for each in _PREFIXES if re.fullmatch(pattern, each)][:6]


def carrier_prefixes(region: str, national: str) -> list[str]:
    """Trunk prefix and carrier selection code, where the region has such codes."""
    plan = plan_of(region)
    pattern = plan.national_prefix_for_parsing
    trunk = plan.national_prefix or ""
    if not pattern or "(" not in pattern:
        return []
    found = (re.match(pattern, trunk + code + national) for code in _PREFIXES)
    return [
        trunk + code
        for code, match in zip(_PREFIXES, found, strict=True)
        if match is not None and match[1] == code
    ][:4]


@dataclass(frozen=True)
class Ways:
    """How a region spells its numbers."""

    code: str
    trunk: str
    international: list[str]
    carriers: list[str]

    def spellings(self, national: str) -> set[str]:
        here = ["", self.trunk, "0", *self.carriers]
        abroad = [f"{each}{self.code}" for each in ("+", *self.international)]
        return {front + national for front in here} | {
            each + front + national for each in abroad for front in (*here, "00", "000")
        }


def ways_of(example: Example) -> Ways:
    if example.region == NOWHERE:
        return Ways(example.code, "", [], [])
    plan = plan_of(example.region)
    return Ways(
        example.code,
        plan.national_prefix or "",
        international_prefixes(example.region),
        carrier_prefixes(example.region, example.national),
    )


def reading(text: str, example: Example) -> str | None:
    """What a text is read as that is typed in the region or sent by its carriers; None where it is
    no number, or one of another country code, which is another number."""
    try:
        number = read_typed(text, example.home)
    except BadNumber:
        return None
    return number if number.startswith(f"+{example.code}") else None


def is_ordinary(e164: str) -> bool:
    """Whether the library knows the number, and that it is of an ordinary range."""
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return False
    return kind not in (
        PhoneNumberType.UNKNOWN,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
    )
