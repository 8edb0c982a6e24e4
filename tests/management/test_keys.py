"""API keys: never more than their maker may now."""

from __future__ import annotations

import pytest
from tests.management.world import World

from ringback.faults import Faults
from ringback.management.history import changes
from ringback.management.people import keys, logins
from ringback.management.people.credentials import KeyToken, SignInToken, note_use
from ringback.management.people.keys import Key
from ringback.management.refusals import Forbidden, NotFound, NotSignedIn
from ringback.management.rights import MAY, Role
from ringback.store import InlineStore, Store

TOM, INES = "tom@example.org", "ines@example.org"


@pytest.fixture
def world() -> World:
    world = World(InlineStore())
    for email in (TOM, INES):
        world.person(email, ("acme", Role.OWNER))
    return world


def rights(world: World, key: KeyToken) -> object:
    return world.do(key, lambda act: dict(act.actor.grants))


def listed(world: World, who: SignInToken, account: str = "acme") -> list[Key]:
    return world.do(who, lambda act: keys.keys(act, account))


def test_a_key_reaches_its_account_with_its_role(store: Store) -> None:
    world = World(store)
    world.person(TOM, ("acme", Role.OWNER))
    tom = world.sign_in(TOM)
    key = world.key(tom, "anna", Role.OPERATOR)
    assert key.text.startswith("rbk_")
    assert rights(world, key) == {"anna": MAY[Role.OPERATOR]}
    with pytest.raises(NotFound):
        world.do(key, lambda act: logins.people(act, "acme"))
    world.do(key, lambda act: note_use(act.tx, key, act.now))
    (found,) = world.do(tom, keys.own)
    assert (found.name, found.tail, found.path, found.seen) == (
        "booking",
        key.text[-4:],
        "acme/anna",
        world.time.now,
    )
    assert not found.left
    assert listed(world, tom) == [], "that one is a matter of anna"


def test_a_key_has_no_more_rights_than_its_maker_now(world: World) -> None:
    tom = world.sign_in(TOM)
    key = world.key(tom, "acme", Role.ACCOUNTANT)

    def change(role: Role) -> None:
        world.machine(
            lambda act: logins.change_role(act, "acme", login_id=f"login-{TOM}", role=role)
        )

    for role in (Role.READER, Role.OPERATOR, Role.OWNER):
        change(role)
        assert rights(world, key) == {"acme": MAY[role] & MAY[Role.ACCOUNTANT]}
    world.machine(lambda act: logins.remove(act, "acme", login_id=f"login-{TOM}"))
    with pytest.raises(NotSignedIn):
        rights(world, key)


def test_a_key_whose_maker_has_left_is_taken_over_by_an_owner(world: World) -> None:
    key = world.key(world.sign_in(TOM), "acme", Role.READER)
    ines = world.sign_in(INES)
    (found,) = listed(world, ines)
    assert (found.maker, found.left) == (TOM, False)
    with pytest.raises(Faults, match="maker: is still here"):
        world.do(ines, lambda act: keys.take_over(act, found.id))
    world.machine(lambda act: logins.remove(act, "acme", login_id=f"login-{TOM}"))
    (found,) = listed(world, ines)
    assert (found.maker, found.left) == (None, True)
    world.do(ines, lambda act: keys.take_over(act, found.id))
    assert rights(world, key) == {"acme": MAY[Role.READER]}
    (found,) = listed(world, ines)
    assert (found.maker, found.left) == (INES, False)
    entry = world.do(ines, lambda act: changes(act, "acme"))[0]
    assert entry.fields == {"maker": [TOM, INES]}
    with pytest.raises(Forbidden, match="only a person can have a key"):
        world.machine(lambda act: keys.make(act, "acme", name="x", role=Role.READER))


def test_keys_below_stay_closed_to_those_above(world: World) -> None:
    world.key(world.sign_in(TOM), "acme", Role.READER)
    (found,) = listed(world, world.sign_in(INES))
    world.person("boss@example.org", ("northline", Role.OWNER))
    boss = world.sign_in("boss@example.org")
    for closed in (
        lambda act: keys.keys(act, "acme"),
        lambda act: keys.end(act, found.id),
        lambda act: keys.take_over(act, found.id),
    ):
        with pytest.raises(Forbidden, match="which only the account itself may do"):
            world.do(boss, closed)
    from_above = world.key(boss, "acme", Role.READER)
    (latest, _) = listed(world, world.sign_in(INES))
    assert (latest.maker, latest.left) == (None, False), "accounts below do not see who"
    (own,) = world.do(boss, keys.own)
    assert own.path == "northline/acme"
    world.do(boss, lambda act: keys.end_own(act, key_id=own.id))
    with pytest.raises(NotSignedIn):
        rights(world, from_above)
    entries = world.do(world.sign_in(INES), lambda act: changes(act, "acme"))
    assert [(entry.verb, entry.who) for entry in entries] == [
        ("key.end_own", "Northline"),
        ("key.make", "Northline"),
        ("key.make", TOM),
    ]


def test_a_key_ends_at_once_and_when_it_expires(world: World) -> None:
    tom = world.sign_in(TOM)
    key = world.key(tom, "acme", Role.READER, expires=world.time.now + 100)
    world.time.now += 99.9
    rights(world, key)
    world.time.now += 0.1
    with pytest.raises(NotSignedIn):
        rights(world, key)
    key = world.key(tom, "acme", Role.READER)
    world.do(tom, lambda act: keys.end(act, listed_last(act)))
    with pytest.raises(NotSignedIn):
        rights(world, key)
    with pytest.raises(NotFound):
        world.do(tom, lambda act: keys.end_own(act, key_id="no key"))


def listed_last(act: object) -> str:
    found = keys.own(act)  # type: ignore[arg-type]
    return found[0].id


def test_a_key_makes_no_key_that_is_more_or_lasts_longer(world: World) -> None:
    tom = world.sign_in(TOM)
    until = world.time.now + 1000
    maker = world.key(tom, "acme", Role.OWNER, expires=until)
    world.key(maker, "anna", Role.OWNER, expires=until)
    for expires in (None, until + 1):
        with pytest.raises(Faults, match="expires: is after that of the key"):
            world.key(maker, "acme", Role.READER, expires=expires)
    with pytest.raises(Forbidden):
        world.key(world.key(tom, "acme", Role.ACCOUNTANT), "acme", Role.READER)


def test_a_wrong_key_is_nobodys(world: World) -> None:
    for text in ("", "rbk_", "rbk_\ud800", "x" * 10_000):
        with pytest.raises(NotSignedIn):
            rights(world, KeyToken(text))
    session = world.sign_in(TOM)
    with pytest.raises(NotSignedIn):
        rights(world, KeyToken(session.text))


def test_what_is_written_of_a_key_is_checked(world: World) -> None:
    tom = world.sign_in(TOM)
    with pytest.raises(Faults) as found:
        world.do(
            tom,
            lambda act: keys.make(act, "acme", name=" ", role=Role.READER, expires=act.now),
        )
    assert [fault.where for fault in found.value.found] == [("name",), ("expires",)]
