"""What may be said of any account, an extension included (spec section 2), and how it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ringback.accounts.callback import Language, NotNegative, Text, TimeZone
from ringback.accounts.guarded import Count, GuardedEntry, changed, given
from ringback.accounts.names import Name
from ringback.accounts.times import When
from ringback.amounts import ZERO
from ringback.countries import Country
from ringback.faults import Section

ENABLED = "enabled"


class LimitsEntry(Section):
    """How much there may be below an account. A number or `unlimited`; `null` is the default."""

    extensions: Count | None = None
    """By default unlimited."""
    caller_ids: Count | None = None
    """Enabled ones. By default unlimited."""
    storage_mb: Count | None = None
    """Megabytes of sounds. By default 1024."""


class AnyAccountEntry(GuardedEntry):
    """An account of any level."""

    name: Name
    """Unique among its siblings."""
    contact_name: Text | None = None
    """Shown to called parties; `null` is the name of the account, or for an extension the contact
    name of the account above."""
    country: Country | None = None
    """A country of ISO 3166, in which numbers are read as they are dialled there; `null` is that
    of the account above."""
    language: Language | None = None
    """Of prompts, as in BCP 47; `null` is that of the account above."""
    time_zone: TimeZone | None = None
    """By its name, such as `Europe/London`; `null` is that of the account above."""
    status: Literal["enabled", "suspended"] | None = None
    """Of a suspended one no call is accepted, and live ones end; `null` is `enabled`."""
    expires: When = None
    """From then on it is as if suspended; `null` is never."""
    plan: Text | None = None
    """The charging plan by which the account pays; `null` is none."""
    balance: NotNegative = ZERO
    """An amount that the account begins with, at creation only. Later use `ringback recharge`."""
    credit_limit: NotNegative | None = None
    """An amount: how far the balance may go below zero. `null` is the limit of the plan."""
    low_credit: NotNegative | None = None
    """An amount: with less than that, the credit is low. `null` is none."""
    limits: LimitsEntry | None = None
    """How much there may be below it; `null` is the defaults."""


_COLUMNS = ("country", "language", "time_zone", "expires", "credit_limit", "low_credit")


def columns(
    entry: AnyAccountEntry, before: Mapping[str, Any] | None = None, *, level: str
) -> dict[str, Any]:
    """The columns that an entry names, as they are stored once it has been applied, without its
    plan. `before` is the row that there was; `level` that of the account."""
    named = entry.model_fields_set
    found = {name: getattr(entry, name) for name in _COLUMNS if name in named}
    if "name" in named:
        found["name"] = entry.name
    if "status" in named:
        found["status"] = entry.status or ENABLED
    if "contact_name" in named or before is None:
        found["contact_name"] = entry.contact_name or (None if level == "extension" else entry.name)
    if "limits" in named:
        found["limits"] = changed({} if before is None else before["limits"], entry.limits)
    return {**found, **given(entry, before)}
