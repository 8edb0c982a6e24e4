"""A guard that was reached: told to whoever may see it, and to nobody below them."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.guards.settings import Kind, Subject

SERVER = "server"
"""Whose guard it is that holds for one return number over the whole server."""


@dataclass(frozen=True, slots=True)
class Reached:
    """Which guard, of whom, and how full it is."""

    guard: str
    """Its name in a setup or in the configuration."""
    kind: str
    """A `Kind`, or SERVER."""
    subject_id: str
    """Of the server the return number."""
    name: str
    used: str
    limit: str

    @classmethod
    def of(cls, subject: Subject, guard: str, used: str, limit: str) -> Reached:
        """A guard that is set for a subject."""
        return cls(guard, subject.kind, subject.id, subject.name, used, limit)

    @classmethod
    def of_server(cls, guard: str, number: str, used: int, limit: int) -> Reached:
        """A guard over all that is done with one return number."""
        return cls(guard, SERVER, number, number, str(used), str(limit))

    def __str__(self) -> str:
        """For whoever sees all levels."""
        return f"{self.guard} of {self.kind} {self.name}: {self.used} of {self.limit}"

    def explained(self) -> str:
        """For everybody who may see the session: a level above is neither named nor counted."""
        match self.kind:
            case Kind.CALLER_ID | Kind.EXTENSION:
                return f"{self.guard} of its {self.kind} is reached: {self.used} of {self.limit}"
            case Kind.ACCOUNT:
                return "your provider: not now"
            case _:
                return "not now: too many return calls to this number"
