"""What can be taken out of use in the example setup, as rows, since the verbs that do it have tests
of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, update
from tests.calls.stores import at_once
from tests.calls.world import CALLER, World

from ringback.store.models import AccountRow, Base, CallerIdRow

PROVIDER = {
    "accounts": [
        {"name": "northline", "level": "provider", "contact_name": "Northline", "country": "GB"},
        {"name": "acme", "parent": "northline", "balance": "100.00"},
    ]
}
"""Applied first, it puts a provider above the account of the example setup."""


def set_rows(world: World, model: type[Base], column: str, value: str, **values: Any) -> None:
    """Change the rows that have a value in a column, at once."""
    change = update(model).where(model.__table__.c[column] == value).values(**values)

    def work(tx: Connection) -> None:
        tx.execute(change)

    at_once(world.store.run(work))


@dataclass(frozen=True, slots=True)
class Fall:
    """One thing taken out of use, and what comes of it."""

    name: str
    """Of the account or extension; the number of the callerID."""
    how: Callable[[float], dict[str, Any]]
    """The values of the row, from the present instant."""
    told: str
    """How what is told of it begins."""
    refused: str = "suspended"
    """The reason for which a trigger is refused then."""

    def happens(self, world: World) -> None:
        values = self.how(world.clock.now())
        if self.name == CALLER:
            set_rows(world, CallerIdRow, "number", self.name, **values)
        else:
            set_rows(world, AccountRow, "name", self.name, **values)


def _suspended(now: float) -> dict[str, Any]:
    return {"status": "suspended"}


def _deleted(now: float) -> dict[str, Any]:
    return {"deleted": now}


def _expired(now: float) -> dict[str, Any]:
    return {"expires": now}


def _disabled(now: float) -> dict[str, Any]:
    return {"enabled": False}


SUSPENDED = Fall("acme", _suspended, "account acme is suspended")
FALLS = [
    SUSPENDED,
    Fall("acme", _deleted, "account acme is deleted"),
    Fall("acme", _expired, "account acme expired on 2023-11-14 at 22:"),
    Fall("northline", _suspended, "account northline is suspended"),
    Fall("northline", _expired, "account northline expired on 2023-11-14 at 22:"),
    Fall("travellers", _suspended, "extension travellers is suspended"),
    Fall("travellers", _expired, "extension travellers expired on 2023-11-14 at 22:"),
    Fall(CALLER, _disabled, f"callerID {CALLER} is disabled", "disabled"),
    Fall(CALLER, _expired, f"callerID {CALLER} expired on 2023-11-14 at 22:", "disabled"),
    Fall(CALLER, _deleted, f"callerID {CALLER} is deleted", "unlisted"),
]
EXTENSION_DELETED = Fall("travellers", _deleted, "extension travellers is deleted")
