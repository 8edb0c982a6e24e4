"""What a verb changed, told once: for the audit log, for the line that a command prints, and for
events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from ringback.management.places import Kind, Place
from ringback.wording import from_to


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
class Author:
    """Who made a change."""

    who: str
    login_id: str | None
    key_id: str | None
    by_account_id: str | None
    """The account whose role allowed it; None where it needed none."""
    acting_for_id: str | None
    """The account that was in view, if it was not the actor's own."""


NO_FIELDS: Mapping[str, Any] = MappingProxyType({})

_IN_USE = frozenset({Kind.ACCOUNT, Kind.EXTENSION, Kind.CALLER_ID})
_STANDING = frozenset({"status", "enabled", "expires"})


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one subject."""

    verb: str
    action: Action
    kind: Kind
    id: str
    name: str
    """What people call the subject; empty if it is the place itself."""
    place: Place
    """The account or extension that the subject belongs to."""
    author: Author
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    """Name -> (before, after), as JSON has them. A secret is never here."""
    secrets: Mapping[str, SecretChange] = field(default_factory=dict)
    line: str = ""
    """What commands print of it, where that is not made from the rest."""

    @property
    def of_standing(self) -> bool:
        """Whether calls may be affected that are under way: an account, an extension or a callerID
        may be used no more, or until another instant."""
        touched = self.action is Action.DELETED or not _STANDING.isdisjoint(self.fields)
        return self.kind in _IN_USE and touched

    def lines(self) -> Iterator[str]:
        """What commands print."""
        if self.line:
            yield self.line
            return
        subject = f"{self.kind} {self.name or self.place.path}"
        if self.name:
            subject += f" of {self.place.path}"
        if self.action is not Action.UPDATED:
            yield f"{self.action} {subject}"
            return
        for name, (before, after) in self.fields.items():
            yield f"{subject}: {from_to(name, before, after)}"
        for name, became in self.secrets.items():
            yield f"{subject}: {name} {became}"
