"""The accounts and extensions that there are at and below an account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from ringback.accounts.names import ADMINISTRATOR
from ringback.management import places
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.store.models import AccountRow


@dataclass(frozen=True, slots=True)
class Node:
    """An account or extension."""

    id: str
    name: str
    level: str
    path: str
    """As a setup file names it, from the reader's own account on."""
    above: str | None
    """The path of the account above; None where the reader does not see it, and at the top."""

    @property
    def is_extension(self) -> bool:
        return self.level == "extension"


@read("setup.tree", Kind.ACCOUNT, Need(Right.SEE_MONEY), at=places.of_account)
def tree(act: Act, place: Place) -> list[Node]:
    """The account and all that lies below it, each before what lies below itself, in the order of
    their names; the extensions of an account before the accounts below it."""
    query = select(AccountRow.id, AccountRow.parent_id, AccountRow.name, AccountRow.level).where(
        places.is_below(AccountRow.id, [place.id]), AccountRow.deleted.is_(None)
    )
    rows = act.tx.execute(query).all()
    root = next(row for row in rows if row.id == place.id)
    below: dict[str, list[Any]] = {}
    for row in rows:
        below.setdefault(row.parent_id, []).append(row)
    sight = Sight(act.tx, act.actor)
    seen = root.parent_id is not None and sight.exists(root.parent_id)
    above = sight.path(root.parent_id) if seen else None
    return list(_nodes(root, sight.path(root.id), above, below))


def _nodes(
    row: Any, path: str, above: str | None, below: Mapping[str, Sequence[Any]]
) -> Iterator[Node]:
    yield Node(row.id, row.name, row.level, path, above)
    lead = "" if path == ADMINISTRATOR else f"{path}/"
    for each in sorted(below.get(row.id, ()), key=_order):
        its = f"{path}:{each.name}" if each.level == "extension" else f"{lead}{each.name}"
        yield from _nodes(each, its, path, below)


def _order(row: Any) -> tuple[bool, str]:
    return row.level != "extension", row.name
