"""What every event of a session has in common."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from ringback.clock import Instant


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened in a session."""

    type: ClassVar[str]
    """Its name for programs: it never changes."""
    words: ClassVar[str] = ""
    logged: ClassVar[bool] = True
    """Whether the log has a line for it."""
    caller_hears: ClassVar[str] = ""
    callee_hears: ClassVar[str] = ""

    def crowd(self) -> str | None:
        """Of what is told of each trigger before its source is proven: the kind of which the log
        has so many lines a minute at most. None for all else."""
        return None

    def told(self) -> str:
        """The same for people, in a few plain words."""
        return self.words

    def alike(self) -> tuple[str, ...] | None:
        """Where strangers may have it happen again and again: what makes two of its lines say the
        same, of which the log has one a minute (spec section 11). None: each is of its own."""
        return None

    def heard_by_caller(self) -> str:
        """What the caller hears from now on; empty: nothing new."""
        return self.caller_hears

    def heard_by_callee(self) -> str:
        """What the called party hears from now on; empty: nothing new."""
        return self.callee_hears

    def facts(self) -> dict[str, Any]:
        """Its fields, by name."""
        return {
            field.name: value
            for field in dataclasses.fields(self)
            if (value := getattr(self, field.name)) is not None
        }


@dataclass(frozen=True, slots=True)
class SessionEvent:
    """What happened, in which session, and when."""

    session: str
    at: Instant
    happening: Happening
