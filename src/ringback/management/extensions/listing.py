"""Looking at extensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import Row, select

from ringback.accounts.callback import ReturnCalls
from ringback.management import places
from ringback.management.paging import LARGEST_PAGE, Page, Question, page_of
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.store.models import AccessNumberRow, AccountRow, ExtensionRow


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension, with what is not that of any account."""

    id: str
    name: str
    account_id: str
    path: str
    """As commands name it, from the reader's own account on."""
    status: str
    return_calls: str
    access_numbers: tuple[str, ...]
    """Those that lead to it; the first is its public number."""


_FOUND = (
    select(
        AccountRow.id,
        AccountRow.name,
        AccountRow.parent_id,
        AccountRow.status,
        ExtensionRow.callback,
    )
    .join(ExtensionRow, ExtensionRow.id == AccountRow.id)
    .where(AccountRow.deleted.is_(None))
)


@read("extension.list", Kind.EXTENSION, Need(Right.VIEW))
def extensions(
    act: Act,
    place: Place,
    *,
    below: bool = True,
    name: str | None = None,
    cursor: str | None = None,
    limit: int = LARGEST_PAGE,
) -> Page[Extension]:
    """The extensions of an account, with `below` also those of what lies below it, in the order of
    their names. `name`: what it begins with, in small or capital letters; `cursor`: `next` of the
    page before. Raises Faults."""
    question = Question("extension.list", place.id, {"below": below, "name": name})
    of = AccountRow.parent_id
    found = _FOUND.where(places.is_below(AccountRow.id, [place.id]) if below else of == place.id)
    if name is not None:
        found = found.where(AccountRow.name.istartswith(name, autoescape=True))
    order = (AccountRow.name, AccountRow.id)
    return page_of(act, question, found, order, partial(_shown, act), cursor=cursor, limit=limit)


@read("extension.get", Kind.EXTENSION, Need(Right.VIEW), at=places.of_extension)
def extension(act: Act, place: Place) -> Extension:
    """One extension. Its callback setup is a read of its own."""
    (found,) = _shown(act, act.tx.execute(_FOUND.where(AccountRow.id == place.id)).all())
    return found


def _shown(act: Act, rows: Sequence[Row[Any]]) -> list[Extension]:
    ids = [row.id for row in rows]
    leading, sight = _leading(act, ids), Sight(act.tx, act.actor, ids)
    return [
        Extension(
            row.id,
            row.name,
            row.parent_id,
            sight.path(row.id),
            row.status,
            row.callback.get("return_calls", ReturnCalls.AUTHORIZED),
            tuple(leading.get(row.id, ())),
        )
        for row in rows
    ]


def _leading(act: Act, extension_ids: Sequence[str]) -> dict[str, list[str]]:
    query = (
        select(AccessNumberRow.extension_id, AccessNumberRow.number)
        .where(AccessNumberRow.extension_id.in_(extension_ids))
        .order_by(AccessNumberRow.position)
    )
    found: dict[str, list[str]] = {}
    for row in act.tx.execute(query):
        found.setdefault(row.extension_id, []).append(row.number)
    return found
