"""What was done to one thing, told once: for the line that a command prints, for the audit log, and
for events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ringback.wording import from_to

NO_FIELDS: Mapping[str, Any] = MappingProxyType({})


class NoSuch(LookupError):
    """There is no such thing, or none any more."""


class Action(StrEnum):
    """What became of the subject. The value is the end of an event's type."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"


class SecretChange(StrEnum):
    """All that is told of a secret."""

    SET = "set"
    CHANGED = "changed"
    TAKEN_OFF = "taken off"

    @classmethod
    def between(cls, before: object, after: object) -> SecretChange:
        """What became of a secret, by what is stored of it before and after; None is no secret."""
        if after is None:
            return cls.TAKEN_OFF
        return cls.SET if before is None else cls.CHANGED


@dataclass(frozen=True, slots=True)
class Altered:
    """One thing that was created, changed or deleted."""

    kind: str
    action: Action
    id: str
    name: str
    """What people call it; empty for the route of every number."""
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Name -> (before, after), as JSON has them. A secret is never here."""
    secrets: Mapping[str, SecretChange] = field(default_factory=dict)
    line: str = ""
    """What commands print of it, where that is not made from the rest."""

    @property
    def subject(self) -> str:
        """The thing, as a line begins."""
        return called(self.kind, self.name)

    def lines(self) -> Iterator[str]:
        """What commands print."""
        if self.line:
            yield self.line
            return
        if self.action is not Action.UPDATED:
            yield f"{self.action} {self.subject}"
            return
        for name, (before, after) in self.fields.items():
            yield f"{self.subject}: {from_to(name, before, after)}"
        for name, became in self.secrets.items():
            yield f"{self.subject}: {name} {became}"


def called(kind: str, name: str) -> str:
    """A thing in words: `trunk london-1`, `route ""`."""
    return f"{kind} {name or _EMPTY}"


_EMPTY = '""'


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The fields in which two documents differ."""
    return {
        name: (before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }
