"""Two at once: a link is taken once, one owner stays, a key gets one new maker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, func, select
from tests.management.races import ROUNDS, by_machine, together
from tests.management.samples import add_key, second_factor_for
from tests.management.world import HASHER, HOME, NOW, PASSWORD, World, add_person

from ringback.faults import Faults
from ringback.management.actor import Actor
from ringback.management.people import access, invitations, keys, logins, second_factor
from ringback.management.refusals import NotFound
from ringback.management.rights import MAY, Role
from ringback.management.verbs import Act
from ringback.store.models import LoginRoleRow, LoginRow

ANNA = "anna@example.org"


def count(tx: Connection, model: type[Any]) -> int:
    return tx.execute(select(func.count()).select_from(model)).scalar_one()


def test_an_invitation_is_accepted_once(database: str) -> None:
    rounds = iter(range(ROUNDS))
    people: list[int] = []

    async def prepare(world: World) -> tuple[str, str]:
        email = f"p{next(rounds)}@example.org"
        done = await by_machine(
            world, lambda act: invitations.invite(act, "acme", email=email, role=Role.OWNER)
        )
        return email, str(done.letters[0].token)

    def accept(world: World, prepared: tuple[str, str], number: int) -> Any:
        return world.door.accept(prepared[1], password=PASSWORD, name=f"N{number}", source=HOME)

    found = together(database, prepare, accept, lambda tx: people.append(count(tx, LoginRoleRow)))
    assert found == {"Done": ROUNDS, "BadLink": ROUNDS}
    assert people == [1, 2, 3, 4, 5]


def test_a_password_is_reset_once_by_one_link(database: str) -> None:
    numbers = iter(range(ROUNDS))

    async def prepare(world: World) -> str:
        email = f"p{next(numbers)}@example.org"
        await world.store.run(
            lambda tx: add_person(tx, email, HASHER.hash(PASSWORD), ("acme", Role.READER))
        )
        done = await by_machine(
            world, lambda act: access.ask_reset(act, email=email, source="192.0.2.1")
        )
        return str(done.letters[0].token)

    def reset(world: World, token: str, number: int) -> Any:
        return world.door.reset(token, password=f"{PASSWORD} {number}")

    assert together(database, prepare, reset, lambda tx: None) == {
        "Done": ROUNDS,
        "BadLink": ROUNDS,
    }


def test_two_invitations_of_one_address_make_one_login(database: str) -> None:
    numbers = iter(range(ROUNDS))
    found: list[int] = []

    async def prepare(world: World) -> list[str]:
        email = f"p{next(numbers)}@example.org"
        tokens = []
        for account in ("acme", "beta"):
            done = await by_machine(
                world,
                lambda act, account=account: invitations.invite(
                    act, account, email=email, role=Role.READER
                ),
            )
            tokens.append(str(done.letters[0].token))
        return tokens

    def accept(world: World, tokens: list[str], number: int) -> Any:
        return world.door.accept(tokens[number], password=PASSWORD, name="Anna", source=HOME)

    outcomes = together(database, prepare, accept, lambda tx: found.append(count(tx, LoginRow)))
    assert outcomes == {"Done": 2 * ROUNDS}
    assert found == [1, 2, 3, 4, 5]


def owner(login_id: str = "x") -> Actor:
    return Actor("x", {"acme": MAY[Role.OWNER]}, login_id=login_id)


def test_of_two_owners_who_remove_each_other_one_stays(database: str) -> None:
    numbers = iter(range(ROUNDS))
    accounts = iter(["acme", "beta", "anna", "northline", "southline"])

    async def prepare(world: World) -> tuple[str, list[str]]:
        account, number = next(accounts), next(numbers)

        def add(tx: Connection) -> list[str]:
            return [
                add_person(tx, f"p{number}.{n}@example.org", "x", (account, Role.OWNER))
                for n in range(2)
            ]

        return account, await world.store.run(add)

    def remove(world: World, prepared: tuple[str, list[str]], number: int) -> Any:
        account, owners = prepared
        return by_machine(world, lambda act: logins.remove(act, account, login_id=owners[number]))

    left: list[int] = []
    found = together(database, prepare, remove, lambda tx: left.append(count(tx, LoginRoleRow)))
    assert found == {"Done": ROUNDS, Faults.__name__: ROUNDS}
    assert left == [1, 2, 3, 4, 5]


def test_a_key_is_taken_over_by_one_of_two_owners(database: str) -> None:
    numbers = iter(range(ROUNDS))

    async def prepare(world: World) -> str:
        number = next(numbers)

        def add(act: Any) -> str:
            if number == 0:
                for n in range(2):
                    add_person(act.tx, f"owner{n}@example.org", "x", ("acme", Role.OWNER))
            left = add_person(act.tx, f"left{number}@example.org", "x")
            return add_key(act, left, "acme")

        return str(await by_machine(world, add))

    def take_over(world: World, key_id: str, number: int) -> Any:
        me = owner(f"login-owner{number}@example.org")
        return world.desk.run(lambda tx, now: me, lambda act: keys.take_over(act, key_id))

    found = together(database, prepare, take_over, lambda tx: None)
    assert found["Done"] == ROUNDS
    assert found["Done"] + found[NotFound.__name__] + found[Faults.__name__] == 2 * ROUNDS


LATER = NOW + 3000


@pytest.mark.parametrize("what", ["code", "recovery code"])
def test_a_code_signs_in_once(database: str, what: str) -> None:
    numbers = iter(range(ROUNDS))

    async def prepare(world: World) -> tuple[str, str]:
        email = f"p{next(numbers)}@example.org"
        world.time.now = NOW

        def add(act: Act) -> str:
            login_id = add_person(act.tx, email, HASHER.hash(PASSWORD), ("acme", Role.READER))
            authenticator = second_factor_for(act, login_id)
            if what == "code":
                return authenticator.at(int(LATER))
            person = Actor(email, {}, login_id=login_id, sign_in_id="x", proven=True)
            return second_factor.new_codes(replace(act, actor=person)).value[0]

        return email, await by_machine(world, add)

    def sign_in(world: World, prepared: tuple[str, str], number: int) -> Any:
        email, code = prepared
        world.time.now = LATER
        return world.door.sign_in(email, PASSWORD, code=code, source=f"192.0.2.{number}")

    found = together(database, prepare, sign_in, lambda tx: None)
    assert found == {"SignInToken": ROUNDS, "Refused": ROUNDS}
