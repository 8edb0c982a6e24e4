"""The door: all that asks for a password. The slow part is done between two units of work and off
the event loop, and is the same for every address and password.

Nobody learns whether an address is known. Each try is counted before its password is looked at, for
the address and for where it comes from. Then an unknown address, a wrong password, a wrong code and
too many tries cost the same work, and have the same answer. So that nobody can be kept out by a
stranger who tries their address, tries from a place where that person has signed in of late are
counted apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import select

from ringback.faults import Fault, Faults
from ringback.management.actor import nobody
from ringback.management.desk import Desk
from ringback.management.people import (
    access,
    credentials,
    entries,
    invitations,
    second_factor,
    sign_ins,
    throttle,
)
from ringback.management.people.credentials import Credential, SignInToken, by
from ringback.management.people.invitations import AddressTaken
from ringback.management.people.passwords import Passwords
from ringback.management.people.throttle import Counter
from ringback.management.refusals import Forbidden
from ringback.management.verbs import Act, Done
from ringback.store.models import LoginRow

T = TypeVar("T")


class Refused(Exception):
    """The address, the password or the code is wrong, or it was tried too often."""

    def __init__(self) -> None:
        super().__init__(
            "the address, the password or the code is wrong; after many tries, wait five minutes"
        )


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A password that was looked at."""

    login_id: str
    """Empty unless the password is right and it was not tried too often."""
    password_hash: str
    """What was stored of it when it was looked at."""
    counters: tuple[Counter, ...]


class Door:
    """Where people come in."""

    def __init__(self, desk: Desk, passwords: Passwords) -> None:
        self._desk = desk
        self._passwords = passwords

    async def sign_in(
        self, email: str, password: str, *, code: str = "", source: str, agent: str = ""
    ) -> SignInToken:
        """Begin a session. `code`: of the authenticator, or a recovery code; `source`: the address
        of the client. Raises Refused, TooBusy, StoreError."""
        attempt = await self._attempt(email, password, source)

        def enter(act: Act) -> str | None:
            query = select(LoginRow.__table__).where(
                LoginRow.id == attempt.login_id, LoginRow.password_hash == attempt.password_hash
            )
            person = act.tx.execute(query).one_or_none()
            roles = credentials.rights_of(act.tx, attempt.login_id)
            passed = second_factor.passes(act, attempt.login_id, person, code)
            if person is None or not roles or not passed:
                return None
            throttle.give_back(act.tx, attempt.counters, act.now)
            throttle.forget(act.tx, attempt.counters[-1])
            return sign_ins.begin(act, person.id, entries.source(source), entries.agent(agent))

        token = await self._desk.run(nobody, enter)
        if token is None:
            raise Refused
        return SignInToken(token)

    async def accept(
        self, token: str, *, password: str, name: str = "", email: str = "", source: str
    ) -> Done[str]:
        """Accept an invitation: a new person chooses name and password, a known one gives theirs.
        `email` is for an invitation without one. Returns the login's id. Raises Faults, BadLink,
        Refused, TooBusy, StoreError."""
        for _ in range(2):
            try:
                return await self._accept(token, password, name, email, source)
            except AddressTaken:
                continue  # known since we looked, or with another password
        raise Refused

    async def _accept(
        self, token: str, password: str, name: str, email: str, source: str
    ) -> Done[str]:
        invitation = await self._desk.read(nobody, lambda act: invitations.look(act, token=token))
        address = invitation.email or _checked("email", lambda: entries.address(email))
        known = invitation.known
        if invitation.email is None:
            query = select(LoginRow.id).where(LoginRow.email == address)
            found = await self._desk.read(nobody, lambda act: act.tx.execute(query).scalar())
            known = found is not None
        known_hash, chosen, made = None, "", ""
        if known:
            attempt = await self._attempt(address, password, source)
            if not attempt.login_id:
                raise Refused
            known_hash = attempt.password_hash
        else:
            chosen = _checked("name", lambda: entries.person_name(name))
            _checked("password", lambda: entries.password(password, address))
            made = await self._passwords.hash(password)
        return await self._desk.run(
            nobody,
            lambda act: invitations.accept(
                act,
                token=token,
                email=address,
                name=chosen,
                password_hash=made,
                known_hash=known_hash,
            ),
        )

    async def reset(self, token: str, *, password: str) -> Done[None]:
        """Set a lost password by the link that was sent. Raises Faults, BadLink, TooBusy,
        StoreError."""
        email = await self._desk.read(nobody, lambda act: access.look_reset(act, token=token))
        _checked("password", lambda: entries.password(password, email))
        made = await self._passwords.hash(password)
        return await self._desk.run(
            nobody, lambda act: access.reset_password(act, token=token, password_hash=made)
        )

    async def change_password(
        self, credential: Credential, *, old: str, new: str, source: str
    ) -> Done[None]:
        """Change the password of the person who has signed in. Raises Faults, Refused, NotSignedIn,
        TooBusy, StoreError."""
        actor = await self._desk.read(by(credential), lambda act: act.actor)
        _checked("new", lambda: entries.password(new, actor.name))
        made = await self._passwords.hash(new)
        return await self.proven(
            credential,
            old,
            source,
            lambda act: access.change_password(act, password_hash=made),
        )

    async def proven(
        self, credential: Credential, password: str, source: str, deed: Callable[[Act], T]
    ) -> T:
        """Do what needs the person's password, such as `second_factor.offer`. Raises Refused,
        NotSignedIn, Forbidden for a key, TooBusy, StoreError, and what the deed raises."""
        actor = await self._desk.read(by(credential), lambda act: act.actor)
        if actor.sign_in_id is None:
            raise Forbidden("only a person who has signed in may do this")
        attempt = await self._attempt(actor.name, password, source)

        def work(act: Act) -> T:
            query = select(LoginRow.password_hash).where(LoginRow.id == act.actor.login_id)
            stored = act.tx.execute(query).scalar()
            if attempt.login_id != act.actor.login_id or attempt.password_hash != stored:
                raise Refused
            throttle.give_back(act.tx, attempt.counters, act.now)
            return deed(replace(act, actor=replace(act.actor, proven=True)))

        return await self._desk.run(by(credential), work)

    async def _attempt(self, email: str, password: str, source: str) -> _Attempt:
        """Count a try, then look at the password; all of it whatever comes of it."""
        try:
            address = entries.address(email)
        except ValueError:
            address = ""

        def count(act: Act) -> tuple[str, str | None, tuple[Counter, ...], bool]:
            place = entries.source(source)
            query = select(LoginRow.__table__).where(LoginRow.email == address)
            row = act.tx.execute(query).one_or_none()
            login_id = "" if row is None else str(row.id)
            known = sign_ins.is_known_from(act, login_id, place)
            tried = f"{address} from {place}" if known else address
            counters = (
                throttle.counter("sign-in-source", place, throttle.SIGN_IN_SOURCE),
                throttle.counter("sign-in-address", tried, throttle.SIGN_IN_ADDRESS),
            )
            allowed = throttle.take(act.tx, counters, act.now)
            return login_id, None if row is None else row.password_hash, counters, allowed

        login_id, stored, counters, allowed = await self._desk.run(nobody, count)
        right = await self._passwords.matches(password, stored)
        entered = login_id if right and allowed else ""
        return _Attempt(entered, stored or "", counters)


def _checked(field: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except ValueError as error:
        raise Faults([Fault((field,), str(error))]) from error
