"""Invitations: how a person gets a role; nobody learns who is known."""

from __future__ import annotations

import pytest
from tests.management.coming import ANNA, NEW_PASSWORD, accept, invite, statements_of
from tests.management.world import NOW, World

from ringback.faults import Faults
from ringback.management.history import changes
from ringback.management.people import invitations, logins
from ringback.management.people.door import Refused
from ringback.management.people.links import BadLink
from ringback.management.rights import Role
from ringback.store import InlineStore, Store


@pytest.fixture
def world() -> World:
    return World(InlineStore())


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
        with statements_of(statements):
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
