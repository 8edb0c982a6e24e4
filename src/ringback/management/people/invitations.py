"""Invitations: how a person gets a role in an account.

The address is invited, known or not; the answer is the same. Nobody is added before the link was
opened: a new person then chooses a password, a known one gives theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from ringback import levels
from ringback.clock import Instant
from ringback.faults import Fault, Faults
from ringback.management import places
from ringback.management.actor import Actor
from ringback.management.change import Action
from ringback.management.letters import Letter, Purpose
from ringback.management.people import entries, links
from ringback.management.people.credentials import maker_rights
from ringback.management.people.links import BadLink
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Reach, Right, Role
from ringback.management.sight import Sight
from ringback.management.verbs import Act, Done, Who, personal, read, verb
from ringback.store.models import LinkRow, LoginRoleRow, LoginRow

MOST = 500
"""The most invitations in one answer."""

_WAITING = (LinkRow.purpose == Purpose.INVITATION, LinkRow.used.is_(None))


class AddressTaken(Exception):
    """Meanwhile somebody else has become known under this address."""


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that waits to be accepted."""

    id: str
    email: str | None
    """None for that of the first administrator."""
    account_id: str
    path: str
    """That of the account, from the reader's own on."""
    role: Role
    by: str
    """Who invited: the person, or the account above that did."""
    expires: Instant


@dataclass(frozen=True, slots=True)
class Invitation:
    """What somebody sees who has opened the link."""

    email: str | None
    """None: the first administrator says it."""
    account: str
    """The contact name of the account."""
    role: Role
    known: bool
    """Whether the person has a login already, and gives the password of that."""


@verb("invitation.make", Kind.INVITATION, Need(Right.LOGINS))
def invite(act: Act, place: Place, *, email: str, role: Role) -> Done[Instant]:
    """Invite an address to a role in the account, in place of an earlier invitation of it; the
    letter has the link. Returns when it expires. Raises Faults."""
    try:
        address = entries.address(email)
    except ValueError as error:
        raise Faults([Fault(("email",), str(error))]) from error
    has_role = act.tx.execute(
        select(LoginRoleRow.role)
        .join(LoginRow, LoginRow.id == LoginRoleRow.login_id)
        .where(LoginRoleRow.account_id == place.id, LoginRow.email == address)
    ).scalar()
    if has_role is not None:
        raise Faults([Fault(("email",), f"is {has_role} here already: change that role")])
    return _make(act, place, address, role)


@verb("invitation.make_first", Kind.INVITATION, Need(Right.LOGINS, Reach.ABOVE))
def invite_first(act: Act, place: Place) -> Done[Instant]:
    """Invite whoever opens the link to be the first owner of the account, in place of an earlier
    such invitation. Raises Faults where there is an owner already."""
    if _has_owner(act.tx, place.id):
        raise Faults([Fault(("role",), "there is an owner already, who invites others")])
    return _make(act, place, None, Role.OWNER)


def _make(act: Act, place: Place, email: str | None, role: Role) -> Done[Instant]:
    act.tx.execute(
        update(LinkRow)
        .where(*_WAITING, LinkRow.account_id == place.id, LinkRow.email == email)
        .values(used=act.now)
    )
    id_, token, expires = links.make(
        act, Purpose.INVITATION, email=email, account_id=place.id, role=role
    )
    change = act.change(
        Action.CREATED,
        place,
        kind=Kind.INVITATION,
        id=id_,
        name=email or "the first administrator",
        fields={"role": (None, role)},
    )
    return Done(expires, [change], [Letter(email, Purpose.INVITATION, token)])


@read("invitation.list", Kind.INVITATION, Need(Right.SEE_PEOPLE))
def invited(act: Act, place: Place, *, below: bool = False, limit: int = MOST) -> list[Invited]:
    """The invitations to the account that wait, expired ones too, with `below` also those to what
    lies below it, in the order of addresses."""
    rows = act.tx.execute(
        select(LinkRow.__table__, LoginRow.email.label("inviter"))
        .join(LoginRow, LoginRow.id == LinkRow.made_by, isouter=True)
        .where(
            *_WAITING,
            places.is_below(LinkRow.account_id, [place.id])
            if below
            else LinkRow.account_id == place.id,
        )
        .order_by(LinkRow.email, LinkRow.id)
        .limit(min(limit, MOST))
    ).all()
    sight = Sight(act.tx, act.actor)
    return [
        Invited(
            row.id,
            row.email,
            row.account_id,
            sight.path(row.account_id),
            Role(row.role),
            sight.author(row.account_id, row.by_account_id, row.inviter or "command line"),
            row.expires,
        )
        for row in rows
    ]


