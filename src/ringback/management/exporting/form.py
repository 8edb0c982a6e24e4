"""The form of an entry: only what is set or is not the default, in the order of the manual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ringback.accounts.guarded import DestinationsEntry, GuardsEntry
from ringback.faults import Section


@dataclass(frozen=True, slots=True)
class Exported:
    """An entry, with what cannot be written in it."""

    document: Mapping[str, Any]
    """As JSON has it."""
    remark: str = ""
    """What whoever applies it elsewhere has to know."""
    missing: str = ""
    """What is not in it, though no secret: whoever exports it has to know."""


def said(**values: Any) -> dict[str, Any]:
    """What is set of these."""
    return {name: value for name, value in values.items() if value not in (None, {}, [], ())}


def in_order(document: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """The same, its keys in the order of the names. (A database may keep no order.)"""
    return {name: document[name] for name in names if name in document}


def names_of(kind: type[Section]) -> list[str]:
    """The keys of an entry, as files write them."""
    return [field.alias or name for name, field in kind.model_fields.items()]


def guarded(row: Any) -> dict[str, Any]:
    """Guards and destinations of a row that has them."""
    return said(
        guards=in_order(row.guards, names_of(GuardsEntry)),
        destinations=in_order(row.destinations, names_of(DestinationsEntry)),
    )
