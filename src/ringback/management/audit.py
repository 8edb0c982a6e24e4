"""The audit log: every change, with who made it, for whom, from what to what; secrets by name only.

Who reads sees what belongs to the accounts in reach. A change that an account above made names that
account and no person (`sight`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from ringback.clock import Instant
from ringback.management import places
from ringback.management.actor import Actor
from ringback.management.change import Change
from ringback.management.sight import Sight
from ringback.store.models import AuditRow
from ringback.store.prepared import Prepared

MOST = 1000
"""The most entries in one answer."""

_WRITE = Prepared(insert(AuditRow).inline())


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log, as its reader may see it."""

    number: int
    """Later ones are higher."""
    at: Instant
    verb: str
    action: str
    kind: str
    subject_id: str
    name: str
    """What people call the subject; empty if it is the account or extension itself."""
    path: str
    """That of the account or extension it belongs to, from the reader's own account on."""
    who: str
    """The person, key or command line; for a change from above, that account."""
    acting_for_id: str | None
    fields: Mapping[str, Sequence[Any]]
    secrets: Mapping[str, str]


def write(tx: Connection, at: Instant, changes: Iterable[Change]) -> None:
    """Write changes down, in the unit of work that made them."""
    rows = [
        {
            "at": at,
            "verb": change.verb,
            "action": change.action,
            "kind": change.kind,
            "subject_id": change.id,
            "name": change.name,
            "account_id": change.place.id,
            "path": change.place.path,
            "who": change.author.who,
            "login_id": change.author.login_id,
            "key_id": change.author.key_id,
            "by_account_id": change.author.by_account_id,
            "acting_for_id": change.author.acting_for_id,
            "fields": {name: list(values) for name, values in change.fields.items()},
            "secrets": dict(change.secrets),
        }
        for change in changes
    ]
    if rows:
        _WRITE.run_many(tx, rows)


def entries(
    tx: Connection, actor: Actor, place_id: str, before: int | None, limit: int
) -> list[Entry]:
    """The latest changes at a place, whose audit log the actor may read, and below; the latest
    first. `before` is the number of the last entry that one has already."""
    query = (
        select(AuditRow.__table__)
        .where(places.is_below(AuditRow.account_id, [place_id]))
        .order_by(AuditRow.number.desc())
        .limit(min(limit, MOST))
    )
    if before is not None:
        query = query.where(AuditRow.number < before)
    rows = tx.execute(query).all()
    sight = Sight(tx, actor, [id_ for row in rows for id_ in (row.account_id, row.by_account_id)])
    return [
        Entry(
            row.number,
            row.at,
            row.verb,
            row.action,
            row.kind,
            row.subject_id,
            row.name,
            sight.path(row.account_id, row.path),
            sight.author(row.account_id, row.by_account_id, row.who),
            row.acting_for_id if sight.sees(row.by_account_id) else None,
            row.fields,
            row.secrets,
        )
        for row in rows
    ]
