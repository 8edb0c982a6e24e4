"""Whom a sign-in session or an API key stands for, looked up anew for each unit of work: a role
that was taken away is gone with the next one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from ringback.clock import Instant
from ringback.management import places
from ringback.management.actor import Actor
from ringback.management.people.tokens import hash_of
from ringback.management.refusals import NotSignedIn
from ringback.management.rights import MAY, NO_RIGHTS, Rights, Role
from ringback.store.models import ApiKeyRow, LoginRoleRow, LoginRow, SignInRow

IDLE_SECONDS = 8 * 3600.0
"""A sign-in session that is not used for so long has ended; so has any after LONGEST_SECONDS."""
LONGEST_SECONDS = 7 * 24 * 3600.0
_SEEN_TO = 60.0
"""Seconds to which it is known when a session or key was last used."""


@dataclass(frozen=True, slots=True)
class SignInToken:
    """The token of a sign-in session."""

    text: str

    def __repr__(self) -> str:
        return "SignInToken()"


@dataclass(frozen=True, slots=True)
class KeyToken:
    """An API key."""

    text: str

    def __repr__(self) -> str:
        return "KeyToken()"


Credential = SignInToken | KeyToken


def by(credential: Credential) -> Callable[[Connection, Instant], Actor]:
    """Whoever the credential stands for, for the `Desk`."""
    return lambda tx, now: actor_of(tx, credential, now)


def actor_of(tx: Connection, credential: Credential, now: Instant) -> Actor:
    """Who acts by it, with the rights they have now. Raises NotSignedIn."""
    if isinstance(credential, SignInToken):
        return _by_sign_in(tx, credential, now)
    return _by_key(tx, credential, now)


def rights_of(tx: Connection, login_id: str) -> dict[str, Rights]:
    """A person's rights, by the account of each role."""
    query = select(LoginRoleRow.account_id, LoginRoleRow.role).where(
        LoginRoleRow.login_id == login_id
    )
    return {row.account_id: MAY[Role(row.role)] for row in tx.execute(query)}


def note_use(tx: Connection, credential: Credential, now: Instant) -> None:
    """Remember that it was used, at most once a minute."""
    model = SignInRow if isinstance(credential, SignInToken) else ApiKeyRow
    before = model.seen.is_(None) | (model.seen < now - _SEEN_TO)
    tx.execute(
        update(model)
        .where(model.token_hash == hash_of(credential.text), model.ended.is_(None), before)
        .values(seen=now)
    )


def _by_sign_in(tx: Connection, token: SignInToken, now: Instant) -> Actor:
    row = tx.execute(
        select(SignInRow.id, SignInRow.login_id, LoginRow.email)
        .join(LoginRow, LoginRow.id == SignInRow.login_id)
        .where(
            SignInRow.token_hash == hash_of(token.text),
            SignInRow.ended.is_(None),
            SignInRow.seen > now - IDLE_SECONDS,
            SignInRow.made > now - LONGEST_SECONDS,
        )
    ).one_or_none()
    grants = {} if row is None else rights_of(tx, row.login_id)
    if row is None or not grants:
        raise NotSignedIn
    return Actor(row.email, grants, login_id=row.login_id, sign_in_id=row.id)


def _by_key(tx: Connection, token: KeyToken, now: Instant) -> Actor:
    row = tx.execute(
        select(ApiKeyRow.__table__, LoginRow.email)
        .join(LoginRow, LoginRow.id == ApiKeyRow.login_id)
        .where(
            ApiKeyRow.token_hash == hash_of(token.text),
            ApiKeyRow.ended.is_(None),
            ApiKeyRow.expires.is_(None) | (ApiKeyRow.expires > now),
        )
    ).one_or_none()
    rights = NO_RIGHTS if row is None else maker_rights(tx, row.login_id, row.account_id)
    allowed = NO_RIGHTS if row is None else MAY[Role(row.role)] & rights
    if row is None or not allowed:
        raise NotSignedIn
    name = f"key {row.name} of {row.email}"
    return Actor(name, {row.account_id: allowed}, login_id=row.login_id, key_id=row.id)


def maker_rights(tx: Connection, login_id: str, place_id: str) -> Rights:
    """What the maker of a key may do now in the account that the key reaches."""
    place = places.of_id(tx, place_id)
    if place is None:
        return NO_RIGHTS
    grants = rights_of(tx, login_id)
    return NO_RIGHTS.union(*(grants.get(id_, NO_RIGHTS) for id_ in place.chain))
