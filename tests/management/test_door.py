"""Coming in: invitations, signing in, lost passwords; nobody learns who is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, event, func, select
from sqlalchemy.engine import Engine
from tests.management.samples import second_factor_for
from tests.management.world import HASHER, HOME, NOW, PASSWORD, World

from ringback.faults import Faults
from ringback.management.history import changes
from ringback.management.letters import Letter, Notice, Purpose
from ringback.management.people import access, invitations, logins, sign_ins, throttle
from ringback.management.people.credentials import (
    IDLE_SECONDS,
    LONGEST_SECONDS,
    SignInToken,
    note_use,
)
from ringback.management.people.door import Refused
from ringback.management.people.links import BadLink
from ringback.management.people.passwords import Passwords, TooBusy
from ringback.management.refusals import NotSignedIn
from ringback.management.rights import Role
from ringback.store import InlineStore, Store
from ringback.store.models import LinkRow, ThrottleRow

ANNA = "anna@example.org"
NEW_PASSWORD = "another horse, another battery"


@pytest.fixture
def world() -> World:
    return World(InlineStore())


def invite(world: World, email: str = ANNA, role: Role = Role.OWNER, account: str = "acme") -> str:
    """The token of an invitation."""
    done = world.machine(lambda act: invitations.invite(act, account, email=email, role=role))
    (letter,) = done.letters
    assert (letter.to, letter.what) == (email, Purpose.INVITATION)
    return str(letter.token)


def accept(world: World, token: str, **more: Any) -> str:
    more = {"password": PASSWORD, "name": "Anna", "source": HOME} | more
    return world.now(world.door.accept(token, **more)).value


def test_from_the_invitation_to_the_first_look(store: Store) -> None:
    world = World(store)
    token = invite(world, "Anna@Example.org ".strip().lower())
    shown = world.machine(lambda act: invitations.look(act, token=token))
    assert (shown.email, shown.account, shown.role, shown.known) == (
        ANNA,
        "Acme",
        Role.OWNER,
        False,
    )
    accept(world, token)
    session = world.sign_in("ANNA@example.org")
    (person,) = world.do(session, lambda act: logins.people(act, "acme"))
    assert (person.email, person.name, person.role, person.sign_ins) == (ANNA, "Anna", "owner", 1)
    assert [entry.verb for entry in world.do(session, lambda act: changes(act, "acme"))] == [
        "invitation.accept",
        "invitation.make",
    ]


def test_an_invitation_answers_the_same_whether_the_address_is_known_or_not(world: World) -> None:
    world.person("known@example.org", ("beta", Role.OWNER))
    found = []
    for email in ("known@example.org", "unknown@example.org"):
        statements: list[str] = []
        with _statements(statements):
            done = world.machine(
                lambda act, email=email: invitations.invite(  # type: ignore[misc]
                    act, "acme", email=email, role=Role.READER
                )
            )
        found.append((done.value, len(done.changes), len(done.letters), statements))
    assert found[0] == found[1]
    people = world.machine(lambda act: logins.people(act, "acme"))
    assert people == [], "nobody has a role before the link was opened"


def test_a_known_person_accepts_with_the_password_they_have(world: World) -> None:
    world.person(ANNA, ("beta", Role.READER))
    token = invite(world)
    with pytest.raises(Refused):
        accept(world, token, password=NEW_PASSWORD)
    accept(world, token)
    session = world.sign_in(ANNA)
    (person,) = world.do(session, lambda act: logins.people(act, "acme"))
    assert person.other_accounts == 1
    with pytest.raises(Refused):
        world.sign_in(ANNA, password=NEW_PASSWORD)


def test_an_invitation_lasts_seven_days_and_works_once(world: World) -> None:
    token = invite(world)
    world.time.now = NOW + 7 * 24 * 3600
    with pytest.raises(BadLink):
        accept(world, token)
    token = invite(world)
    world.time.now += 7 * 24 * 3600 - 1
    accept(world, token)
    with pytest.raises(BadLink):
        accept(world, token)


def test_an_invitation_takes_the_place_of_the_one_before_and_can_be_taken_back(
    world: World,
) -> None:
    first, second = invite(world), invite(world, role=Role.READER)
    with pytest.raises(BadLink):
        accept(world, first)
    (waiting,) = world.machine(lambda act: invitations.invited(act, "acme"))
    assert (waiting.email, waiting.role, waiting.by) == (ANNA, "reader", "command line")
    world.machine(lambda act: invitations.withdraw(act, waiting.id))
    with pytest.raises(BadLink):
        accept(world, second)
    assert world.machine(lambda act: invitations.invited(act, "acme")) == []


def test_an_invitation_of_somebody_who_may_invite_no_more_is_void(world: World) -> None:
    world.person("boss@example.org", ("acme", Role.OWNER))
    boss = world.person("second@example.org", ("acme", Role.OWNER))
    session = world.sign_in("second@example.org")
    done = world.do(
        session, lambda act: invitations.invite(act, "acme", email=ANNA, role=Role.OWNER)
    )
    world.machine(lambda act: logins.change_role(act, "acme", login_id=boss, role=Role.READER))
    with pytest.raises(BadLink):
        accept(world, str(done.letters[0].token))


def test_the_first_administrator_says_their_address(world: World) -> None:
    def first() -> str:
        done = world.machine(lambda act: invitations.invite_first(act, "admin"))
        return str(done.letters[0].token)

    replaced, token = first(), first()
    with pytest.raises(BadLink):
        accept(world, replaced, email=ANNA)
    with pytest.raises(Faults, match="email: write an e-mail address"):
        accept(world, token)
    accept(world, token, email=ANNA)
    assert world.do(world.sign_in(ANNA), lambda act: logins.people(act, "admin"))
    with pytest.raises(Faults, match="there is an owner already"):
        first()


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("password", {"password": "short"}),
        ("password", {"password": "aaaaaaaaaaaaaaaa"}),
        ("name", {"name": "  "}),
        ("name", {"name": "An\u202ena"}),
    ],
)
def test_what_a_new_person_writes_is_checked(
    world: World, field: str, values: dict[str, str]
) -> None:
    token = invite(world)
    with pytest.raises(Faults, match=f"^{field}: "):
        accept(world, token, **values)
    accept(world, token)


@pytest.mark.parametrize("email", ["", "anna", "anna@", "a b@example.org", "a@b\n.org", "x" * 260])
def test_addresses_are_checked(world: World, email: str) -> None:
    with pytest.raises(Faults, match="email: write an e-mail address"):
        invite(world, email)


@contextmanager
def _statements(found: list[str]) -> Iterator[None]:
    """Collects the statements that are executed, without their values."""

    def see(connection: Connection, cursor: Any, statement: str, *rest: Any) -> None:
        found.append(statement)

    event.listen(Engine, "before_cursor_execute", see)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", see)


def refused(world: World, **more: Any) -> tuple[str, list[str], list[int]]:
    """How a sign-in is refused, the statements it made, and how often a hash was checked."""
    checked: list[int] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, stored: str, password: bytes) -> bool:
        checked.append(1)
        return verify(self, stored, password)

    statements: list[str] = []
    with pytest.MonkeyPatch.context() as patched, _statements(statements):
        patched.setattr(PasswordHasher, "verify", counted)
        with pytest.raises(Refused) as refusal:
            world.sign_in(**more)
    return str(refusal.value), statements, checked


def test_nothing_tells_why_a_sign_in_was_refused(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    world.person("left@example.org")
    secured = world.person("secured@example.org", ("acme", Role.OWNER))
    world.machine(lambda act: second_factor_for(act, secured))
    world.time.now += 300
    cases = {
        "wrong": refused(world, email=ANNA, password="wrong"),
        "unknown": refused(world, email="nobody@example.org"),
        "no address": refused(world, email="\ud800 no address"),
        "nothing": refused(world, email="", password=""),
        "without a role": refused(world, email="left@example.org"),
        "no code": refused(world, email="secured@example.org"),
        "wrong code": refused(world, email="secured@example.org", code="000000"),
        "wrong with code": refused(
            world, email="secured@example.org", password="wrong", code="000000"
        ),
    }
    for _ in range(throttle.SIGN_IN_ADDRESS.at_once):
        refused(world, email=ANNA, password="wrong")
    cases["throttled, wrong"] = refused(world, email=ANNA, password="wrong")
    cases["throttled, right"] = refused(world, email=ANNA)
    message, statements, checked = cases["wrong"]
    assert len(statements) > 5
    assert checked == [1]
    for name, case in cases.items():
        assert case == (message, statements, checked), name


def test_tries_are_throttled_by_address_and_come_back_with_time(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    for number in range(throttle.SIGN_IN_ADDRESS.at_once):
        refused(world, email=ANNA, password="wrong", source=f"198.51.100.{number}")
    refused(world, email=ANNA, source="203.0.113.1")
    world.time.now += throttle.SIGN_IN_ADDRESS.interval
    world.sign_in(ANNA, source="203.0.113.1")


def test_a_stranger_keeps_nobody_out_of_where_they_are_at_home(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    world.sign_in(ANNA)
    for _ in range(2 * throttle.SIGN_IN_ADDRESS.at_once):
        refused(world, email=ANNA, password="wrong", source="203.0.113.66")
    world.sign_in(ANNA)


def test_tries_are_throttled_by_source_over_all_addresses(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    attacker = "2001:db8:1:2::{:x}"
    for number in range(throttle.SIGN_IN_SOURCE.at_once):
        refused(world, email=f"x{number}@example.org", source=attacker.format(number + 1))
    refused(world, email=ANNA, source=attacker.format(0xFFFF))
    world.sign_in(ANNA, source="2001:db8:1:3::1")


def test_tries_at_once_are_counted_before_any_is_looked_at(store: Store) -> None:
    world = World(store)
    world.person(ANNA, ("acme", Role.OWNER))
    looked_at: list[str | None] = []
    matches = Passwords.matches

    async def noted(self: Passwords, password: str, stored: str | None) -> bool:
        looked_at.append(stored)
        return await matches(self, password, stored)

    async def together() -> list[object]:
        tries = (
            world.door.sign_in(ANNA, PASSWORD if number > 20 else "wrong", source="203.0.113.9")
            for number in range(30)
        )
        return await asyncio.gather(*tries, return_exceptions=True)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Passwords, "matches", noted)
        found = world.now(together())
    assert all(isinstance(each, Refused) for each in found)
    assert len(looked_at) == 30


def test_few_throttles_are_kept(world: World) -> None:
    for number in range(60):
        refused(world, email=f"x{number}@example.org", source=f"198.51.100.{number}")
    world.time.now += 24 * 3600
    refused(world, email=ANNA)

    def count(tx: Connection) -> int:
        return tx.execute(select(func.count()).select_from(ThrottleRow)).scalar_one()

    assert world.now(world.store.read(count)) == 2


def test_sessions_end_when_idle_and_after_a_week(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    session = world.sign_in(ANNA)
    world.time.now += IDLE_SECONDS - 1
    world.do(session, lambda act: None)
    world.time.now += 1
    with pytest.raises(NotSignedIn):
        world.do(session, lambda act: None)


def test_a_session_in_use_lasts_a_week_at_most(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    session = world.sign_in(ANNA)
    uses = 0
    while True:
        world.time.now += IDLE_SECONDS / 2
        try:
            world.do(session, lambda act: note_use(act.tx, session, act.now))
        except NotSignedIn:
            break
        uses += 1
    assert uses == LONGEST_SECONDS / (IDLE_SECONDS / 2) - 1


def test_sessions_are_listed_and_ended_by_their_person(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    world.person("other@example.org", ("acme", Role.OWNER))
    here, there = world.sign_in(ANNA, agent="Here\u202e"), world.sign_in(ANNA, agent="There")
    stranger = world.sign_in("other@example.org")
    found = world.do(here, sign_ins.mine)
    assert {(each.agent, each.is_this) for each in found} == {("Here", True), ("There", False)}
    theirs = next(each.id for each in found if not each.is_this)
    with pytest.raises(Exception, match="there is no such sign-in"):
        world.do(stranger, lambda act: sign_ins.end(act, sign_in_id=theirs))
    world.do(here, lambda act: sign_ins.end(act, sign_in_id=theirs))
    with pytest.raises(NotSignedIn):
        world.do(there, lambda act: None)
    another = world.sign_in(ANNA)
    assert world.do(here, sign_ins.end_others).value == 1
    with pytest.raises(NotSignedIn):
        world.do(another, lambda act: None)
    world.do(here, lambda act: sign_ins.end(act, sign_in_id=str(act.actor.sign_in_id)))
    with pytest.raises(NotSignedIn):
        world.do(here, lambda act: None)
    world.do(stranger, lambda act: None)


def ask_reset(world: World, email: str = ANNA, source: str = HOME) -> tuple[Letter, ...]:
    done = world.machine(lambda act: access.ask_reset(act, email=email, source=source))
    assert (done.value, list(done.changes)) == (None, [])
    return tuple(done.letters)


def test_a_lost_password_is_set_anew_by_a_link(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    session = world.sign_in(ANNA)
    first, second = ask_reset(world)[0], ask_reset(world)[0]
    done = world.now(world.door.reset(str(second.token), password=NEW_PASSWORD))
    assert [letter.what for letter in done.letters] == [Notice.PASSWORD_CHANGED]
    with pytest.raises(NotSignedIn):
        world.do(session, lambda act: None)
    for token in (first.token, second.token):
        with pytest.raises(BadLink):
            world.now(world.door.reset(str(token), password=NEW_PASSWORD))
    with pytest.raises(Refused):
        world.sign_in(ANNA)
    session = world.sign_in(ANNA, password=NEW_PASSWORD)
    (entry,) = world.do(session, lambda act: changes(act, "acme"))
    assert (entry.who, entry.secrets, entry.fields) == (ANNA, {"password": "changed"}, {})


def test_a_reset_lasts_an_hour_and_keeps_the_second_factor(world: World) -> None:
    anna = world.person(ANNA, ("acme", Role.OWNER))
    world.machine(lambda act: second_factor_for(act, anna))
    (letter,) = ask_reset(world)
    world.time.now += 3600
    with pytest.raises(BadLink):
        world.now(world.door.reset(str(letter.token), password=NEW_PASSWORD))
    (letter,) = ask_reset(world)
    world.now(world.door.reset(str(letter.token), password=NEW_PASSWORD))
    with pytest.raises(Refused):
        world.sign_in(ANNA, password=NEW_PASSWORD)


def test_asking_for_a_reset_does_the_same_for_known_and_unknown(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    found = {}
    for email in (ANNA, "nobody@example.org"):
        statements: list[str] = []
        with _statements(statements):
            letters = ask_reset(world, email)
        found[email] = statements
        assert bool(letters) == (email == ANNA)
    assert found[ANNA] == found["nobody@example.org"]
    query = select(LinkRow.token_hash).where(LinkRow.login_id.is_(None))
    assert world.now(world.store.read(lambda tx: tx.execute(query).scalar()))


def test_letters_are_not_sent_without_end(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    sent = [ask_reset(world, source=f"198.51.100.{n}") for n in range(10)]
    assert sum(map(len, sent)) == throttle.RESET_ADDRESS.at_once
    world.time.now += throttle.RESET_ADDRESS.interval
    assert ask_reset(world)


def test_the_own_password_is_changed_by_who_knows_it(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    here, there = world.sign_in(ANNA), world.sign_in(ANNA)
    (pending,) = ask_reset(world)

    def change(old: str, new: str) -> None:
        world.now(world.door.change_password(here, old=old, new=new, source=HOME))

    with pytest.raises(Refused):
        change("wrong", NEW_PASSWORD)
    with pytest.raises(Faults, match="new: write 12 to 200 characters"):
        change(PASSWORD, "short")
    change(PASSWORD, NEW_PASSWORD)
    world.do(here, lambda act: None)
    with pytest.raises(NotSignedIn):
        world.do(there, lambda act: None)
    with pytest.raises(BadLink):
        world.now(world.door.reset(str(pending.token), password=PASSWORD))
    world.sign_in(ANNA, password=NEW_PASSWORD)


def test_an_address_changes_when_the_new_one_is_confirmed(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    world.person("taken@example.org", ("beta", Role.OWNER))
    session = world.sign_in(ANNA)

    def ask(email: str) -> Letter:
        deed: Callable[[Any], Any] = lambda act: access.ask_address(act, email=email)  # noqa: E731
        done = world.now(world.door.proven(session, PASSWORD, HOME, deed))
        (letter,) = done.letters
        assert letter.to == email
        return letter  # type: ignore[no-any-return]

    def confirm(letter: Letter) -> Any:
        return world.machine(lambda act: access.confirm_address(act, token=str(letter.token)))

    letters = [ask("new@example.org"), ask("taken@example.org"), ask("newer@example.org")]
    with pytest.raises(BadLink):
        confirm(letters[1])
    assert world.do(session, lambda act: act.actor.name) == ANNA, "nothing has changed yet"
    done = confirm(letters[0])
    assert [(letter.to, letter.what) for letter in done.letters] == [(ANNA, Notice.ADDRESS_CHANGED)]
    with pytest.raises(BadLink):
        confirm(letters[2])
    world.sign_in("new@example.org")
    with pytest.raises(Refused):
        world.sign_in(ANNA)


def test_a_link_does_only_what_it_is_for(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    session = world.sign_in(ANNA)
    done = world.now(
        world.door.proven(
            session, PASSWORD, HOME, lambda act: access.ask_address(act, email="new@example.org")
        )
    )
    with pytest.raises(BadLink):
        world.now(world.door.reset(str(done.letters[0].token), password=NEW_PASSWORD))
    token = invite(world, "other@example.org")
    for deed in (access.look_reset, access.confirm_address):
        with pytest.raises(BadLink):
            world.machine(lambda act, deed=deed: deed(act, token=token))  # type: ignore[misc]


def test_a_reset_by_the_machine_takes_the_second_factor_off(world: World) -> None:
    anna = world.person(ANNA, ("acme", Role.OWNER))
    world.machine(lambda act: second_factor_for(act, anna))
    done = world.machine(lambda act: access.give_reset(act, email=ANNA))
    assert [letter.what for letter in done.letters] == [Notice.SECOND_FACTOR_RESET, Purpose.RESET]
    world.now(world.door.reset(str(done.letters[1].token), password=NEW_PASSWORD))
    world.sign_in(ANNA, password=NEW_PASSWORD)


def test_no_secret_stands_in_the_database_or_in_a_repr(world: World) -> None:
    token = invite(world)
    accept(world, token)
    session = world.sign_in(ANNA)
    (letter,) = ask_reset(world)
    for text in (repr(letter), repr(session), repr(SignInToken("t"))):
        assert str(letter.token) not in text
        assert session.text not in text

    def dump(tx: Connection) -> str:
        raw = tx.connection.driver_connection
        return "\n".join(raw.iterdump())  # type: ignore[union-attr]

    stored = world.now(world.store.run(dump))
    for secret in (token, session.text, str(letter.token), PASSWORD):
        assert secret not in stored


def test_passwords_are_compared_however_they_were_typed() -> None:
    passwords = Passwords(HASHER)

    async def compared() -> list[bool]:
        stored = await passwords.hash("caf\u00e9 caf\u00e9 caf\u00e9")
        return [
            await passwords.matches("cafe\u0301 cafe\u0301 cafe\u0301", stored),
            await passwords.matches("caf\u00e9 caf\u00e9 cafe", stored),
            await passwords.matches("\ud800", stored),
            await passwords.matches("", None),
            await passwords.matches("the password of nobody", None),
            await passwords.matches("x", "no hash"),
        ]

    assert asyncio.run(compared()) == [True, False, False, False, False, False]


def test_no_more_wait_than_memory_allows() -> None:
    passwords = Passwords(HASHER)

    async def many() -> list[object]:
        tries = (passwords.matches("x", None) for _ in range(300))
        return await asyncio.gather(*tries, return_exceptions=True)

    found = asyncio.run(many())
    assert sum(isinstance(each, TooBusy) for each in found) == 200
    assert found.count(False) == 100
    assert asyncio.run(passwords.matches("x", None)) is False
