"""People in an account: who they are, their roles, their leaving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, delete, func, select, tuple_, update

from ringback.clock import Instant
from ringback.faults import Fault, Faults
from ringback.ids import is_id
from ringback.management import places
from ringback.management.actor import Actor
from ringback.management.change import NO_FIELDS, Action, Change, SecretChange
from ringback.management.people import sign_ins
from ringback.management.people.credentials import rights_of
from ringback.management.places import Kind, Place
from ringback.management.refusals import NotFound
from ringback.management.rights import Need, Right, Role
from ringback.management.sight import Sight
from ringback.management.verbs import Act, Done, read, verb
from ringback.store.models import LoginRoleRow, LoginRow

MOST = 500
"""The most people in one answer."""

_LAST_OWNER = "is that of the last owner here: make somebody else owner first"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a role in an account."""

    login_id: str
    email: str
    name: str
    account_id: str
    path: str
    """That of the account, from the reader's own on."""
    role: Role
    second_factor: bool
    sign_ins: int
    """Open sign-in sessions."""
    last_seen: Instant | None
    other_accounts: int
    """In how many other accounts they have a role, of those that the reader sees."""


@read("login.list", Kind.LOGIN, Need(Right.SEE_PEOPLE))
def people(
    act: Act,
    place: Place,
    *,
    below: bool = False,
    email: str | None = None,
    after: tuple[str, str] | None = None,
    limit: int = MOST,
) -> list[Person]:
    """Who has a role in the account, with `below` also in what lies below it, in the order of their
    addresses. `email`: only the person of this address; `after`: address and account id of the last
    one that one has already."""
    where = [
        places.is_below(LoginRoleRow.account_id, [place.id])
        if below
        else LoginRoleRow.account_id == place.id
    ]
    if email is not None:
        where.append(LoginRow.email == email)
    if after is not None:
        where.append(tuple_(LoginRow.email, LoginRoleRow.account_id) > tuple_(*after))
    rows = act.tx.execute(
        select(LoginRow.__table__, LoginRoleRow.account_id, LoginRoleRow.role)
        .join(LoginRoleRow, LoginRoleRow.login_id == LoginRow.id)
        .where(*where)
        .order_by(LoginRow.email, LoginRoleRow.account_id)
        .limit(min(limit, MOST))
    ).all()
    seen = sign_ins.summary(act.tx, {row.id for row in rows}, act.now)
    sight = Sight(act.tx, act.actor)
    others = _accounts_in_sight(act, {row.id for row in rows})
    return [
        Person(
            row.id,
            row.email,
            row.name,
            row.account_id,
            sight.path(row.account_id),
            Role(row.role),
            row.totp_secret is not None,
            seen[row.id].open,
            seen[row.id].last_seen,
            others[row.id] - 1,
        )
        for row in rows
    ]


def _accounts_in_sight(act: Act, login_ids: set[str]) -> dict[str, int]:
    rows = act.tx.execute(
        select(LoginRoleRow.login_id, func.count().label("number"))
        .where(
            LoginRoleRow.login_id.in_(login_ids),
            act.actor.reaches(LoginRoleRow.account_id, Right.SEE_PEOPLE),
        )
        .group_by(LoginRoleRow.login_id)
    )
    return {row.login_id: row.number for row in rows}


@verb("login.change_role", Kind.LOGIN, Need(Right.LOGINS))
def change_role(act: Act, place: Place, *, login_id: str, role: Role) -> Done[None]:
    """Give a person another role in the account. Raises NotFound for who has none there, Faults for
    the last owner."""
    person = member(act.tx, place, login_id)
    if person.role == role:
        return Done(None)
    _see_an_owner_left(act.tx, place, person)
    act.tx.execute(
        update(LoginRoleRow).where(*_of(place, login_id)).values(role=role, since=act.now)
    )
    change = _changed(act, place, person, fields={"role": (person.role, role)})
    return Done(None, [change])


@verb("login.remove", Kind.LOGIN, Need(Right.LOGINS))
def remove(act: Act, place: Place, *, login_id: str) -> Done[None]:
    """Take a person's role in the account away; without any other their sign-in sessions end. Their
    keys give no rights there any more, until an owner takes them over. Raises NotFound, Faults for
    the last owner."""
    person = member(act.tx, place, login_id)
    _see_an_owner_left(act.tx, place, person)
    act.tx.execute(delete(LoginRoleRow).where(*_of(place, login_id)))
    if not rights_of(act.tx, login_id):
        sign_ins.end_all(act.tx, login_id, act.now)
    change = act.change(
        Action.DELETED,
        place,
        kind=Kind.LOGIN,
        id=login_id,
        name=person.email,
        fields={"role": (person.role, None)},
    )
    return Done(None, [change])


@verb("login.end_sign_ins", Kind.LOGIN, Need(Right.LOGINS))
def end_sign_ins(act: Act, place: Place, *, login_id: str) -> Done[int]:
    """Sign a person out everywhere. Returns how many sessions that ended. Raises NotFound."""
    person = member(act.tx, place, login_id)
    ended = sign_ins.end_all(act.tx, login_id, act.now)
    if not ended:
        return Done(0)
    return Done(ended, [_changed(act, place, person, fields={"sign_ins": (ended, 0)})])


def member(tx: Connection, place: Place, login_id: str) -> Any:
    """The row of a login, with its role in this very account. Raises NotFound."""
    query = (
        select(LoginRow.__table__, LoginRoleRow.role)
        .join(LoginRoleRow, LoginRoleRow.login_id == LoginRow.id)
        .where(*_of(place, login_id))
    )
    row = tx.execute(query).one_or_none() if is_id(login_id) else None
    if row is None:
        raise NotFound(Kind.LOGIN)
    return row


def changes_of(
    act: Act,
    person: Any,
    *,
    fields: Mapping[str, tuple[Any, Any]] = NO_FIELDS,
    **secrets: SecretChange,
) -> list[Change]:
    """A change that a person made of themself, told in each account where they have a role."""
    query = select(LoginRoleRow.account_id).where(LoginRoleRow.login_id == person.id)
    if act.actor.login_id is None and not act.actor.is_command_line:
        act = replace(act, actor=Actor(person.email, login_id=person.id))  # came by a link
    return [
        act.change(
            Action.UPDATED,
            place,
            kind=Kind.LOGIN,
            id=person.id,
            name=person.email,
            fields=fields,
            secrets=secrets,
        )
        for account_id in act.tx.execute(query.order_by(LoginRoleRow.account_id)).scalars()
        if (place := places.of_id(act.tx, account_id)) is not None
    ]


def _changed(act: Act, place: Place, person: Any, fields: dict[str, tuple[Any, Any]]) -> Change:
    return act.change(
        Action.UPDATED, place, kind=Kind.LOGIN, id=person.id, name=person.email, fields=fields
    )


def _see_an_owner_left(tx: Connection, place: Place, person: Any) -> None:
    """Locks the owners' rows, in one order, so that of two owners who go at once one stays."""
    owners = tx.execute(
        select(LoginRoleRow.login_id)
        .where(LoginRoleRow.account_id == place.id, LoginRoleRow.role == Role.OWNER)
        .order_by(LoginRoleRow.login_id)
        .with_for_update()
    ).scalars()
    if set(owners) == {person.id}:
        raise Faults([Fault(("role",), _LAST_OWNER)])


def _of(place: Place, login_id: str) -> tuple[Any, ...]:
    return LoginRoleRow.account_id == place.id, LoginRoleRow.login_id == login_id
