"""API keys: one account with all below it, one role, and never more than its maker may now.

A key is a matter of the account that it reaches: accounts above make keys for it and see no others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from ringback.clock import Instant
from ringback.faults import Fault, Faults
from ringback.ids import is_id
from ringback.management import places
from ringback.management.change import Action
from ringback.management.people.credentials import maker_rights, rights_of
from ringback.management.people.entries import LONGEST_NAME
from ringback.management.people.tokens import hash_of, new_token
from ringback.management.places import Kind, Place
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import Need, Reach, Right, Role
from ringback.management.sight import Sight
from ringback.management.verbs import Act, Done, Who, personal, read, verb
from ringback.store.models import ApiKeyRow, LoginRow

PREFIX = "rbk_"
"""So that searchers for leaked keys know one."""
_TAIL = 4


@dataclass(frozen=True, slots=True)
class Key:
    """A key in a list."""

    id: str
    name: str
    tail: str
    """Its last four characters."""
    account_id: str
    path: str
    role: Role
    maker: str | None
    """The e-mail address of who made it or took it over; None if their role in the account is gone,
    or is above it."""
    left: bool
    """Whether its maker has no right in the account any more; an owner may take it over then."""
    made: Instant
    expires: Instant | None
    seen: Instant | None


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; the only time that it is shown."""

    id: str
    text: str

    def __repr__(self) -> str:
        return f"NewKey({self.id!r})"


@verb("key.make", Kind.KEY, Need(Right.KEYS), in_view=False)
def make(
    act: Act, place: Place, *, name: str, role: Role, expires: Instant | None = None
) -> Done[NewKey]:
    """Make a key that reaches the account and all below. (Whoever may make keys is owner there, so
    no role is above theirs.) A key that makes another gives it no longer life than its own. Raises
    Faults, Forbidden."""
    maker = act.actor
    if maker.login_id is None:
        raise Forbidden("only a person can have a key: sign in")
    faults = []
    if not (name.strip() and name.isprintable() and len(name) <= LONGEST_NAME):
        faults.append(Fault(("name",), f"write a name of 1 to {LONGEST_NAME} characters"))
    if expires is not None and expires <= act.now:
        faults.append(Fault(("expires",), "is over already"))
    longest = _end_of_life(act)
    if longest is not None and (expires is None or expires > longest):
        faults.append(Fault(("expires",), "is after that of the key which makes it"))
    if faults:
        raise Faults(faults)
    id_, text = act.new_id(), PREFIX + new_token(act.chance)
    act.tx.execute(
        insert(ApiKeyRow),
        {
            "id": id_,
            "login_id": maker.login_id,
            "account_id": place.id,
            "role": role,
            "name": name,
            "token_hash": hash_of(text),
            "tail": text[-_TAIL:],
            "made": act.now,
            "expires": expires,
        },
    )
    fields = {"role": (None, role), "expires": (None, expires)}
    change = act.change(Action.CREATED, place, kind=Kind.KEY, id=id_, name=name, fields=fields)
    return Done(NewKey(id_, text), [change])


@read("key.list", Kind.KEY, Need(Right.SEE_PEOPLE, Reach.OWN))
def keys(act: Act, place: Place) -> list[Key]:
    """The keys that reach just this account and what is below, the latest first."""
    return _listed(act, ApiKeyRow.account_id == place.id)


@personal("key.list_own", Kind.KEY, Who.YOURSELF)
def own(act: Act) -> list[Key]:
    """The keys that you made or took over, the latest first."""
    return _listed(act, ApiKeyRow.login_id == act.actor.login_id)


def _place_of(tx: Connection, key_id: str) -> Place | None:
    query = select(ApiKeyRow.account_id).where(ApiKeyRow.id == key_id, ApiKeyRow.ended.is_(None))
    account_id = tx.execute(query).scalar()
    return None if account_id is None else places.of_id(tx, account_id)


@verb("key.end", Kind.KEY, Need(Right.KEYS, Reach.OWN), at=_place_of, in_view=False)
def end(act: Act, place: Place) -> Done[None]:
    """End a key of the account, at once."""
    return _end(act, place, act.subject)


@personal("key.end_own", Kind.KEY, Who.YOURSELF)
def end_own(act: Act, *, key_id: str) -> Done[None]:
    """End a key of your own, at once. Raises NotFound."""
    query = select(ApiKeyRow.login_id).where(ApiKeyRow.id == key_id)
    place = _place_of(act.tx, key_id) if is_id(key_id) else None
    if place is None or act.tx.execute(query).scalar() != act.actor.login_id:
        raise NotFound(Kind.KEY)
    return _end(act, place, key_id)


@verb("key.take_over", Kind.KEY, Need(Right.KEYS, Reach.OWN), at=_place_of, in_view=False)
def take_over(act: Act, place: Place) -> Done[None]:
    """Make a key your own whose maker has left, so that it works again. Raises Faults while its
    maker has rights in the account, Forbidden for the command line."""
    if act.actor.login_id is None:
        raise Forbidden("only a person can have a key: sign in")
    query = (
        select(ApiKeyRow.login_id, ApiKeyRow.name, LoginRow.email)
        .join(LoginRow, LoginRow.id == ApiKeyRow.login_id)
        .where(ApiKeyRow.id == act.subject)
    )
    row = act.tx.execute(query).one()
    if maker_rights(act.tx, row.login_id, place.id):
        raise Faults([Fault(("maker",), "is still here: only they can use it up or end it")])
    taken = update(ApiKeyRow).where(ApiKeyRow.id == act.subject, ApiKeyRow.login_id == row.login_id)
    if act.tx.execute(taken.values(login_id=act.actor.login_id)).rowcount != 1:
        raise NotFound(Kind.KEY)  # another owner was quicker
    change = act.change(
        Action.UPDATED,
        place,
        kind=Kind.KEY,
        id=act.subject,
        name=row.name,
        fields={"maker": (row.email, act.actor.name)},
    )
    return Done(None, [change])


def _end(act: Act, place: Place, key_id: str) -> Done[None]:
    query = select(ApiKeyRow.name).where(ApiKeyRow.id == key_id)
    name = act.tx.execute(query).scalar_one()
    act.tx.execute(update(ApiKeyRow).where(ApiKeyRow.id == key_id).values(ended=act.now))
    change = act.change(Action.DELETED, place, kind=Kind.KEY, id=key_id, name=name)
    return Done(None, [change])


def _end_of_life(act: Act) -> Instant | None:
    """When the key expires by which the actor acts; None: never, or it is no key."""
    if act.actor.key_id is None:
        return None
    query = select(ApiKeyRow.expires).where(ApiKeyRow.id == act.actor.key_id)
    return act.tx.execute(query).scalar_one()


def _listed(act: Act, which: Any) -> list[Key]:
    rows: Sequence[Any] = act.tx.execute(
        select(ApiKeyRow.__table__, LoginRow.email)
        .join(LoginRow, LoginRow.id == ApiKeyRow.login_id)
        .where(which, ApiKeyRow.ended.is_(None))
        .order_by(ApiKeyRow.id.desc())
    ).all()
    sight = Sight(act.tx, act.actor)
    return [
        Key(
            row.id,
            row.name,
            row.tail,
            row.account_id,
            sight.path(row.account_id),
            Role(row.role),
            row.email if row.account_id in rights_of(act.tx, row.login_id) else None,
            not maker_rights(act.tx, row.login_id, row.account_id),
            row.made,
            row.expires,
            row.seen,
        )
        for row in rows
    ]
