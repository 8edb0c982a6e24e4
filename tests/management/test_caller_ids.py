"""CallerIDs one at a time: added, changed, deleted, unlocked."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, select, update
from tests.management.samples import CALLER_ID
from tests.management.world import NOW, SECRETS, World

from ringback.accounts import lockout, tree
from ringback.charging import ledger
from ringback.charging.holds import Hold, Post
from ringback.charging.rating import Rate
from ringback.faults import Faults
from ringback.management.actor import Actor
from ringback.management.caller_ids import found, verbs
from ringback.management.caller_ids.found import Whole
from ringback.management.caller_ids.locks import unlock
from ringback.management.caller_ids.storing import Written
from ringback.management.change import Action, SecretChange
from ringback.management.history import changes
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import MAY, Role
from ringback.management.verbs import Act, Done
from ringback.store import Store
from ringback.store.models import AccountRow, CallerIdRow

HERE = "acme-travellers"
NUMBER, OTHER = "+447700900123", "+447700900124"


@pytest.fixture
def world(store: Store) -> World:
    world = World(store)
    in_britain = update(AccountRow).where(AccountRow.id == "acme").values(country="GB")
    world.now(store.run(lambda tx: tx.execute(in_britain).rowcount))
    return world


def somebody(role: Role, account: str = "acme") -> Actor:
    return Actor(role, {account: MAY[role]}, login_id=role)


def add(world: World, who: Actor | None = None, **values: Any) -> Done[Written]:
    values = {"number": NUMBER, **values}
    return world.do(who or somebody(Role.OWNER), lambda act: verbs.create(act, HERE, values=values))


def change(world: World, id_: str, who: Actor | None = None, **values: Any) -> Done[Written]:
    return world.do(who or somebody(Role.OWNER), lambda act: verbs.change(act, id_, values=values))


def delete(world: World, id_: str, who: Actor | None = None) -> Done[Written]:
    return world.do(who or somebody(Role.OWNER), lambda act: verbs.delete(act, id_))


def get(world: World, id_: str) -> Whole:
    reader = somebody(Role.READER)
    return world.now(world.desk.read(lambda tx, now: reader, lambda act: found.get(act, id_)))


def faults(world: World, **values: Any) -> dict[str, str]:
    with pytest.raises(Faults) as refused:
        add(world, **values)
    return {str(fault).partition(": ")[0]: fault.message for fault in refused.value.found}


def _execute(statement: Any, tx: Connection) -> None:
    tx.execute(statement)


def _add_below(values: Mapping[str, Any], act: Act) -> Done[Written]:
    return verbs.create(act, "anna-phones", values=values)


def _do(deed: Any, id_: str, act: Act) -> Any:
    return deed(act, id_)


def _lock(key: str, tx: Connection) -> None:
    lockout.save(tx, key, lockout.Lock(0, 1, NOW + 900))


def lines(done: Done[Any]) -> list[str]:
    return [line for each in done.changes for line in each.lines()]


def fields(done: Done[Any]) -> Mapping[str, Any]:
    (change,) = done.changes
    return change.fields


def test_one_with_everything(world: World) -> None:
    done = add(world, **CALLER_ID)
    assert lines(done) == [
        f"created callerID {NUMBER} of acme:travellers",
        f"recharged {NUMBER} by 5.00 (order A-1)",
    ]
    told, recharged = done.changes
    assert recharged.id == told.id == done.value.id
    assert told.secrets == {"pin": SecretChange.SET}
    assert "0042" not in repr(done)
    document = get(world, done.value.id).document()
    del document["id"]
    assert document == {
        "extension": "acme:travellers",
        "number": NUMBER,
        "name": "A. Reed",
        "reference": "R-7",
        "note": "new",
        "enabled": True,
        "expires": "2030-01-01T00:00:00+00:00",
        "pin_set": True,
        "language": "en",
        "speed_dials": {"1": "+442079460000"},
        "low_credit": "1.00",
        "guards": {"sessions": 2},
        "destinations": {"deny": ["4470"]},
        "credit": {"total": "5.00", "balance": "5.00", "available": "5.00", "unlimited": False},
        "locks": [],
    }
    listed = world.now(world.store.read(lambda tx: tree.find_caller_id(tx, HERE, NUMBER)))
    assert listed is not None
    assert SECRETS.matches(listed.id, "0042", listed.pin_mac)


def test_with_its_number_alone_it_has_the_defaults(world: World) -> None:
    whole = get(world, add(world).value.id).caller_id
    assert (whole.enabled, whole.pin_set, whole.expires, whole.language) == (
        True,
        False,
        None,
        None,
    )
    assert not whole.speed_dials
    assert not whole.guards
    assert whole.credit.total == 0


@pytest.mark.parametrize("typed", ["07700 900 123", "0044 7700 900123", "+44 (7700) 900-123"])
def test_numbers_are_read_as_dialled_in_the_country(world: World, typed: str) -> None:
    done = add(world, number=typed, speed_dials={"1": "020 7946 0000"})
    assert done.value.number == NUMBER
    assert get(world, done.value.id).caller_id.speed_dials == {"1": "+442079460000"}


def test_every_fault_is_named_by_its_field(world: World) -> None:
    told = faults(
        world,
        number="077",
        pin="12",
        expires="soon",
        speed_dials={"123": "020 7946 0000", "2": "x"},
        low_credit="-1",
        credit="5.00",
        guards={"sessions": -1},
    )
    assert set(told) == {
        "number",
        "pin",
        "expires",
        "speed_dials.123.[key]",
        "speed_dials.2",
        "low_credit",
        "order_number",
        "guards.sessions",
    }
    assert "wrong length" in told["number"]
    assert "12" not in told["pin"].replace("4 to 12", "")


def test_a_number_once_in_an_extension(world: World) -> None:
    first = add(world).value.id
    assert "already" in faults(world, number="07700900123")["number"]
    second = add(world, number=OTHER).value.id
    with pytest.raises(Faults, match="already"):
        change(world, second, number=NUMBER)
    delete(world, first)
    assert lines(change(world, second, number=NUMBER)) == [
        f"callerID {OTHER} of acme:travellers: number {OTHER} -> {NUMBER}"
    ]
    world.machine(lambda act: verbs.create(act, "anna-phones", values={"number": NUMBER}))


def test_on_an_extension_only(world: World) -> None:
    with pytest.raises(Faults, match="name an extension"):
        world.machine(lambda act: verbs.create(act, "acme", values={"number": NUMBER}))


def test_what_is_left_out_stays_and_null_is_the_default(world: World) -> None:
    id_ = add(world, **(CALLER_ID | {"enabled": False})).value.id
    assert fields(change(world, id_, name="B. Reed")) == {"name": ("A. Reed", "B. Reed")}
    assert not change(
        world, id_, name="B. Reed", pin="0042", credit="5.00", order_number="A-1"
    ).changes
    assert fields(change(world, id_, speed_dials={"2": "02079460001"})) == {
        "speed_dials": (
            {"1": "+442079460000"},
            {"1": "+442079460000", "2": "+442079460001"},
        )
    }
    done = change(world, id_, **dict.fromkeys(CALLER_ID.keys() - {"number", "credit"}))
    (told,) = done.changes
    assert told.secrets == {"pin": SecretChange.TAKEN_OFF}
    assert told.fields["enabled"] == (False, True)
    assert told.fields["expires"] == ("2030-01-01T00:00:00+00:00", None)
    bare = get(world, id_).caller_id
    assert (bare.name, bare.speed_dials, bare.guards, bare.destinations) == (None, {}, {}, {})
    assert bare.credit.total == 5


def test_another_number_keeps_all_else(world: World) -> None:
    id_ = add(world, **CALLER_ID).value.id
    locked = lockout.Lock(0, 1, NOW + 900)
    world.machine(lambda act: lockout.save(act.tx, lockout.pin_key(id_), locked))
    before = get(world, id_)
    change(world, id_, number="07700 900124")
    after = get(world, id_)
    assert after.document() == {**before.document(), "number": OTHER}
    assert [lock.what for lock in after.locks] == ["pin"]
    listed = world.now(world.store.read(lambda tx: tree.find_caller_id(tx, HERE, OTHER)))
    assert listed is not None
    assert SECRETS.matches(id_, "0042", listed.pin_mac)


def test_credit_needs_the_right_to_recharge(world: World) -> None:
    operator, accountant = somebody(Role.OPERATOR), somebody(Role.ACCOUNTANT)
    id_ = add(world, operator, pin="0042").value.id
    with pytest.raises(Forbidden, match="credit: needs the right to recharge"):
        change(world, id_, operator, credit="5.00", order_number="A-1")
    done = change(world, id_, accountant, credit="5.00", order_number="A-1")
    assert fields(done)["credit"] == ("0.00", "5.00")
    assert len(done.credited) == 1
    with pytest.raises(Forbidden, match="guards: needs the right to change guards"):
        change(world, id_, operator, guards={"sessions": 2})
    with pytest.raises(Faults, match=r"at most 5\.00 is available"):
        change(world, id_, accountant, credit="-6.00", order_number="A-2")
    assert fields(change(world, id_, accountant, credit="unlimited"))["credit"] == (
        "5.00",
        "unlimited",
    )
    assert not change(world, id_, accountant, credit="unlimited").changes


def test_no_more_may_be_enabled_than_the_limits_say(world: World) -> None:
    limited = {"acme": {"caller_ids": 3}, HERE: {"caller_ids": 1}}
    for id_, limits in limited.items():
        put = update(AccountRow).where(AccountRow.id == id_).values(limits=limits)
        world.now(world.store.run(partial(_execute, put)))
    first = add(world).value.id
    assert "limit" in faults(world, number=OTHER)["enabled"]
    second = add(world, number=OTHER, enabled=False).value.id
    with pytest.raises(Faults, match="limit of acme:travellers is reached"):
        change(world, second, enabled=True)
    change(world, first, enabled=False)
    change(world, second, enabled=True, name="now")
    change(world, second, enabled=True)
    for number in range(2):
        values = {"number": f"+44770090013{number}"}
        world.machine(partial(_add_below, values))
    with pytest.raises(Faults, match="limit of northline/acme is reached"):
        world.machine(lambda act: verbs.create(act, "anna-phones", values={"number": OTHER}))


def test_a_deleted_one_is_gone_and_its_record_stays(world: World) -> None:
    done = add(world, pin="0042")
    id_ = done.value.id
    lock = lockout.Lock(0, 1, NOW + 900)
    world.machine(lambda act: lockout.save(act.tx, lockout.pin_key(id_), lock))
    assert lines(delete(world, id_)) == [f"deleted callerID {NUMBER} of acme:travellers"]
    for deed in (verbs.delete, found.get, unlock):
        with pytest.raises(NotFound):
            world.machine(partial(_do, deed, id_))
    query = select(CallerIdRow.deleted, CallerIdRow.number, CallerIdRow.pin_mac)
    assert world.machine(lambda act: tuple(act.tx.execute(query).one())) == (NOW, NUMBER, None)
    left = world.machine(lambda act: lockout.load(act.tx, [lockout.pin_key(id_)]))
    assert left == {lockout.pin_key(id_): lockout.Lock()}
    again = add(world).value.id
    assert again != id_
    history = world.machine(lambda act: changes(act, HERE))
    assert [each.action for each in history] == [Action.CREATED, Action.DELETED, Action.CREATED]


def test_credit_is_taken_off_by_who_may_recharge(world: World) -> None:
    id_ = add(world, credit="5.00", order_number="A-1").value.id
    with pytest.raises(Forbidden, match=r"has credit, 5\.00: to delete it needs the right"):
        delete(world, id_, somebody(Role.OPERATOR))
    done = delete(world, id_)
    assert fields(done) == {"credit": ("5.00", None)}
    ledger_id = done.credited[0]
    assert world.machine(lambda act: ledger.balance(act.tx, ledger_id)).balance == 0
    nothing = add(world, number=OTHER).value.id
    delete(world, nothing, somebody(Role.OPERATOR))


def test_deleted_with_a_call_live_the_rest_is_taken_off_when_it_is_settled(world: World) -> None:
    made = add(world, credit="5.00", order_number="A-1").value
    ledger_id = made.credited[0]
    rate = Rate("44", Decimal(0), 60, Decimal(2), 60, Decimal(2))
    hold = Hold("leg", ledger_id, NUMBER, Decimal(2), rate)
    assert world.machine(lambda act: ledger.reserve(act.tx, [hold])) is None
    delete(world, made.id)
    held = world.machine(lambda act: ledger.balance(act.tx, ledger_id))
    assert (held.balance, held.reserved) == (Decimal(2), Decimal(2))
    post = Post("leg", ledger_id, NUMBER, answered=False)
    world.machine(lambda act: ledger.settle(act.tx, [post], NOW))
    held = world.machine(lambda act: ledger.balance(act.tx, ledger_id))
    assert (held.balance, held.reserved) == (Decimal(0), Decimal(0))


def test_unlocking(world: World) -> None:
    id_ = add(world).value.id
    operator = somebody(Role.OPERATOR)
    own = (
        lockout.pin_key(id_),
        lockout.claim_key(id_),
        lockout.password_key(HERE, NUMBER),
    )
    everywhere = lockout.claims_from_key(NUMBER)

    def lock() -> None:
        for key in (*own, everywhere):
            world.now(world.store.run(partial(_lock, key)))

    def locked() -> set[str]:
        found = world.machine(lambda act: lockout.load(act.tx, [*own, everywhere]))
        return {key for key, lock in found.items() if lock != lockout.Lock()}

    assert not world.do(operator, lambda act: unlock(act, id_)).changes
    lock()
    assert {each.what for each in get(world, id_).locks} == {"pin", "claims", "password"}
    done = world.do(operator, lambda act: unlock(act, id_))
    assert set(fields(done)) == {"lock of pin", "lock of claims", "lock of password"}
    assert locked() == {everywhere}, "it protects the callerIDs of others, too"
    assert fields(world.machine(lambda act: unlock(act, id_))).keys() == {
        "lock of claims made on its phone"
    }
    assert not locked()
