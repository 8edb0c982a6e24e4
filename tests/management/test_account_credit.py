"""Credit limits in force: an account's own, else its plan's; on a prepaid plan 0."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import update
from tests.management.test_accounts import NORTHLINE, change, get, plan
from tests.management.world import NOW, World

from ringback.charging import ledger
from ringback.faults import Faults
from ringback.management.accounts import credit
from ringback.management.verbs import Act
from ringback.store import Store
from ringback.store.models import LedgerAccountRow, PlanRow


@pytest.fixture
def world(store: Store) -> World:
    world = World(store)
    plan(world, "northline", "monthly", "postpaid")
    plan(world, "northline", "retail")
    return world


def in_force(world: World, account: str) -> Decimal:
    money = get(world, account).money
    assert money is not None
    return money.credit_limit_in_force


def spend(world: World, account: str, amount: int, order: str = "A-1") -> None:
    world.now(
        world.store.run(
            lambda tx: ledger.recharge(tx, f"ledger-{account}", Decimal(-amount), order, NOW)
        )
    )


def alter_plan(world: World, name: str, **values: object) -> list[str]:
    """Change a plan as its own verb does, and put the limits in force."""

    def deed(act: Act) -> list[str]:
        id_ = f"northline-{name}"
        act.tx.execute(update(PlanRow).where(PlanRow.id == id_).values(**values))
        return credit.put_plan_in_force(act, id_)

    return world.do(NORTHLINE, deed)


def test_the_own_limit_goes_before_that_of_the_plan(world: World) -> None:
    done = change(world, "acme", plan="monthly")
    assert (in_force(world, "acme"), done.credited) == (Decimal(20), ["ledger-acme"])
    change(world, "acme", credit_limit="0.00")
    assert in_force(world, "acme") == 0
    change(world, "acme", credit_limit="5.00")
    assert in_force(world, "acme") == Decimal(5)
    change(world, "acme", credit_limit=None)
    assert in_force(world, "acme") == Decimal(20)
    assert change(world, "acme", contact_name="x").credited == []
    change(world, "acme", plan=None)
    assert in_force(world, "acme") == 0


def test_an_extension_may_pay_by_a_plan_of_its_own(world: World) -> None:
    change(world, "acme-travellers", plan="monthly")
    assert in_force(world, "acme-travellers") == Decimal(20)


def test_a_prepaid_plan_and_a_limit_contradict_each_other(world: World) -> None:
    change(world, "acme", plan="retail", credit_limit="0.00")
    with pytest.raises(Faults, match=r"credit_limit: 5.00 is more than 0.00, and its plan retail"):
        change(world, "acme", credit_limit="5.00")
    change(world, "acme", plan="monthly", credit_limit="5.00")
    with pytest.raises(Faults, match=r"credit_limit: 5.00 is more than 0.00, and its plan retail"):
        change(world, "acme", plan="retail")
    assert in_force(world, "acme") == Decimal(5)
    change(world, "acme", plan="retail", credit_limit=None)
    assert in_force(world, "acme") == 0


def test_a_plan_is_prepaid_again_where_the_balance_allows_it(world: World) -> None:
    change(world, "acme", plan="monthly")
    spend(world, "acme", 3)
    with pytest.raises(Faults, match=r"plan: a limit of 0.00 is too low: 3.00 is owed"):
        change(world, "acme", plan="retail")
    with pytest.raises(Faults, match=r"credit_limit: a limit of 2.00 is too low"):
        change(world, "acme", credit_limit="2.00")
    assert in_force(world, "acme") == Decimal(20)
    spend(world, "acme", -3, "A-2")
    change(world, "acme", plan="retail")


def test_what_live_calls_have_reserved_cannot_be_taken_from_them(world: World) -> None:
    change(world, "acme", plan="monthly")

    def reserve(amount: int) -> None:
        row = LedgerAccountRow
        held = update(row).where(row.id == "ledger-acme").values(reserved=Decimal(amount))
        world.now(world.store.run(lambda tx: tx.execute(held)))

    reserve(7)
    with pytest.raises(Faults, match=r"plan: a limit of 0.00 is too low: 7.00 is owed or reserved"):
        change(world, "acme", plan="retail")
    spend(world, "acme", -7)
    change(world, "acme", plan="retail")
    change(world, "acme", plan="monthly")
    assert in_force(world, "acme") == Decimal(20)


def test_a_changed_plan_is_in_force_with_all_that_have_it(world: World) -> None:
    for account in ("acme", "beta", "anna"):
        change(world, account, plan="monthly")
    change(world, "beta", credit_limit="7.00")
    assert alter_plan(world, "monthly", limit=Decimal(30)) == ["ledger-acme", "ledger-anna"]
    assert [in_force(world, each) for each in ("acme", "anna", "beta")] == [30, 30, 7]
    spend(world, "anna", 10)
    with pytest.raises(Faults) as refused:
        alter_plan(world, "monthly", kind="prepaid", limit=Decimal(0))
    assert sorted(str(fault).partition(" is possible")[0] for fault in refused.value.found) == [
        "kind: account northline/acme/anna: a limit of 0.00 is too low: 10.00 is owed or reserved "
        "for calls already, which is the least possible",
        "kind: account northline/beta has a credit_limit of its own, 7.00, and none",
    ]
    with pytest.raises(Faults, match=r"limit: account northline/acme/anna: a limit of 9.00"):
        alter_plan(world, "monthly", limit=Decimal(9))
    assert in_force(world, "anna") == Decimal(30)
    assert alter_plan(world, "monthly", limit=Decimal(30)) == []