def _place_of(tx: Connection, invitation_id: str) -> Place | None:
    query = select(LinkRow.account_id).where(LinkRow.id == invitation_id, *_WAITING)
    account_id = tx.execute(query).scalar()
    return None if account_id is None else places.of_id(tx, account_id)


@verb("invitation.withdraw", Kind.INVITATION, Need(Right.LOGINS), at=_place_of)
def withdraw(act: Act, place: Place) -> Done[None]:
    """Take an invitation back: its link works no more."""
    query = select(LinkRow.email).where(LinkRow.id == act.subject)
    email = act.tx.execute(query).scalar_one()
    act.tx.execute(update(LinkRow).where(LinkRow.id == act.subject).values(used=act.now))
    change = act.change(
        Action.DELETED,
        place,
        kind=Kind.INVITATION,
        id=act.subject,
        name=email or "the first administrator",
    )
    return Done(None, [change])


@personal("invitation.look", Kind.INVITATION, Who.ANYBODY)
def look(act: Act, *, token: str) -> Invitation:
    """What an invitation is to. Raises BadLink."""
    link = links.look(act.tx, Purpose.INVITATION, token, act.now)
    place = _still_offered(act.tx, link)
    account_id = place.chain[0] if place.kind is Kind.ACCOUNT else place.chain[1]
    contact_name = levels.of_account(act.tx, account_id)[0].contact_name
    known = act.tx.execute(select(LoginRow.id).where(LoginRow.email == link.email)).scalar()
    return Invitation(link.email, contact_name, Role(str(link.role)), known is not None)


@personal("invitation.accept", Kind.INVITATION, Who.ANYBODY)
def accept(
    act: Act,
    *,
    token: str,
    email: str,
    name: str,
    password_hash: str,
    known_hash: str | None,
) -> Done[str]:
    """Take the role; returns the id of the login. A new person is known from now on by `email`,
    `name` and password; of a known one, `known_hash` says which password they gave. Only the `Door`
    may call it, which has checked that. Raises BadLink, AddressTaken, Faults."""
    try:
        return _accept(act, token, email, name, password_hash, known_hash)
    except IntegrityError as error:  # two invitations of one address, accepted at once
        raise AddressTaken from error


def _accept(
    act: Act, token: str, email: str, name: str, password_hash: str, known_hash: str | None
) -> Done[str]:
    link = links.take(act.tx, Purpose.INVITATION, token, act.now)
    place = _still_offered(act.tx, link)
    if link.email is None and _has_owner(act.tx, place.id):
        raise BadLink
    if email != (link.email or email):
        raise BadLink
    query = select(LoginRow.id, LoginRow.password_hash).where(LoginRow.email == email)
    row = act.tx.execute(query).one_or_none()
    if (None if row is None else row.password_hash) != known_hash:
        raise AddressTaken
    login_id = act.new_id() if row is None else str(row.id)
    if row is None:
        login = {
            "id": login_id,
            "email": email,
            "name": name,
            "password_hash": password_hash,
            "made": act.now,
        }
        act.tx.execute(insert(LoginRow), login)
    return _give_role(act, place, login_id, email, Role(str(link.role)))


def _give_role(act: Act, place: Place, login_id: str, email: str, role: Role) -> Done[str]:
    query = select(LoginRoleRow.role).where(
        LoginRoleRow.account_id == place.id, LoginRoleRow.login_id == login_id
    )
    if act.tx.execute(query).scalar() is not None:
        return Done(login_id)
    values = {"login_id": login_id, "account_id": place.id, "role": role, "since": act.now}
    act.tx.execute(insert(LoginRoleRow), values)
    act = replace(act, actor=Actor(email, login_id=login_id))
    change = act.change(
        Action.CREATED,
        place,
        kind=Kind.LOGIN,
        id=login_id,
        name=email,
        fields={"role": (None, role)},
    )
    return Done(login_id, [change])


def _still_offered(tx: Connection, link: links.Link) -> Place:
    """The account of an invitation, whose inviter may still invite there. Raises BadLink."""
    place = places.of_id(tx, str(link.account_id))
    if place is None:
        raise BadLink
    inviter = link.made_by
    if inviter is not None and Right.LOGINS not in maker_rights(tx, inviter, place.id):
        raise BadLink
    return place


def _has_owner(tx: Connection, account_id: str) -> bool:
    query = select(LoginRoleRow.login_id).where(
        LoginRoleRow.account_id == account_id, LoginRoleRow.role == Role.OWNER
    )
    return tx.execute(query.limit(1)).scalar() is not None
