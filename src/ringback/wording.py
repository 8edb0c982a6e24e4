"""How changes and lists are written where people read them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from decimal import Decimal

from ringback.amounts import format_amount

MOST_LISTED = 20


def listed(names: Iterable[str], most: int = MOST_LISTED) -> str:
    """The first of some names, `a, b, c, …`."""
    every = list(names)
    return ", ".join(every[:most]) + (", …" if len(every) > most else "")


def from_to(name: str, before: object, after: object) -> str:
    """`ring_seconds 5 -> 10`. The values are such as JSON has, or amounts."""
    return f"{name} {_shown(before)} -> {_shown(after)}"


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, Decimal):
        return format_amount(value)
    if isinstance(value, str) and value:
        return value
    return json.dumps(value, sort_keys=True)
