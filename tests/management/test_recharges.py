"""Recharges of accounts and callerIDs, and who reads what of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, select
from tests.management.world import World, add_caller_id

from ringback.faults import Faults
from ringback.management import history, recharges
from ringback.management.accounts import making
from ringback.management.caller_ids import verbs
from ringback.management.people.credentials import SignInToken
from ringback.management.recharges import Recharge
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import Role
from ringback.management.verbs import Act, Done
from ringback.store import Store
from ringback.store.models import LedgerEntryRow

ACCOUNTANT, PROVIDER = "accounts@acme.example", "boss@northline.example"


@pytest.fixture
def world(store: Store) -> World:
    world = World(store)
    world.person(ACCOUNTANT, ("acme", Role.ACCOUNTANT))
    world.person(PROVIDER, ("northline", Role.OWNER))
    world.now(store.run(lambda tx: add_caller_id(tx, "acme-travellers")))
    return world


CALLER_ID = "acme-travellers+447700900123"


def values(amount: str = "5.00", order: str = "A-1", **more: Any) -> dict[str, Any]:
    return {"amount": amount, "order_number": order, **more}


def recharge(world: World, who: str, **asked: Any) -> Done[Recharge]:
    signed_in = world.sign_in(who)
    return world.do(
        signed_in,
        lambda act: recharges.recharge_caller_id(act, CALLER_ID, values=values(**asked)),
    )


def test_an_order_number_counts_once(world: World) -> None:
    first, again = (recharge(world, ACCOUNTANT) for _ in range(2))
    assert [line for change in first.changes for line in change.lines()] == [
        "recharged +447700900123 by 5.00 (order A-1)"
    ]
    assert first.credited == [f"ledger-{CALLER_ID}"]
    assert (again.changes, again.credited, again.value.changed) == ((), (), False)
    assert again.value.credit.balance == Decimal(5)
    with pytest.raises(Faults, match=r"order_number: .*entered already, with 5.00, not 6.00"):
        recharge(world, ACCOUNTANT, amount="6.00")


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"amount": "-0.01"}, "amount: 0.01 cannot be taken: at most 0.00 is available"),
        ({"amount": "5"}, None),
        ({"amount": "five"}, "amount: 'five' is not an amount"),
        ({"amount": "9999999999999"}, "amount: .*"),
        ({"kind": "closed"}, "kind: must be"),
        ({"order": ""}, "order_number: write a text"),
    ],
)
def test_every_fault_is_named_by_its_field(
    world: World, asked: dict[str, Any], message: str | None
) -> None:
    if message is None:
        recharge(world, ACCOUNTANT, **asked)
        return
    with pytest.raises(Faults, match=message):
        recharge(world, ACCOUNTANT, **asked)


def test_an_account_is_recharged_from_above_only(world: World) -> None:
    def deed(act: Act) -> Done[Recharge]:
        return recharges.recharge_account(act, "acme", values=values("100.00"))

    with pytest.raises(Forbidden, match="only an account above may do"):
        world.do(world.sign_in(ACCOUNTANT), deed)
    assert world.do(world.sign_in(PROVIDER), deed).value.left == "100.00"


def test_who_recharged_from_above_is_told_as_the_account_it_is(world: World) -> None:
    """Section 2: accounts below see which account acted, not who."""
    world.do(
        world.sign_in(PROVIDER),
        lambda act: recharges.recharge_account(act, "acme", values=values("100.00")),
    )
    seen = {
        who: world.do(world.sign_in(who), lambda act: recharges.account_recharges(act, "acme"))
        for who in (ACCOUNTANT, PROVIDER)
    }
    assert [each.who for each in seen[ACCOUNTANT]] == ["Northline"]
    assert [each.who for each in seen[PROVIDER]] == [PROVIDER]
    log = world.do(world.sign_in(ACCOUNTANT), lambda act: history.changes(act, "acme"))
    assert [(each.verb, each.who) for each in log] == [("account.recharge", "Northline")]
    assert log[0].fields["credit"] == ["0.00", "100.00"]
    assert log[0].fields["of"] == [None, "acme"], "not how it is named above"


def test_another_tenants_is_as_absent(world: World) -> None:
    world.person("boss@beta.example", ("beta", Role.OWNER))
    signed_in = world.sign_in("boss@beta.example")
    messages = set()
    for id_ in (CALLER_ID, "nobody's"):
        with pytest.raises(NotFound) as refused:
            _recharge_of(world, signed_in, id_)
        messages.add(str(refused.value))
    assert messages == {"there is no such callerID"}


def _recharge_of(world: World, who: SignInToken, caller_id: str) -> None:
    world.do(who, lambda act: recharges.recharge_caller_id(act, caller_id, values=values()))


def test_the_opening_balance_is_a_recharge_with_who_gave_it(world: World) -> None:
    opening = {"name": "gamma", "level": "user", "balance": "25.00"}
    made = world.do(
        world.sign_in(PROVIDER), lambda act: making.create(act, "northline", values=opening)
    )
    world.person("boss@gamma.example", (made.value, Role.OWNER))
    seen = {
        who: world.do(world.sign_in(who), lambda act: recharges.account_recharges(act, made.value))
        for who in ("boss@gamma.example", PROVIDER)
    }
    told = [(each.kind, each.asked, each.left) for each in seen[PROVIDER]]
    assert told == [("opening", Decimal(25), Decimal(25))]
    assert [each.who for each in seen[PROVIDER]] == [PROVIDER]
    assert [each.who for each in seen["boss@gamma.example"]] == ["Northline"]


def test_what_is_left_of_a_deleted_caller_id_names_the_account_that_took_it(world: World) -> None:
    recharge(world, ACCOUNTANT)
    world.do(world.sign_in(PROVIDER), lambda act: verbs.delete(act, CALLER_ID))

    def work(tx: Connection) -> list[tuple[str, str | None, str | None]]:
        query = select(LedgerEntryRow.kind, LedgerEntryRow.who, LedgerEntryRow.by_account_id)
        found = tx.execute(query.order_by(LedgerEntryRow.id))
        return [(row.kind, row.who, row.by_account_id) for row in found]

    assert world.now(world.store.read(work)) == [
        ("payment", ACCOUNTANT, "acme"),
        ("closed", PROVIDER, "northline"),
    ]
