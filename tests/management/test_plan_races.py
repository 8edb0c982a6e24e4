"""Two at once with plans: one name, one deck in force, none given that is being deleted."""

from __future__ import annotations

from collections.abc import Coroutine
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, select, update
from tests.charging.helpers import rate
from tests.management.races import ROUNDS, by_machine, together
from tests.management.samples import add_plan
from tests.management.test_plan_rates import Pauses
from tests.management.world import World

from ringback.charging import decks, ledger
from ringback.management.accounts import changing, deleting
from ringback.management.accounts import making as accounts
from ringback.management.actor import command_line
from ringback.management.plans import making
from ringback.management.plans.loading import Rates
from ringback.management.verbs import Act, Done
from ringback.store.models import AccountRow, DeckRow, PlanRow


async def fresh(world: World) -> str:
    """A plan of northline's that nobody has, the only one of its name."""

    def deed(act: Act) -> str:
        act.tx.execute(update(AccountRow).values(plan_id=None))
        act.tx.execute(update(PlanRow).values(deleted=act.now))
        return add_plan(act, "northline", kind="postpaid", limit="10.00")

    return str(await by_machine(world, deed))


def give(act: Act) -> Done[None]:
    return changing.change(act, "acme", values={"plan": "retail"})


def test_rates_that_two_import_at_once_are_those_of_one(database: str) -> None:
    wanted = [[rate(prefix, first_price=price) for prefix in ("1", "44")] for price in ("1", "2")]

    def load(world: World, plan_id: str, number: int) -> Coroutine[Any, Any, Any]:
        by = Rates(world.desk, command_line, Pauses(world))
        return by.replace(plan_id, wanted[number], f"file {number}")

    def check(tx: Connection) -> None:
        query = select(PlanRow.id, PlanRow.deck_id).where(PlanRow.deleted.is_(None))
        plan = tx.execute(query).one()
        assert set(decks.rates_in_force(tx, plan.id)) in [set(each) for each in wanted]
        complete = select(DeckRow.id).where(DeckRow.plan_id == plan.id, DeckRow.state == "complete")
        assert tx.execute(complete).scalars().all() == [plan.deck_id]

    found = together(database, fresh, load, check)
    assert found["tuple"] >= ROUNDS and found["tuple"] + found["DeckGone"] == 2 * ROUNDS


def test_a_plan_is_not_given_that_is_being_deleted(database: str) -> None:
    def deed(world: World, plan_id: str, number: int) -> Coroutine[Any, Any, Any]:
        if number == 0:
            return by_machine(world, lambda act: making.delete(act, plan_id))
        return by_machine(world, give)

    def check(tx: Connection) -> None:
        has = tx.execute(select(AccountRow.plan_id).where(AccountRow.id == "acme")).scalar()
        in_use = tx.execute(select(PlanRow.id).where(PlanRow.deleted.is_(None))).scalar()
        assert has == in_use

    assert together(database, fresh, deed, check) == {"Done": ROUNDS, "Faults": ROUNDS}


def test_whoever_is_given_a_plan_that_is_being_changed_has_its_limit(database: str) -> None:
    def deed(world: World, plan_id: str, number: int) -> Coroutine[Any, Any, Any]:
        if number == 0:
            return by_machine(
                world, lambda act: making.change(act, plan_id, values={"limit": "20.00"})
            )
        return by_machine(world, give)

    def check(tx: Connection) -> None:
        assert ledger.balance(tx, "ledger-acme").credit_limit == Decimal(20)

    assert together(database, fresh, deed, check) == {"Done": 2 * ROUNDS}


def test_a_name_is_taken_once(database: str) -> None:
    def deed(world: World, plan_id: str, number: int) -> Coroutine[Any, Any, Any]:
        return by_machine(world, lambda act: add_plan(act, "northline", name="gold"))

    found = together(database, fresh, deed, lambda tx: None)
    assert found == {"str": ROUNDS, "Faults": ROUNDS}


def test_no_plan_is_left_with_an_account_that_is_being_deleted(database: str) -> None:
    async def prepare(world: World) -> str:
        values = {"name": "short-lived", "level": "organization"}
        made = await by_machine(world, lambda act: accounts.create(act, "northline", values=values))
        return str(made.value)

    def deed(world: World, account: str, number: int) -> Coroutine[Any, Any, Any]:
        if number == 0:
            return by_machine(world, lambda act: deleting.remove(act, account))
        return by_machine(world, lambda act: making.create(act, account, values={"name": "own"}))

    def check(tx: Connection) -> None:
        gone = select(AccountRow.id).where(AccountRow.deleted.is_not(None))
        left = select(PlanRow.id).where(PlanRow.account_id.in_(gone), PlanRow.deleted.is_(None))
        assert tx.execute(left).scalars().all() == []

    together(database, prepare, deed, check)
