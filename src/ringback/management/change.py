"""What a verb changed, with who changed it and whose it is."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.changes import NO_FIELDS, Action, Altered, SecretChange, called
from ringback.management.places import OF_THE_SERVER, Kind, Place

__all__ = ["NO_FIELDS", "Action", "Altered", "Author", "Change", "SecretChange"]


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


_IN_USE = frozenset({Kind.ACCOUNT, Kind.EXTENSION, Kind.CALLER_ID})
_STANDING = frozenset({"status", "enabled", "expires"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Altered):
    """One change of one subject, whose name is empty if it is the place itself."""

    kind: Kind
    verb: str
    place: Place
    """The account or extension that the subject belongs to."""
    path: str
    """Its path, as the author sees it."""
    author: Author

    @property
    def of_standing(self) -> bool:
        """Whether calls may be affected that are under way: an account, an extension or a callerID
        may be used no more, or until another instant."""
        changed = self.action is Action.UPDATED and not _STANDING.isdisjoint(self.fields)
        return self.kind in _IN_USE and (changed or self.action is Action.DELETED)

    @property
    def subject(self) -> str:
        if self.id == self.place.id:
            return f"{self.kind} {self.path}"
        named = called(self.kind, self.name)
        return named if self.kind in OF_THE_SERVER else f"{named} of {self.path}"
