"""How the change of a field is written where people read it."""

from __future__ import annotations

import json
from decimal import Decimal

from ringback.amounts import format_amount


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
