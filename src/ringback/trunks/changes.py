"""What a change of a trunk or route came to: for the lines that are printed, and the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

from ringback.wording import from_to

NONE: Mapping[str, Any] = MappingProxyType({})
SecretDeed = Literal["set", "changed", "taken off"]
"""All that is told of a secret."""


class NoSuch(LookupError):
    """There is no trunk or route of that name."""


class InTheWay(ValueError):
    """It cannot be removed; the message names what is in the way."""


@dataclass(frozen=True, slots=True)
class Altered:
    """One trunk or route that was changed."""

    kind: Literal["trunk", "route"]
    action: Literal["created", "updated", "deleted"]
    id: str
    name: str
    """Of a route its prefix."""
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=lambda: NONE)
    """From what to what; None: it was or is not set. No secret is here."""
    secrets: Mapping[str, SecretDeed] = field(default_factory=lambda: NONE)

    def lines(self) -> list[str]:
        """What changed, in words."""
        subject = f"{self.kind} {self.name or _EVERY}"
        if self.action != "updated":
            return [f"{self.action} {subject}"]
        fields = (
            f"{subject}: {from_to(name, before, after)}"
            for name, (before, after) in self.fields.items()
        )
        return [*fields, *(f"{subject}: {name} {deed}" for name, deed in self.secrets.items())]


_EVERY = '""'
"""A prefix of every number."""


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields in which two documents differ."""
    return {
        name: (before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }


def secret_deed(before: str | None, after: str | None) -> SecretDeed:
    """What became of a secret that differs."""
    if after is None:
        return "taken off"
    return "set" if before is None else "changed"
