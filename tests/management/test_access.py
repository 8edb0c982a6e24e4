"""A person's own password and address, changed and got back when lost; how they are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, select
from tests.management.coming import ANNA, NEW_PASSWORD, accept, ask_reset, invite, statements_of
from tests.management.samples import second_factor_for
from tests.management.world import HASHER, HOME, PASSWORD, World

from ringback.faults import Faults
from ringback.management.history import changes
from ringback.management.letters import Letter, Notice, Purpose
from ringback.management.people import access, throttle
from ringback.management.people.credentials import (
    SignInToken,
)
from ringback.management.people.door import Refused
from ringback.management.people.links import BadLink
from ringback.management.people.passwords import Passwords, TooBusy
from ringback.management.refusals import NotSignedIn
from ringback.management.rights import Role
from ringback.store import InlineStore
from ringback.store.models import LinkRow


@pytest.fixture
def world() -> World:
    return World(InlineStore())


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
        with statements_of(statements):
            letters = ask_reset(world, email)
        found[email] = statements
        assert bool(letters) == (email == ANNA)
    assert found[ANNA] == found["nobody@example.org"]
    query = select(LinkRow.token_hash).where(LinkRow.login_id.is_(None))
    assert world.now(world.store.read(lambda tx: tx.execute(query).scalar()))


def test_asking_for_strangers_leaves_no_rows(world: World) -> None:
    world.person(ANNA, ("acme", Role.OWNER))
    for number in range(30):
        world.time.now += 1
        ask_reset(world, ANNA if number % 2 else f"nobody{number}@example.org")
    rows = world.now(world.store.read(lambda tx: list(tx.execute(select(LinkRow.login_id)))))
    assert len(rows) <= throttle.RESET_ADDRESS.at_once + 1


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
