"""Signing in: what is refused tells nothing; tries are throttled; sessions end."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import Connection, func, select
from tests.management.coming import ANNA, statements_of
from tests.management.samples import second_factor_for
from tests.management.world import PASSWORD, World

from ringback.management.people import sign_ins, throttle
from ringback.management.people.credentials import (
    IDLE_SECONDS,
    LONGEST_SECONDS,
    note_use,
)
from ringback.management.people.door import Refused
from ringback.management.people.passwords import Passwords
from ringback.management.refusals import NotSignedIn
from ringback.management.rights import Role
from ringback.store import InlineStore, Store
from ringback.store.models import ThrottleRow


@pytest.fixture
def world() -> World:
    return World(InlineStore())


def refused(world: World, **more: Any) -> tuple[str, list[str], list[int]]:
    """How a sign-in is refused, the statements it made, and how often a hash was checked."""
    checked: list[int] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, stored: str, password: bytes) -> bool:
        checked.append(1)
        return verify(self, stored, password)

    statements: list[str] = []
    with pytest.MonkeyPatch.context() as patched, statements_of(statements):
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
