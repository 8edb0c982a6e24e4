"""Accounts and extensions are taken out of use; what is in the way is named."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select
from tests.management.samples import add_key
from tests.management.test_accounts import NORTHLINE, change, create, lines, plan
from tests.management.world import NOW, World, add_caller_id

from ringback.charging import ledger
from ringback.faults import Faults
from ringback.management import history
from ringback.management.accounts import deleting
from ringback.management.actor import Actor
from ringback.management.people import invitations
from ringback.management.people.links import BadLink
from ringback.management.refusals import Forbidden, NotFound, NotSignedIn
from ringback.management.rights import MAY, Role
from ringback.management.verbs import Done
from ringback.store import Store
from ringback.store.models import (
    AccessNumberRow,
    ApiKeyRow,
    CallerIdRow,
    PlanRow,
    SessionRow,
)

NUMBER = "+442071838750"


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def delete(world: World, account: str, who: Actor = NORTHLINE) -> Done[None]:
    return world.do(who, lambda act: deleting.remove(act, account))


def put(world: World, model: Any, **row: Any) -> None:
    world.now(world.store.run(lambda tx: tx.execute(insert(model), row)))


def one(world: World, *columns: Any, where: Any) -> Any:
    return world.now(
        world.store.read(lambda tx: tuple(tx.execute(select(*columns).where(where)).one()))
    )


def recharge(world: World, ledger_id: str, amount: Decimal | None, order: str = "A-1") -> None:
    world.now(world.store.run(lambda tx: ledger.recharge(tx, ledger_id, amount, order, NOW)))


def session(world: World, extension: str, outcome: str | None) -> None:
    put(
        world,
        SessionRow,
        id=f"session-{outcome}",
        extension_id=extension,
        return_number="+447700900123",
        outcome=outcome,
        stage="trigger",
        started=NOW,
        proven=True,
        attempts=0,
        repeated=0,
    )


def test_all_that_is_in_the_way_is_named(world: World) -> None:
    recharge(world, "ledger-acme", Decimal(5))
    with pytest.raises(Faults) as refused:
        delete(world, "acme")
    assert [str(fault) for fault in refused.value.found] == [
        "accounts: below it: anna, travellers: delete them first",
        "balance: it is 5.00: see that it is 0.00 first",
    ]
    for number in ("+447700900001", "+447700900002", "+447700900003"):
        id_ = world.now(
            world.store.run(lambda tx, n=number: add_caller_id(tx, "acme-travellers", n))  # type: ignore[misc]
        )
        if number.endswith("1"):
            recharge(world, f"ledger-{id_}", Decimal(1))
        if number.endswith("2"):
            recharge(world, f"ledger-{id_}", None)
    session(world, "acme-travellers", None)
    with pytest.raises(Faults) as refused:
        delete(world, "acme-travellers")
    assert [str(fault) for fault in refused.value.found] == [
        "sessions: 1 live: end them first",
        "caller_ids: with credit: +447700900001, +447700900002: delete them first",
    ]


def test_what_is_owed_is_in_the_way_too(world: World) -> None:
    change(world, "beta", credit_limit="5.00")
    recharge(world, "ledger-beta", Decimal(-2))
    delete(world, "beta-travellers")
    with pytest.raises(Faults, match=r"balance: it is -2\.00"):
        delete(world, "beta")
    recharge(world, "ledger-beta", Decimal(2), "A-2")
    delete(world, "beta")


def test_a_deleted_extension_is_gone_with_its_caller_ids(world: World) -> None:
    number = {"number": NUMBER, "account_id": "acme", "extension_id": "acme-travellers"}
    put(world, AccessNumberRow, **number, position=2, destination="+442079460000")
    id_ = world.now(world.store.run(lambda tx: add_caller_id(tx, "acme-travellers")))
    session(world, "acme-travellers", "completed")
    done = delete(world, "acme-travellers")
    assert lines(done) == ["deleted extension northline/acme:travellers"]
    assert dict(done.changes[0].fields) == {
        "caller_ids": (1, None),
        "access_numbers": ([NUMBER], None),
    }
    assert one(world, CallerIdRow.deleted, where=CallerIdRow.id == id_) == (NOW,)
    columns = (
        AccessNumberRow.account_id,
        AccessNumberRow.extension_id,
        AccessNumberRow.position,
        AccessNumberRow.destination,
    )
    found = one(world, *columns, where=AccessNumberRow.number == NUMBER)
    assert found == ("acme", None, 0, "+442079460000")
    with pytest.raises(NotFound):
        delete(world, "acme-travellers")
    with pytest.raises(NotFound):
        change(world, "acme-travellers", status="enabled")
    (entry,) = world.do(NORTHLINE, lambda act: history.changes(act, "acme"))
    assert (entry.action, entry.path) == ("deleted", "northline/acme:travellers")


def test_a_deleted_account_gives_back_what_it_had_and_frees_its_name(world: World) -> None:
    made = create(world, "northline", name="gamma").value
    plan(world, made)
    put(world, AccessNumberRow, number=NUMBER, account_id=made, destination="+442079460000")
    for email, roles in {
        "only@example.org": [(made, Role.OWNER)],
        "both@example.org": [(made, Role.READER), ("beta", Role.READER)],
    }.items():
        world.person(email, *roles)
    tokens = {name: world.sign_in(f"{name}@example.org") for name in ("only", "both")}
    key = world.machine(lambda act: add_key(act, "login-both@example.org", made))
    invited = world.machine(
        lambda act: invitations.invite(act, made, email="new@example.org", role=Role.READER)
    )
    done = delete(world, made)
    assert dict(done.changes[0].fields) == {
        "access_numbers": ([NUMBER], None),
        "plans": (["retail"], None),
        "logins": (["both@example.org", "only@example.org"], None),
        "keys": (["old website"], None),
    }
    columns = (AccessNumberRow.account_id, AccessNumberRow.destination)
    found = one(world, *columns, where=AccessNumberRow.number == NUMBER)
    assert found == ("northline", None)
    assert one(world, PlanRow.deleted, where=PlanRow.account_id == made) == (NOW,)
    assert one(world, ApiKeyRow.ended, where=ApiKeyRow.id == key) == (NOW,)
    with pytest.raises(NotSignedIn):
        world.do(tokens["only"], lambda act: None)
    world.do(tokens["both"], lambda act: None)
    with pytest.raises(BadLink):
        world.machine(lambda act: invitations.look(act, token=str(invited.letters[0].token)))
    create(world, "northline", name="gamma")


def test_an_account_does_not_delete_itself(world: World) -> None:
    owner = Actor("me", {"beta": MAY[Role.OWNER]}, "me")
    with pytest.raises(Forbidden, match="only an account above"):
        delete(world, "beta", owner)
    delete(world, "beta-travellers", owner)
