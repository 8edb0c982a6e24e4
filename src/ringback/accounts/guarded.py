"""`guards` and `destinations` in a setup: of accounts, extensions and callerIDs alike.

What is left out stays as it is; `null` is the default: of a count the number of section 8, of an
amount without limit, of a list none.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ringback.accounts.callback import NotNegative, parse_money
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
Count = Annotated[
    Annotated[int, Field(ge=0, le=LARGEST_COUNT)] | Unlimited, BeforeValidator(_count)
]
Spending = Annotated[NotNegative | Unlimited, BeforeValidator(_spending)]


class GuardsEntry(Section):
    """What it may do at most. A number, an amount, or `unlimited`; `null` is the default."""

    calls_per_hour: Count | None = None
    """Return calls dialled in the last hour. By default 20 of a callerID, 200 of an extension, 1000
    of an account."""
    sessions: Count | None = None
    """Sessions at once. By default 1 of a callerID, 50 of an extension, 200 of an account."""
    spend_per_day: Spending | None = None
    """An amount, from midnight to midnight in the account's time zone. By default unlimited."""
    spend_per_call: Spending | None = None
    """An amount, for one return call and all that is dialled on it. By default unlimited."""


class DestinationsEntry(Section):
    """Which numbers may be called, by their leading digits; the longest that matches decides."""

    allow: tuple[Prefix, ...] | None = None
    """If there are any, no other numbers; those of the callers must be among them, too."""
    deny: tuple[Prefix, ...] | None = None
    """Numbers that are refused."""


class GuardedEntry(Section):
    """An entry of what has guards and destinations."""

    guards: GuardsEntry | None = None
    """What it may do at most; `null` is the defaults."""
    destinations: DestinationsEntry | None = None
    """Which numbers may be called; `null` is all."""


def given(entry: GuardedEntry, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The columns that an entry names, as they are stored once it has been applied; `before` is the
    row that there was."""
    return {
        name: changed({} if before is None else before[name], getattr(entry, name))
        for name in ("guards", "destinations")
        if name in entry.model_fields_set
    }


def changed(before: Mapping[str, Any], entry: Section | None) -> dict[str, Any]:
    """What is stored of such a part once its entry has been applied: what differs from the
    defaults."""
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
