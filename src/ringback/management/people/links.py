"""Links that work once: made, looked at, taken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from ringback.clock import Instant
from ringback.management.letters import Purpose
from ringback.management.people.tokens import hash_of, new_token
from ringback.management.verbs import Act
from ringback.store.models import LinkRow

HOUR = 3600.0
DAY = 24 * HOUR
LASTS = {Purpose.INVITATION: 7 * DAY, Purpose.RESET: HOUR, Purpose.EMAIL: HOUR}
"""Seconds that a link works (spec section 2)."""
_KEPT = 30 * DAY
"""Seconds that an invitation is listed after it has expired; other links are deleted then."""


class BadLink(Exception):
    """The link is unknown, was used or taken back, or has expired; which of these is not told."""

    def __init__(self) -> None:
        super().__init__("this link was used or has expired: have another one sent")


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is about, as `LinkRow` has it."""

    id: str
    email: str | None
    login_id: str | None
    account_id: str | None
    role: str | None
    made_by: str | None


def make(
    act: Act,
    purpose: Purpose,
    *,
    email: str | None,
    login_id: str | None = None,
    account_id: str | None = None,
    role: str | None = None,
) -> tuple[str, str, Instant]:
    """A new link: its id, its token, and when it expires. One to reset nobody's password, which is
    made so that this costs the same, has expired: so the next one deletes it, however many a
    stranger asks for."""
    old = (LinkRow.expires < act.now - _KEPT) | (LinkRow.purpose != Purpose.INVITATION)
    act.tx.execute(delete(LinkRow).where(LinkRow.expires < act.now, old))
    works = purpose is not Purpose.RESET or login_id is not None
    id_, token = act.new_id(), new_token(act.chance)
    expires = act.now + (LASTS[purpose] if works else 0)
    act.tx.execute(
        insert(LinkRow),
        {
            "id": id_,
            "token_hash": hash_of(token),
            "purpose": purpose,
            "email": email,
            "login_id": login_id,
            "account_id": account_id,
            "role": role,
            "made_by": act.actor.login_id,
            "by_account_id": act.by_account_id,
            "made": act.now,
            "expires": expires,
        },
    )
    return id_, token, expires


def look(tx: Connection, purpose: Purpose, token: str, now: Instant) -> Link:
    """What a link is about, without taking it. Raises BadLink."""
    row = tx.execute(select(LinkRow.__table__).where(*_works(purpose, token, now))).one_or_none()
    if row is None:
        raise BadLink
    return Link(row.id, row.email, row.login_id, row.account_id, row.role, row.made_by)


def take(tx: Connection, purpose: Purpose, token: str, now: Instant) -> Link:
    """Use a link up. Of several who take it at the same time one gets it, since each looks again at
    whether it was used once it has the row. Raises BadLink."""
    taken = tx.execute(update(LinkRow).where(*_works(purpose, token, now)).values(used=now))
    if taken.rowcount != 1:
        raise BadLink
    query = select(LinkRow.__table__).where(LinkRow.token_hash == hash_of(token))
    row = tx.execute(query).one()
    return Link(row.id, row.email, row.login_id, row.account_id, row.role, row.made_by)


def void_of_login(tx: Connection, login_id: str, now: Instant) -> None:
    """No link about this person's password or address works any more."""
    tx.execute(
        update(LinkRow).where(LinkRow.login_id == login_id, LinkRow.used.is_(None)).values(used=now)
    )


def _works(purpose: Purpose, token: str, now: Instant) -> tuple[Any, ...]:
    return (
        LinkRow.token_hash == hash_of(token),
        LinkRow.purpose == purpose,
        LinkRow.used.is_(None),
        LinkRow.expires > now,
    )
