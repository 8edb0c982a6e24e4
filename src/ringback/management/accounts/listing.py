"""The accounts below an account, or its extensions, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, select

from ringback.clock import Instant
from ringback.management import places
from ringback.management.paging import LARGEST_PAGE, Page, Question, page_of
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.store.models import AccountRow

Status = Literal["enabled", "suspended"]
Level = Literal["provider", "organization", "user", "extension"]


@dataclass(frozen=True, slots=True)
class Listed:
    """An account in a list."""

    id: str
    path: str
    """From the reader's own account on."""
    level: str
    name: str
    contact_name: str | None
    status: str
    expires: Instant | None


@read("account.list", Kind.ACCOUNT, Need(Right.VIEW))
def accounts(
    act: Act,
    place: Place,
    *,
    status: Status | None = None,
    level: Level | None = None,
    name: str | None = None,
    cursor: str | None = None,
    limit: int = LARGEST_PAGE,
) -> Page[Listed]:
    """The accounts below an account, in the order of their names; its extensions if that is the
    `level` asked for. `name`: what it begins with, in small or capital letters; `cursor`: `next` of
    the page before. Raises Faults."""
    question = Question("account.list", place.id, {"status": status, "level": level, "name": name})
    found = select(
        AccountRow.id,
        AccountRow.level,
        AccountRow.name,
        AccountRow.contact_name,
        AccountRow.status,
        AccountRow.expires,
    ).where(
        places.is_below(AccountRow.id, [place.id]),
        AccountRow.id != place.id,
        AccountRow.deleted.is_(None),
    )
    if status is not None:
        found = found.where(AccountRow.status == status)
    found = found.where(
        AccountRow.level != "extension" if level is None else AccountRow.level == level
    )
    if name is not None:
        found = found.where(AccountRow.name.istartswith(name, autoescape=True))

    def shown(rows: Sequence[Row[Any]]) -> list[Listed]:
        sight = Sight(act.tx, act.actor, [row.id for row in rows])
        return [
            Listed(
                row.id,
                sight.path(row.id),
                row.level,
                row.name,
                row.contact_name,
                row.status,
                row.expires,
            )
            for row in rows
        ]

    order = (AccountRow.name, AccountRow.id)
    return page_of(act, question, found, order, shown, cursor=cursor, limit=limit)
