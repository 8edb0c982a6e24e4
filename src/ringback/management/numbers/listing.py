"""The access numbers that an account holds, and those that it has handed down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from ringback.management import places
from ringback.management.paging import LARGEST_PAGE, Page, Question, page_of
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.store.models import AccessNumberRow


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
    cursor: str | None = None,
    limit: int = LARGEST_PAGE,
) -> Page[AccessNumber]:
    """The numbers that an account holds, with `below` also those of what lies below it; in order.
    `number`: what they begin with, in E.164; `cursor`: `next` of the page before. Raises Faults."""
    question = Question("number.list", place.id, {"below": below, "number": number})
    held_by = AccessNumberRow.account_id
    found = select(*AccessNumberRow.__table__.columns).where(
        places.is_below(held_by, [place.id]) if below else held_by == place.id
    )
    if number is not None:
        found = found.where(AccessNumberRow.number.startswith(number, autoescape=True))

    def shown(rows: Sequence[Row[Any]]) -> list[AccessNumber]:
        named = [id_ for row in rows for id_ in (row.account_id, row.extension_id)]
        sight = Sight(act.tx, act.actor, named)
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
            for row in rows
        ]

    order = (AccessNumberRow.number,)
    return page_of(act, question, found, order, shown, cursor=cursor, limit=limit)
