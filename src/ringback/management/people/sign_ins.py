"""Sign-in sessions: begun, listed, ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from ringback.clock import Instant
from ringback.ids import is_id
from ringback.management.people.credentials import IDLE_SECONDS, LONGEST_SECONDS
from ringback.management.people.tokens import hash_of, new_token
from ringback.management.places import Kind
from ringback.management.refusals import NotFound
from ringback.management.verbs import Act, Done, Who, personal
from ringback.store.models import SignInRow

KNOWN_SECONDS = 30 * 24 * 3600.0
"""For so long a source is known from which a person once signed in."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """An open session, as its person sees it."""

    id: str
    source: str
    agent: str
    made: Instant
    seen: Instant
    is_this: bool
    """Whether it is the one in which this was asked."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What others may know of a person's sessions."""

    open: int = 0
    last_seen: Instant | None = None


@personal("sign_in.list", Kind.SIGN_IN, Who.YOURSELF)
def mine(act: Act) -> list[SignIn]:
    """Your open sessions, the latest used first."""
    rows = act.tx.execute(
        select(SignInRow.__table__)
        .where(SignInRow.login_id == act.actor.login_id, *is_open(act.now))
        .order_by(SignInRow.seen.desc(), SignInRow.id)
    )
    return [
        SignIn(row.id, row.source, row.agent, row.made, row.seen, row.id == act.actor.sign_in_id)
        for row in rows
    ]


@personal("sign_in.end", Kind.SIGN_IN, Who.YOURSELF)
def end(act: Act, *, sign_in_id: str) -> Done[None]:
    """End one of your sessions; to end the present one is to sign out. Raises NotFound."""
    query = update(SignInRow).where(
        SignInRow.id == sign_in_id, SignInRow.login_id == act.actor.login_id, *is_open(act.now)
    )
    if not is_id(sign_in_id) or act.tx.execute(query.values(ended=act.now)).rowcount != 1:
        raise NotFound(Kind.SIGN_IN)
    return Done(None)


@personal("sign_in.end_others", Kind.SIGN_IN, Who.YOURSELF)
def end_others(act: Act) -> Done[int]:
    """End all your sessions but this one. Returns how many that were."""
    return Done(end_all(act.tx, str(act.actor.login_id), act.now, but=act.actor.sign_in_id))


def begin(act: Act, login_id: str, source: str, agent: str) -> str:
    """A new session; returns its token."""
    token = new_token(act.chance)
    act.tx.execute(
        delete(SignInRow).where(
            SignInRow.login_id == login_id, SignInRow.made < act.now - KNOWN_SECONDS
        )
    )
    act.tx.execute(
        insert(SignInRow),
        {
            "id": act.new_id(),
            "login_id": login_id,
            "token_hash": hash_of(token),
            "source": source,
            "agent": agent,
            "made": act.now,
            "seen": act.now,
        },
    )
    return token


def is_known_from(act: Act, login_id: str, source: str) -> bool:
    """Whether a person has signed in from there of late. (An empty id is nobody's.)"""
    query = select(SignInRow.id).where(
        SignInRow.login_id == login_id,
        SignInRow.source == source,
        SignInRow.made > act.now - KNOWN_SECONDS,
    )
    return act.tx.execute(query.limit(1)).scalar() is not None


def end_all(tx: Connection, login_id: str, now: Instant, but: str | None = None) -> int:
    """End a person's open sessions, all or all but one. Returns how many that were."""
    query = update(SignInRow).where(SignInRow.login_id == login_id, *is_open(now))
    if but is not None:
        query = query.where(SignInRow.id != but)
    return tx.execute(query.values(ended=now)).rowcount


def end_everybodys(tx: Connection, now: Instant) -> int:
    """Sign everybody out. Returns how many sessions that ended."""
    return tx.execute(update(SignInRow).where(*is_open(now)).values(ended=now)).rowcount


def summary(tx: Connection, login_ids: Iterable[str], now: Instant) -> dict[str, Summary]:
    """What others may know of these persons' sessions."""
    found = {login_id: Summary() for login_id in login_ids}
    seen = select(SignInRow.login_id, func.max(SignInRow.seen)).group_by(SignInRow.login_id)
    opened = select(SignInRow.login_id, func.count().label("number")).group_by(SignInRow.login_id)
    ours = SignInRow.login_id.in_(list(found))
    counts: dict[str, int] = {
        row.login_id: row.number for row in tx.execute(opened.where(ours, *is_open(now)))
    }
    for login_id, last in tx.execute(seen.where(ours)):
        found[login_id] = Summary(counts.get(login_id, 0), last)
    return found


def is_open(now: Instant) -> tuple[Any, ...]:
    """The conditions that a session can still be used."""
    return (
        SignInRow.ended.is_(None),
        SignInRow.seen > now - IDLE_SECONDS,
        SignInRow.made > now - LONGEST_SECONDS,
    )
