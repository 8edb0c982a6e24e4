"""What a change of a trunk or route came to, for the line that is printed and for the audit log."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal


class NoSuch(LookupError):
    """There is no trunk or route of that name."""


class InTheWay(ValueError):
    """It cannot be removed; the message names what is in the way."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, from what to what; None: it was or is not set. Of a secret only its name is
    told."""

    field: str
    before: Any
    after: Any
    is_secret: bool = False

    def __str__(self) -> str:
        if self.is_secret:
            verb = "set" if self.before is None else "taken out" if self.after is None else None
            return f"{self.field} {verb or 'changed'}"
        return f"{self.field} {_shown(self.before)} -> {_shown(self.after)}"


@dataclass(frozen=True, slots=True)
class Change:
    """One trunk or route that was changed."""

    kind: Literal["trunk", "route"]
    id: str
    name: str
    """Of a route its prefix."""
    did: Literal["created", "updated", "deleted"]
    fields: tuple[FieldChange, ...] = ()

    def lines(self) -> list[str]:
        """What changed, in words."""
        name = self.name or '""'
        if self.did != "updated":
            verb = "created" if self.did == "created" else "removed"
            return [f"{verb} {self.kind} {name}"]
        return [f"{self.kind} {name}: {field}" for field in self.fields]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldChange]:
    """What differs between two documents, field by field."""
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield FieldChange(name, before.get(name), after.get(name))


def _shown(value: object) -> str:
    if value is None:
        return "none"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
