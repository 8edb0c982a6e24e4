"""What an account, an extension or a callerID may do at most, and where it may call (spec section
8). Each has both of its own, and all of them hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ringback.amounts import parse_amount

UNLIMITED = "unlimited"
"""Written in place of a number."""


class Kind(StrEnum):
    """What something is that has guards, in words for people."""

    CALLER_ID = "callerID"
    EXTENSION = "extension"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Guards:
    """None: unlimited."""

    calls_per_hour: int | None
    """Return calls dialled, retries too."""
    sessions: int | None
    """At once."""
    spend_per_day: Decimal | None = None
    spend_per_call: Decimal | None = None


DEFAULTS = {
    Kind.CALLER_ID: Guards(20, 1),
    Kind.EXTENSION: Guards(200, 50),
    Kind.ACCOUNT: Guards(1000, 200),
}


@dataclass(frozen=True, slots=True)
class Destinations:
    """Prefixes of numbers, without a plus."""

    allow: tuple[str, ...] = ()
    """Empty: every number."""
    deny: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """An account, an extension or a callerID, with what holds for all that is done below it."""

    kind: Kind
    id: str
    name: str
    """Of a callerID its number."""
    guards: Guards
    destinations: Destinations

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def guards_of(kind: Kind, document: Mapping[str, Any]) -> Guards:
    """The guards as they are stored: what a document does not name has its default."""
    default = DEFAULTS[kind]
    return Guards(
        _count(document.get("calls_per_hour", default.calls_per_hour)),
        _count(document.get("sessions", default.sessions)),
        _amount(document.get("spend_per_day", default.spend_per_day)),
        _amount(document.get("spend_per_call", default.spend_per_call)),
    )


def destinations_of(document: Mapping[str, Any]) -> Destinations:
    """The destinations as they are stored."""
    return Destinations(tuple(document.get("allow", ())), tuple(document.get("deny", ())))


def _count(stored: int | str | None) -> int | None:
    return stored if isinstance(stored, int) else None


def _amount(stored: str | None) -> Decimal | None:
    return None if stored is None or stored == UNLIMITED else parse_amount(stored)
