"""The access numbers that an account holds, and those that it has handed down."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from ringback.management import places
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.store.models import AccessNumberRow

MOST = 1000
"""The most numbers in one answer."""


@dataclass(frozen=True, slots=True)
class AccessNumber:
    """A public number in a list."""

    number: str
    """E.164."""
    account_id: str
    """The account that holds it."""
    path: str
    """That of the account, from the reader's own on."""
    extension_id: str | None
    extension: str | None
    """The path of the extension that it leads to."""
    position: int
    """Its place among the numbers of the extension; 0 is the public number."""
    destination: str | None


@read("number.list", Kind.ACCESS_NUMBER, Need(Right.VIEW))
def access_numbers(
    act: Act,
    place: Place,
    *,
    below: bool = True,
    number: str | None = None,
    after: str = "",
    limit: int = MOST,
) -> list[AccessNumber]:
    """The numbers that an account holds, with `below` also those of what lies below it; in order.
    `number`: only this one; `after`: the last one that one has already."""
    held_by = AccessNumberRow.account_id
    query = (
        select(AccessNumberRow.__table__)
        .where(places.is_below(held_by, [place.id]) if below else held_by == place.id)
        .where(AccessNumberRow.number > after)
        .order_by(AccessNumberRow.number)
        .limit(min(limit, MOST))
    )
    if number is not None:
        query = query.where(AccessNumberRow.number == number)
    sight = Sight(act.tx, act.actor)
    return [
        AccessNumber(
            row.number,
            row.account_id,
            sight.path(row.account_id),
            row.extension_id,
            None if row.extension_id is None else sight.path(row.extension_id),
            row.position,
            row.destination,
        )
        for row in act.tx.execute(query)
    ]
