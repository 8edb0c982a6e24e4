"""A person's own password and address: changed, and got back when lost."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from ringback.faults import Fault, Faults
from ringback.management.change import SecretChange
from ringback.management.letters import Letter, Notice, Purpose
from ringback.management.people import entries, links, logins, second_factor, sign_ins, throttle
from ringback.management.people.links import BadLink
from ringback.management.places import Kind
from ringback.management.refusals import NotFound
from ringback.management.verbs import Act, Done, Who, personal
from ringback.store.models import LoginRow


@personal("password.change", Kind.LOGIN, Who.PROVEN)
def change_password(act: Act, *, password_hash: str) -> Done[None]:
    """Set your password. Your other sessions end, and links about your password or address work no
    more."""
    row = _person(act, LoginRow.id == act.actor.login_id)
    _set_password(act, row, password_hash)
    sign_ins.end_all(act.tx, row.id, act.now, but=act.actor.sign_in_id)
    return _password_set(act, row)


@personal("password.ask_reset", Kind.LOGIN, Who.ANYBODY)
def ask_reset(act: Act, *, email: str, source: str) -> Done[None]:
    """Have a link sent by which a lost password can be set anew. The answer, and what is done for
    it, is the same whether the address is known or not; whoever asks too often is told the same and
    gets no letter."""
    try:
        address = entries.address(email)
    except ValueError as error:
        raise Faults([Fault(("email",), str(error))]) from error
    counters = (
        throttle.counter("reset-source", entries.source(source), throttle.RESET_SOURCE),
        throttle.counter("reset-address", address, throttle.RESET_ADDRESS),
    )
    allowed = throttle.take(act.tx, counters, act.now)
    row = _person(act, LoginRow.email == address)
    _, token, _ = links.make(
        act,
        Purpose.RESET,
        email=address,
        login_id=row.id if row is not None and allowed else None,
    )
    if row is None or not allowed:
        return Done(None)
    return Done(None, letters=[Letter(address, Purpose.RESET, token)])


@personal("password.look_reset", Kind.LOGIN, Who.ANYBODY)
def look_reset(act: Act, *, token: str) -> str:
    """The address whose password a link sets anew. Raises BadLink."""
    link = links.look(act.tx, Purpose.RESET, token, act.now)
    if link.login_id is None:
        raise BadLink
    return str(link.email)


@personal("password.reset", Kind.LOGIN, Who.ANYBODY)
def reset_password(act: Act, *, token: str, password_hash: str) -> Done[None]:
    """Set a lost password anew. It ends all sessions, and never takes off the second factor. Raises
    BadLink."""
    link = links.take(act.tx, Purpose.RESET, token, act.now)
    row = _person(act, LoginRow.id == (link.login_id or ""))
    if row is None:
        raise BadLink
    _set_password(act, row, password_hash)
    sign_ins.end_all(act.tx, row.id, act.now)
    return _password_set(act, row)


@personal("password.give_reset", Kind.LOGIN, Who.MACHINE)
def give_reset(act: Act, *, email: str) -> Done[None]:
    """Take a person's second factor off, end their sessions, and make a link by which they set
    their password. Raises NotFound."""
    row = _person(act, LoginRow.email == email.strip().lower())
    if row is None:
        raise NotFound(Kind.LOGIN)
    taken_off = second_factor.reset_of(act, row)
    _, token, _ = links.make(act, Purpose.RESET, email=row.email, login_id=row.id)
    letter = Letter(row.email, Purpose.RESET, token)
    return Done(None, taken_off.changes, [*taken_off.letters, letter])


@personal("address.ask", Kind.LOGIN, Who.PROVEN)
def ask_address(act: Act, *, email: str) -> Done[None]:
    """Have a link sent to your new address, which takes effect when that is opened. The answer is
    the same whether the address is somebody else's or not. Raises Faults."""
    try:
        address = entries.address(email)
    except ValueError as error:
        raise Faults([Fault(("email",), str(error))]) from error
    _, token, _ = links.make(act, Purpose.EMAIL, email=address, login_id=act.actor.login_id)
    return Done(None, letters=[Letter(address, Purpose.EMAIL, token)])


@personal("address.confirm", Kind.LOGIN, Who.ANYBODY)
def confirm_address(act: Act, *, token: str) -> Done[None]:
    """Put a new address in force. Raises BadLink, also where it is somebody else's."""
    link = links.take(act.tx, Purpose.EMAIL, token, act.now)
    row = _person(act, LoginRow.id == link.login_id)
    taken = act.tx.execute(select(LoginRow.id).where(LoginRow.email == link.email)).scalar()
    if taken is not None:
        raise BadLink
    try:
        act.tx.execute(update(LoginRow).where(LoginRow.id == row.id).values(email=link.email))
    except IntegrityError as error:  # two who take the same one at the same time
        raise BadLink from error
    links.void_of_login(act.tx, row.id, act.now)
    changes = logins.changes_of(act, row, fields={"email": (row.email, link.email)})
    return Done(None, changes, [Letter(row.email, Notice.ADDRESS_CHANGED)])


def _person(act: Act, which: Any) -> Any:
    return act.tx.execute(select(LoginRow.__table__).where(which)).one_or_none()


def _set_password(act: Act, person: Any, password_hash: str) -> None:
    act.tx.execute(
        update(LoginRow).where(LoginRow.id == person.id).values(password_hash=password_hash)
    )
    links.void_of_login(act.tx, person.id, act.now)


def _password_set(act: Act, person: Any) -> Done[None]:
    changes = logins.changes_of(act, person, password=SecretChange.CHANGED)
    return Done(None, changes, [Letter(person.email, Notice.PASSWORD_CHANGED)])
