"""People in accounts: roles, the last owner, leaving; two tenants see nothing of each other."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.management.everything import ruled
from tests.management.example import change_example
from tests.management.samples import AT_PLACES, add_key, second_factor_for
from tests.management.world import HOME, PASSWORD, World, add_person, add_session

from ringback.faults import Faults
from ringback.management.history import changes
from ringback.management.people import invitations, keys, logins, sign_ins
from ringback.management.people.credentials import SignInToken, actor_of
from ringback.management.people.door import Refused
from ringback.management.people.logins import Person
from ringback.management.refusals import NotFound, NotSignedIn
from ringback.management.rights import Role
from ringback.management.verbs import Act
from ringback.store import InlineStore, Store

TOM, INES, KOFI = "tom@example.org", "ines@example.org", "kofi@example.org"


@pytest.fixture
def world() -> World:
    world = World(InlineStore())
    world.person(TOM, ("acme", Role.OWNER))
    world.person(KOFI, ("acme", Role.OPERATOR))
    return world


def people(world: World, who: SignInToken, account: str = "acme") -> list[Person]:
    return world.do(who, lambda act: logins.people(act, account))


def test_the_last_owner_stays(world: World) -> None:
    tom = world.sign_in(TOM)
    own = f"login-{TOM}"
    with pytest.raises(Faults, match="role: is that of the last owner here"):
        world.do(tom, lambda act: logins.remove(act, "acme", login_id=own))
    with pytest.raises(Faults, match="role: is that of the last owner here"):
        world.do(tom, lambda act: logins.change_role(act, "acme", login_id=own, role=Role.READER))
    world.person(INES, ("acme", Role.OWNER))
    world.do(tom, lambda act: logins.remove(act, "acme", login_id=own))
    with pytest.raises(NotSignedIn):
        people(world, tom)
    with pytest.raises(Refused):
        world.sign_in(TOM)


def test_a_role_that_is_taken_away_is_gone_with_the_next_request(world: World) -> None:
    tom, kofi = world.sign_in(TOM), world.sign_in(KOFI)
    world.do(kofi, lambda act: None)

    def change(role: Role) -> None:
        login_id = f"login-{KOFI}"
        world.do(tom, lambda act: logins.change_role(act, "acme", login_id=login_id, role=role))

    change(Role.READER)
    assert len(people(world, kofi)) == 2
    change(Role.READER)
    change(Role.OPERATOR)
    with pytest.raises(Exception, match="needs the right to see logins"):
        people(world, kofi)
    told = [entry.fields for entry in world.do(tom, lambda act: changes(act, "acme"))]
    assert told == [{"role": ["reader", "operator"]}, {"role": ["operator", "reader"]}]


def test_who_leaves_one_account_keeps_the_others(world: World) -> None:
    lena = world.person("lena@example.org", ("acme", Role.READER), ("beta", Role.READER))
    session = world.sign_in("lena@example.org")
    world.do(world.sign_in(TOM), lambda act: logins.remove(act, "acme", login_id=lena))
    assert len(people(world, session, "beta")) == 1
    with pytest.raises(NotFound):
        people(world, session, "acme")


def test_an_owner_signs_a_person_out_everywhere(world: World) -> None:
    tom, kofi = world.sign_in(TOM), world.sign_in(KOFI)
    login_id = f"login-{KOFI}"
    assert world.do(tom, lambda act: logins.end_sign_ins(act, "acme", login_id=login_id)).value == 1
    with pytest.raises(NotSignedIn):
        world.do(kofi, lambda act: None)
    again = world.do(tom, lambda act: logins.end_sign_ins(act, "acme", login_id=login_id))
    assert (again.value, list(again.changes)) == (0, [])


def test_who_has_left_and_comes_back_signs_in_anew(world: World) -> None:
    tom, kofi = world.sign_in(TOM), world.sign_in(KOFI)
    world.do(tom, lambda act: logins.remove(act, "acme", login_id=f"login-{KOFI}"))
    done = world.do(tom, lambda act: invitations.invite(act, "acme", email=KOFI, role=Role.READER))
    token = str(done.letters[0].token)
    world.now(world.door.accept(token, password=PASSWORD, source=HOME))
    with pytest.raises(NotSignedIn):
        world.do(kofi, lambda act: None)


@pytest.mark.parametrize("id_", ["\0", "\ud800", "", "x" * 100_000, "login-é"])
def test_any_text_is_taken_for_an_id(store: Store, id_: str) -> None:
    world = World(store)
    world.person(TOM, ("acme", Role.OWNER))
    tom = world.sign_in(TOM)
    deeds: list[Callable[[Act], object]] = [
        lambda act: logins.people(act, id_),
        lambda act: keys.end(act, id_),
        lambda act: invitations.withdraw(act, id_),
        lambda act: keys.end_own(act, key_id=id_),
        lambda act: logins.remove(act, "acme", login_id=id_),
        lambda act: sign_ins.end(act, sign_in_id=id_),
    ]
    for deed in deeds:
        with pytest.raises(NotFound):
            world.do(tom, deed)


def test_a_person_elsewhere_is_not_found_as_one_who_is_not(world: World) -> None:
    world.person("beta@example.org", ("beta", Role.OWNER))
    tom = world.sign_in(TOM)
    found = []
    for login_id in ("login-beta@example.org", "login-nobody"):
        with pytest.raises(NotFound) as refused:
            world.do(tom, lambda act, id_=login_id: logins.remove(act, "acme", login_id=id_))  # type: ignore[misc]
        found.append(str(refused.value))
    assert found[0] == found[1] == "there is no such login"


def test_a_list_is_read_page_by_page(world: World) -> None:
    for number in range(5):
        world.person(f"p{number}@example.org", ("anna", Role.READER), ("acme", Role.READER))
    tom = world.sign_in(TOM)
    found: list[tuple[str, str]] = []
    after = None
    while page := world.do(
        tom,
        lambda act, after=after: logins.people(act, "acme", below=True, after=after, limit=3),  # type: ignore[misc]
    ):
        found += [(person.email, person.account_id) for person in page]
        after = found[-1]
    assert found == sorted(found)
    assert len(set(found)) == 12


def test_of_other_accounts_only_those_in_sight_are_counted(world: World) -> None:
    roles = [(account, Role.READER) for account in ("acme", "anna", "beta")]
    world.person("shared@example.org", *roles)
    tom = world.sign_in(TOM)
    found = {person.email: person.other_accounts for person in people(world, tom)}
    assert found == {TOM: 0, KOFI: 0, "shared@example.org": 1}


def filled(world: World, account: str) -> SignInToken:
    """People, invitations, keys and changes of one tenant, the same as of another."""
    owner = f"owner@{account}.example"
    world.person(owner, (account, Role.OWNER))
    world.person(f"reader@{account}.example", (f"{account}-travellers", Role.READER))
    session = world.sign_in(owner)
    world.do(
        session,
        lambda act: invitations.invite(act, account, email="new@example.org", role=Role.READER),
    )
    world.key(session, account, Role.READER)
    return session


def seen(world: World, who: SignInToken, account: str) -> list[Any]:
    return [
        world.do(who, lambda act: logins.people(act, account, below=True)),
        world.do(who, lambda act: invitations.invited(act, account, below=True)),
        world.do(who, lambda act: keys.keys(act, account)),
        world.do(who, lambda act: changes(act, account)),
    ]


def test_two_tenants_see_nothing_of_each_other() -> None:
    alone, both = World(InlineStore()), World(InlineStore())
    filled(alone, "acme")
    filled(both, "acme")
    filled(both, "beta")
    shared = both.person("shared@example.org", ("beta", Role.OWNER))
    both.machine(lambda act: second_factor_for(act, shared))
    found = [seen(world, world.sign_in("owner@acme.example"), "acme") for world in (alone, both)]
    assert [len(each) for each in found[0]] == [2, 1, 1, 2]
    assert "beta" not in repr(found[1]).casefold()
    assert _without_chance(found[0]) == _without_chance(found[1])


def _without_chance(found: list[Any]) -> str:

    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", repr(found))
    return re.sub(r"(tail)='[^']*'", r"\1", text)


@pytest.mark.parametrize("name", sorted(AT_PLACES))
def test_what_is_another_tenants_answers_as_what_is_not_there(name: str) -> None:
    """The very words of the refusal are the same."""

    world = World(InlineStore())
    deed: Any = (ruled() | {"example.change": change_example})[name]

    def work(act: Act) -> list[str]:

        subject, arguments = AT_PLACES[name](act, "beta")
        login_id = add_person(act.tx, "me@example.org", "x", ("acme", Role.OWNER))
        add_key(act, login_id, "acme")
        actor = actor_of(act.tx, add_session(act, login_id), act.now)
        words = []
        for id_ in (subject, "nowhere"):
            with pytest.raises(NotFound) as refused:
                deed(replace(act, actor=actor), id_, **arguments)
            words.append(str(refused.value))
        return words

    first, second = world.machine(work)
    assert first == second
