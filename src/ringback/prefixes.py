"""Prefixes: the leading digits of numbers in E.164, as rates, routes and destinations name them.

No number with its country code begins with 0. A prefix that is written as it is dialled would never
match anything, so it is refused with a message that says what to write instead; so is a plus, which
is not a digit.
"""

from __future__ import annotations

import re
from typing import Annotated

from ringback.faults import Check, whole

LONGEST = 15
"""Digits: those of a whole number in E.164."""

_FORM = re.compile(r"(\+|00)?([0-9]{0,15})", re.ASCII)
_WANTED = 'write at most 15 leading digits of numbers with their country code, such as "44"'


def parse_prefix(text: str) -> str:
    """The prefix itself; "" stands for every number. Raises ValueError."""
    found = _FORM.fullmatch(text)
    if found is None or (found[1] and not found[2]):
        raise ValueError(f"{text[:40]!r} is no prefix: {_WANTED}")
    if found[2].startswith("0"):
        raise ValueError(
            f"{text!r} is no prefix, since no country code begins with 0: write the country code "
            'in place of the 0, such as "4420" for 020'
        )
    if found[1]:
        raise ValueError(f'{text!r} is no prefix: write it without {found[1]}: "{found[2]}"')
    return text


def parse_some_prefix(text: str) -> str:
    """The prefix itself, which must not be empty. Raises ValueError."""
    if not text:
        raise ValueError(_WANTED)
    return parse_prefix(text)


AnyPrefix = Annotated[str, Check(parse_prefix, {"pattern": whole("([1-9][0-9]{0,14})?")})]
"""A prefix of rates and routes, which may be for every number."""
Prefix = Annotated[str, Check(parse_some_prefix, {"pattern": whole("[1-9][0-9]{0,14}")})]
"""A prefix of destinations, packages and what a plan permits."""
