"""Limits count all that lies below, and hold at every level."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection, insert, update
from tests.management.world import World, add_caller_id

from ringback.accounts.account_entry import AnyAccountEntry
from ringback.faults import Faults
from ringback.management.accounts import changing, limits, showing
from ringback.management.accounts.limits import Limited, Room, limit_of, tightest
from ringback.management.accounts.making import make
from ringback.management.accounts.rows import EXTENSION
from ringback.management.actor import Actor
from ringback.management.places import of_id
from ringback.management.rights import MAY, Role
from ringback.management.verbs import Act
from ringback.store import Store
from ringback.store.models import AccountRow, CallerIdRow, SoundRow, SoundVariantRow

MACHINE = Actor("command line", {"admin": MAY[Role.OWNER]})


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def set_limits(world: World, account: str, **values: object) -> None:
    world.do(MACHINE, lambda act: changing.change(act, account, values={"limits": values}))


def see_room(
    world: World, what: Limited, account: str, more: int = 1, who: Actor = MACHINE
) -> None:
    def deed(act: Act) -> None:
        place = of_id(act.tx, account)
        assert place is not None
        limits.see_room(act, what, place, more, ("enabled",))

    world.do(who, deed)


def left(world: World, what: Limited, account: str) -> int | None:
    def deed(act: Act) -> Room | None:
        place = of_id(act.tx, account)
        assert place is not None
        return limits.room(act.tx, what, place)

    room = world.do(MACHINE, deed)
    return None if room is None else room.left


def add_extension(world: World, account: str, name: str) -> str:
    def deed(act: Act) -> str:
        place = of_id(act.tx, account)
        assert place is not None
        return make(act, EXTENSION, AnyAccountEntry(name=name), place).place.id

    return world.do(MACHINE, deed)


def test_the_rule() -> None:
    assert limit_of({}, Limited.EXTENSIONS) is None
    assert limit_of({"extensions": "unlimited"}, Limited.EXTENSIONS) is None
    assert limit_of({"extensions": 0}, Limited.EXTENSIONS) == 0
    assert tightest({}, {}) is None
    assert tightest({"a": 5, "b": 3}, {"a": 4, "b": 0}) == Room(1, "a", 5)
    assert tightest({"a": 5, "b": 3}, {"a": 1}) == Room(3, "b", 3)


def test_extensions_are_counted_at_every_level(world: World) -> None:
    assert left(world, Limited.EXTENSIONS, "acme") is None
    set_limits(world, "northline", extensions=4)
    assert left(world, Limited.EXTENSIONS, "acme") == 1  # beside those of anna and beta
    set_limits(world, "acme", extensions=10)
    assert left(world, Limited.EXTENSIONS, "anna") == 1
    added = add_extension(world, "anna", "one")
    with pytest.raises(Faults, match="account: the limit of northline is reached: at most 4 ext"):
        add_extension(world, "beta", "two")
    world.now(
        world.store.run(
            lambda tx: tx.execute(
                update(AccountRow).where(AccountRow.id == added).values(deleted=1.0)
            )
        )
    )
    add_extension(world, "beta", "two")


def test_one_more_enabled_caller_id_than_the_limit_is_refused(world: World) -> None:
    set_limits(world, "acme", caller_ids=2)
    numbers = ["+447700900001", "+447700900002", "+447700900003"]
    ids = [
        world.now(world.store.run(lambda tx, n=number: add_caller_id(tx, "anna-phones", n)))  # type: ignore[misc]
        for number in numbers[:2]
    ]
    assert left(world, Limited.CALLER_IDS, "acme-travellers") == 0
    with pytest.raises(Faults, match="enabled: the limit of northline/acme is reached: at most 2"):
        see_room(world, Limited.CALLER_IDS, "acme-travellers")
    see_room(world, Limited.CALLER_IDS, "beta-travellers")
    see_room(world, Limited.CALLER_IDS, "acme-travellers", 0)
    world.now(
        world.store.run(
            lambda tx: tx.execute(
                update(CallerIdRow).where(CallerIdRow.id == ids[0]).values(enabled=False)
            )
        )
    )
    see_room(world, Limited.CALLER_IDS, "acme-travellers")
    set_limits(world, "acme", caller_ids=0)  # what there is stays
    assert left(world, Limited.CALLER_IDS, "acme") == -1
    set_limits(world, "anna-phones", caller_ids=0)
    set_limits(world, "acme", caller_ids=None)
    with pytest.raises(Faults, match="limit of northline/acme/anna:phones"):
        see_room(world, Limited.CALLER_IDS, "anna-phones")


@pytest.mark.parametrize(
    ("limited", "message"),
    [
        ("anna", "the limit of acme/anna is reached: at most 0 "),
        ("northline", "the limit of Northline is reached$"),
        ("admin", "the limit of your provider is reached$"),
    ],
)
def test_a_limit_from_above_is_told_without_its_count(
    world: World, limited: str, message: str
) -> None:
    set_limits(world, limited, caller_ids=0)
    operator = Actor("me", {"acme": MAY[Role.OPERATOR]}, "me")
    with pytest.raises(Faults, match=message):
        see_room(world, Limited.CALLER_IDS, "anna", who=operator)


def test_what_is_used_is_shown(world: World) -> None:
    set_limits(world, "acme", extensions=5)
    found = world.do(MACHINE, lambda act: showing.account(act, "acme")).limits
    assert (found["extensions"].most, found["extensions"].used) == (5, 2)
    assert (found["caller_ids"].most, found["caller_ids"].used) == (None, 0)
    assert (found["storage_mb"].most, found["storage_mb"].used) == (1024, 0)

    def add_sound(tx: Connection) -> None:
        sound = {"id": "s", "owner_id": "anna-phones", "path": "/x.wav"}
        tx.execute(insert(SoundRow), sound)
        variant = {"sound_id": "s", "language": "en", "file": "x", "seconds": 66.0}
        tx.execute(insert(SoundVariantRow), {**variant, "bytes": 1024 * 1024 + 1})

    world.now(world.store.run(add_sound))
    found = world.do(MACHINE, lambda act: showing.account(act, "acme")).limits
    assert found["storage_mb"].used == 2
