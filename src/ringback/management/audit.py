"""The audit log: every change, with who made it, for whom, from what to what; secrets by name only.

Who reads sees what belongs to the accounts in reach. A change that an account above made names that
account and no person: the account directly above by its contact name, any higher one as "your
provider" (spec section 2).
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
from ringback.management.places import Place
from ringback.management.rights import Need, Right
from ringback.store.models import AccountRow, AuditRow

HIGHER_UP = "your provider"
MOST = 1000
"""The most entries in one answer."""


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
        tx.execute(insert(AuditRow), rows)


def entries(
    tx: Connection, actor: Actor, place_id: str, before: int | None, limit: int
) -> list[Entry]:
    """The latest changes at a place and below, the latest first; `before` is the number of the
    last entry that one has already."""
    query = (
        select(AuditRow.__table__)
        .where(
            places.is_below(AuditRow.account_id, [place_id]),
            actor.reaches(AuditRow.account_id, Right.SEE_AUDIT),
        )
        .order_by(AuditRow.number.desc())
        .limit(min(limit, MOST))
    )
    if before is not None:
        query = query.where(AuditRow.number < before)
    reader = _Reader(tx, actor)
    return [
        Entry(
            row.number,
            row.at,
            row.verb,
            row.action,
            row.kind,
            row.subject_id,
            row.name,
            reader.path(row.account_id, row.path),
            reader.author(row.account_id, row.by_account_id, row.who),
            row.acting_for_id if reader.sees(row.by_account_id) else None,
            row.fields,
            row.secrets,
        )
        for row in tx.execute(query)
    ]


class _Reader:
    """What one reader may see of authors and paths; each account is looked up once."""

    def __init__(self, tx: Connection, actor: Actor) -> None:
        self._tx = tx
        self._actor = actor
        self._known: dict[str, Place | None] = {}

    def sees(self, by_account_id: str | None) -> bool:
        """Whether the reader sees the account by whose role a change was made."""
        if by_account_id is None:
            return True
        return self._actor.grant(self._place(by_account_id), Need(Right.SEE_AUDIT)) is not None

    def author(self, account_id: str, by_account_id: str | None, who: str) -> str:
        if self.sees(by_account_id):
            return who
        root = self._root(account_id)
        if root is None or root.above[:1] != (by_account_id,):
            return HIGHER_UP
        query = select(AccountRow.contact_name).where(AccountRow.id == by_account_id)
        return self._tx.execute(query).scalar_one()

    def path(self, account_id: str, whole: str) -> str:
        root = self._root(account_id)
        return whole if root is None else root.seen(whole)

    def _root(self, account_id: str) -> Place | None:
        """The topmost account of the reader's above this one."""
        place = self._place(account_id)
        own = [id_ for id_ in (place.chain if place else ()) if id_ in self._actor.grants]
        return self._place(own[-1]) if own else None

    def _place(self, place_id: str) -> Place | None:
        if place_id not in self._known:
            self._known[place_id] = places.of_id(self._tx, place_id)
        return self._known[place_id]
