"""Where sounds are in use: the setups that name them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Text, select, type_coerce

from ringback.faults import Fault, Faults
from ringback.management import places
from ringback.management.actor import Actor
from ringback.management.places import Place
from ringback.management.sight import Sight
from ringback.sounds.paths import split
from ringback.store.models import AccountRow, ExtensionRow

FIELDS = ("disconnect_sound", "no_credit_sound")
"""The fields of a callback setup that name a sound."""
_MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class Use:
    """A field of a setup that names a sound."""

    extension: str
    """The path of the extension, as the actor sees it."""
    field: str
    path: str
    """As the setup has it."""

    def __str__(self) -> str:
        return f"{self.extension}: {self.field} {self.path}"


def uses(
    tx: Connection,
    actor: Actor,
    owner: Place,
    mention: str,
    covers: Callable[[str], bool],
    *,
    below: bool = False,
) -> list[Use]:
    """The fields, of all extensions at or below an owner, that name sounds of its folder which
    `covers` takes, by their paths there; all of these contain `mention`. `below`: not those of the
    owner itself."""
    text = type_coerce(ExtensionRow.callback, Text)
    written = json.dumps(mention, ensure_ascii=False)[1:-1]
    query = (
        select(ExtensionRow.id, ExtensionRow.callback)
        .join(AccountRow, AccountRow.id == ExtensionRow.id)
        .where(
            places.is_below(ExtensionRow.id, [owner.id]),
            AccountRow.deleted.is_(None),
            text.contains(written, autoescape=True),
        )
        .order_by(ExtensionRow.id)
    )
    sight = Sight(tx, actor)
    found = []
    for row in tx.execute(query):
        place = places.of_id(tx, row.id)
        if place is None or (below and place.id == owner.id):
            continue
        level = place.chain.index(owner.id)
        for field in FIELDS:
            path = row.callback.get(field)
            if path is not None and split(path)[0] == level and covers(split(path)[1]):
                found.append(Use(sight.path(place.id), field, path))
    return found


def see_unused(found: Sequence[Use], what: str) -> None:
    """Raises Faults where there are uses."""
    if found:
        told = "; ".join(str(use) for use in found[:_MOST_TOLD])
        more = f", and {len(found) - _MOST_TOLD} more" if len(found) > _MOST_TOLD else ""
        raise Faults([Fault(("path",), f"{what}: {told}{more}: change that first")])
