"""What is stored of a callerID by what is said of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any

from ringback.accounts import guarded
from ringback.accounts.entries import CallerIdEntry
from ringback.amounts import format_amount
from ringback.clock import utc
from ringback.documents import merged

_PLAIN = ("number", "name", "reference", "note", "expires", "language", "low_credit")
_NEW: Mapping[str, Any] = {
    "name": None,
    "reference": None,
    "note": None,
    "expires": None,
    "language": None,
    "low_credit": None,
    "enabled": True,
    "speed_dials": {},
    "guards": {},
    "destinations": {},
}
SORTED = {"name": "name_key", "reference": "reference_key"}
"""The columns by which these two are looked for and sorted."""


def columns(entry: CallerIdEntry, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The columns that an entry names, as they are stored once it has been applied to the row that
    there was; of a new callerID (None) all of them. PIN and credit are stored elsewhere."""
    given = entry.model_fields_set
    found: dict[str, Any] = {} if before is not None else dict(_NEW)
    found |= {name: getattr(entry, name) for name in _PLAIN if name in given}
    if "enabled" in given:
        found["enabled"] = entry.enabled is not False
    if "speed_dials" in given:
        there = {} if before is None else before["speed_dials"]
        dials = entry.speed_dials
        found["speed_dials"] = {} if dials is None else merged(there, dials)
    found |= guarded.given(entry, before)
    return found | {SORTED[name]: sort_key(found[name]) for name in SORTED if name in found}


def told(columns: Mapping[str, Any]) -> dict[str, Any]:
    """What is stored as people are told it, as JSON has it."""
    found = {name: value for name, value in columns.items() if name not in SORTED.values()}
    if found.get("expires") is not None:
        found["expires"] = utc(found["expires"]).isoformat(timespec="seconds")
    if found.get("low_credit") is not None:
        found["low_credit"] = format_amount(found["low_credit"])
    return found


def sort_key(text: str | None) -> str:
    """A name or reference without its capitals and differences of coding."""
    return unicodedata.normalize("NFKC", text or "").casefold()
