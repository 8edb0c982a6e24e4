"""How much there may be below an account: its limits count all that lies below it, and hold at
every level (spec section 2). (`storage_mb` is counted with the sounds.)"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from ringback.faults import Fault, Faults
from ringback.management.places import Place
from ringback.management.sight import Sight
from ringback.management.verbs import Act
from ringback.store.models import AccountRow, CallerIdRow
from ringback.store.prepared import Prepared


class Limited(StrEnum):
    """What is limited. The value is the name of the limit."""

    EXTENSIONS = "extensions"
    CALLER_IDS = "caller_ids"
    """Enabled ones."""


_NOUNS = {Limited.EXTENSIONS: "extensions", Limited.CALLER_IDS: "enabled callerIDs"}


@dataclass(frozen=True, slots=True)
class Room:
    """How much more there may be in some place."""

    left: int
    """Below 0 where a limit was lowered under what there was already."""
    account_id: str
    """The account whose limit it is."""
    limit: int


_LIMITS = (
    select(AccountRow.id, AccountRow.limits)
    .where(AccountRow.id.in_(bindparam("ids", expanding=True)))
    .order_by(AccountRow.id)
)
_READ, _LOCKED = Prepared(_LIMITS), Prepared(_LIMITS.with_for_update(key_share=True))


def limit_of(stored: Mapping[str, Any], what: Limited) -> int | None:
    """A limit as it is stored; None: unlimited, which is the default."""
    limit = stored.get(what)
    return limit if isinstance(limit, int) else None


def tightest(limits: Mapping[str, int], used: Mapping[str, int]) -> Room | None:
    """The limit that leaves the least room, of those of several accounts; None: unlimited."""
    rooms = [Room(limit - used.get(id_, 0), id_, limit) for id_, limit in limits.items()]
    return min(rooms, key=lambda room: room.left, default=None)


def room(tx: Connection, what: Limited, place: Place) -> Room | None:
    """How much more there may be in an account or extension, by all limits at and above it; None:
    unlimited. Nobody else takes of it until the unit of work is committed. (Ask before you hold the
    place itself: accounts are locked in one order, and so nobody waits for each other.)"""
    limited = list(_limits(tx, what, place.chain))
    if not limited:
        return None
    limits = _limits(tx, what, limited, lock=True)
    return tightest(limits, used(tx, what, limits))


def see_room(act: Act, what: Limited, place: Place, more: int, where: tuple[str, ...]) -> None:
    """See that there is room for so many more in an account or extension, as `room` says. Raises
    Faults at `where`, naming the account as the actor may know it."""
    found = room(act.tx, what, place) if more > 0 else None
    if found is None or more <= found.left:
        return
    sight = Sight(act.tx, act.actor)
    told = f"the limit of {sight.account(found.account_id, place.id)} is reached"
    if sight.exists(found.account_id):
        told += f": at most {found.limit} {_NOUNS[what]}"
    raise Faults([Fault(where, told)])


def used(tx: Connection, what: Limited, account_ids: Iterable[str]) -> dict[str, int]:
    """How much there is at and below each of these accounts."""
    first = select(AccountRow.id.label("root"), AccountRow.id.label("id")).where(
        AccountRow.id.in_(list(account_ids))
    )
    found = first.cte(recursive=True)
    lower = (
        select(found.c.root, AccountRow.id)
        .join(found, AccountRow.parent_id == found.c.id)
        .where(AccountRow.deleted.is_(None))
    )
    below = found.union_all(lower)
    if what is Limited.EXTENSIONS:
        query = (
            select(below.c.root, func.count().label("number"))
            .join(AccountRow, AccountRow.id == below.c.id)
            .where(AccountRow.level == "extension")
        )
    else:
        query = (
            select(below.c.root, func.count().label("number"))
            .join(CallerIdRow, CallerIdRow.extension_id == below.c.id)
            .where(CallerIdRow.enabled, CallerIdRow.deleted.is_(None))
        )
    return {row.root: row.number for row in tx.execute(query.group_by(below.c.root))}


def _limits(
    tx: Connection, what: Limited, account_ids: Collection[str], *, lock: bool = False
) -> dict[str, int]:
    """The limits of those of the accounts that have one."""
    rows = (_LOCKED if lock else _READ).rows(tx, ids=list(account_ids))
    found = {row.id: limit_of(row.limits, what) for row in rows}
    return {id_: limit for id_, limit in found.items() if limit is not None}
