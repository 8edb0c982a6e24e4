"""`guards` and `destinations` in a setup: of accounts, extensions and callerIDs alike.

What is left out stays as it is; `null` is the default: of a count the number of section 8, of an
amount without limit, of a list none.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from ringback.accounts.callback import parse_money
from ringback.amounts import ZERO, format_amount
from ringback.faults import Section
from ringback.guards.settings import UNLIMITED
from ringback.prefixes import Prefix

LARGEST_COUNT = 1_000_000


def _count(value: object) -> object:
    if value == UNLIMITED:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_COUNT:
        return value
    raise ValueError(f"write a whole number up to {LARGEST_COUNT}, or unlimited")


def _spending(value: object) -> object:
    read = value if value == UNLIMITED else parse_money(value)
    if isinstance(read, Decimal) and read < ZERO:
        raise ValueError("must be 0.00 or more, or unlimited")
    return read


Unlimited = Literal["unlimited"]
Count = Annotated[int | Unlimited, BeforeValidator(_count)]
Spending = Annotated[Decimal | Unlimited, BeforeValidator(_spending)]


class GuardsEntry(Section):
    calls_per_hour: Count | None = None
    sessions: Count | None = None
    spend_per_day: Spending | None = None
    spend_per_call: Spending | None = None


class DestinationsEntry(Section):
    allow: tuple[Prefix, ...] | None = None
    deny: tuple[Prefix, ...] | None = None


class GuardedEntry(Section):
    """An entry of what has guards and destinations."""

    guards: GuardsEntry | None = None
    destinations: DestinationsEntry | None = None


def given(entry: GuardedEntry, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The columns that an entry names, as they are stored once it has been applied; `before` is the
    row that there was."""
    return {
        name: _changed({} if before is None else before[name], getattr(entry, name))
        for name in ("guards", "destinations")
        if name in entry.model_fields_set
    }


def _changed(before: Mapping[str, Any], entry: Section | None) -> dict[str, Any]:
    """What differs from the defaults."""
    if entry is None:
        return {}
    after = dict(before)
    for name in sorted(entry.model_fields_set):
        value = getattr(entry, name)
        if value is None or value == ():
            after.pop(name, None)
        else:
            after[name] = _stored(value)
    return after


def _stored(value: object) -> object:
    if isinstance(value, Decimal):
        return format_amount(value)
    return list(value) if isinstance(value, tuple) else value
