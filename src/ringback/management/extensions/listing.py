"""Looking at extensions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, tuple_

from ringback.management import places
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.store.models import AccessNumberRow, AccountRow, ExtensionRow

MOST = 500
"""The most extensions in one answer."""


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


@read("extension.list", Kind.EXTENSION, Need(Right.VIEW))
def extensions(
    act: Act,
    place: Place,
    *,
    below: bool = True,
    name: str = "",
    after: tuple[str, str] | None = None,
    limit: int = MOST,
) -> list[Extension]:
    """The extensions of an account, with `below` also those of what lies below it, in the order of
    their names. `name`: only those whose name begins with this; `after`: name and id of the last
    one that one has already."""
    of = AccountRow.parent_id
    where: list[Any] = [
        AccountRow.name.startswith(name, autoescape=True),
        places.is_below(AccountRow.id, [place.id]) if below else of == place.id,
    ]
    if after is not None:
        where.append(tuple_(AccountRow.name, AccountRow.id) > tuple_(*after))
    return _found(act, where, min(limit, MOST))


@read("extension.get", Kind.EXTENSION, Need(Right.VIEW), at=places.of_extension)
def extension(act: Act, place: Place) -> Extension:
    """One extension. Its callback setup is a read of its own."""
    (found,) = _found(act, [AccountRow.id == place.id], 1)
    return found


def _found(act: Act, where: Iterable[Any], limit: int) -> list[Extension]:
    rows = act.tx.execute(
        select(
            AccountRow.id,
            AccountRow.name,
            AccountRow.parent_id,
            AccountRow.status,
            ExtensionRow.callback,
        )
        .join(ExtensionRow, ExtensionRow.id == AccountRow.id)
        .where(AccountRow.deleted.is_(None), *where)
        .order_by(AccountRow.name, AccountRow.id)
        .limit(limit)
    ).all()
    leading = _leading(act, [row.id for row in rows])
    sight = Sight(act.tx, act.actor)
    return [
        Extension(
            row.id,
            row.name,
            row.parent_id,
            sight.path(row.id),
            row.status,
            row.callback.get("return_calls", "authorized"),
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
