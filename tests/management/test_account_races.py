"""Two at once at accounts: what both did stays, and only one takes what there is once."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from sqlalchemy import Connection, func, insert, select, update
from tests.management.races import ROUNDS, by_machine, together
from tests.management.world import World

from ringback.accounts.account_entry import AnyAccountEntry
from ringback.amounts import ZERO
from ringback.faults import Faults
from ringback.management import recharges
from ringback.management.accounts import changing, credit, deleting, making
from ringback.management.accounts.making import make
from ringback.management.accounts.rows import EXTENSION
from ringback.management.caller_ids import verbs
from ringback.management.extensions import extensions
from ringback.management.places import of_id
from ringback.management.refusals import NotFound
from ringback.management.verbs import Act
from ringback.store.models import AccountRow, CallerIdRow, LedgerAccountRow, PlanRow

Deed = Callable[[Act], Any]


def nothing(tx: Connection) -> None:
    pass


def test_two_people_change_one_account_and_both_changes_stay(database: str) -> None:
    rounds = iter(range(1, ROUNDS + 1))
    found: list[dict[str, Any]] = []

    async def prepare(world: World) -> int:
        return next(rounds)

    def change(world: World, number: int, who: int) -> Coroutine[Any, Any, Any]:
        guards = {("sessions", "calls_per_hour")[who]: number}
        return by_machine(
            world, lambda act: changing.change(act, "acme", values={"guards": guards})
        )

    def check(tx: Connection) -> None:
        query = select(AccountRow.guards).where(AccountRow.id == "acme")
        found.append(tx.execute(query).scalar_one())

    assert together(database, prepare, change, check) == {"Done": 2 * ROUNDS}
    assert found == [{"sessions": n, "calls_per_hour": n} for n in range(1, ROUNDS + 1)]


def test_a_name_is_taken_once(database: str) -> None:
    rounds = iter(range(ROUNDS))

    async def prepare(world: World) -> str:
        return f"new-{next(rounds)}"

    def take(world: World, name: str, who: int) -> Coroutine[Any, Any, Any]:
        def deed(act: Act) -> Any:
            if who == 0:
                return making.create(act, "northline", values={"name": name, "level": "user"})
            return changing.change(act, "beta", values={"name": name})

        return by_machine(world, deed)

    assert together(database, prepare, take, nothing) == {
        "Done": ROUNDS,
        Faults.__name__: ROUNDS,
    }


def test_nothing_is_made_below_an_account_that_is_being_deleted(database: str) -> None:
    rounds = iter(range(ROUNDS))
    lost: list[int] = []

    async def prepare(world: World) -> str:
        values = {"name": f"short-lived-{next(rounds)}", "level": "organization"}
        done = await by_machine(world, lambda act: making.create(act, "northline", values=values))
        return str(done.value)

    def either(world: World, account: str, who: int) -> Coroutine[Any, Any, Any]:
        def deed(act: Act) -> Any:
            if who == 0:
                return deleting.remove(act, account)
            return making.create(act, account, values={"name": "below", "level": "user"})

        return by_machine(world, deed)

    def check(tx: Connection) -> None:
        above = select(AccountRow.id).where(AccountRow.deleted.is_not(None))
        query = select(func.count()).where(
            AccountRow.deleted.is_(None), AccountRow.parent_id.in_(above)
        )
        lost.append(tx.execute(query).scalar_one())

    found = together(database, prepare, either, check)
    assert found["Done"] == ROUNDS
    assert found[Faults.__name__] + found[NotFound.__name__] == ROUNDS
    assert lost == [0] * ROUNDS


def test_the_last_place_is_taken_once(database: str) -> None:
    """From different accounts below the one whose limit it is."""
    limits = iter(range(4, 4 + ROUNDS))
    there: list[int] = []

    async def prepare(world: World) -> int:
        limit = next(limits)
        await by_machine(
            world,
            lambda act: changing.change(act, "northline", values={"limits": {"extensions": limit}}),
        )
        return limit

    def take(world: World, limit: int, who: int) -> Coroutine[Any, Any, Any]:
        def deed(act: Act) -> str:
            place = of_id(act.tx, ("anna", "beta")[who])
            assert place is not None
            return make(act, EXTENSION, AnyAccountEntry(name=f"e{limit}"), place).place.id

        return by_machine(world, deed)

    def check(tx: Connection) -> None:
        query = select(func.count()).where(AccountRow.level == EXTENSION)
        there.append(tx.execute(query).scalar_one())

    assert together(database, prepare, take, check) == {"str": ROUNDS, Faults.__name__: ROUNDS}
    assert there == [4, 5, 6, 7, 8]


def test_a_plan_becomes_prepaid_while_an_account_with_it_gets_a_limit(database: str) -> None:
    wrong: list[int] = []

    async def prepare(world: World) -> None:
        def work(tx: Connection) -> None:
            row = {
                "id": "monthly",
                "account_id": "northline",
                "name": "monthly",
                "special_prefixes": [],
                "packages": [],
            }
            if tx.execute(select(PlanRow.id)).scalar() is None:
                tx.execute(insert(PlanRow), {**row, "kind": "postpaid", "limit": ZERO})
            tx.execute(update(PlanRow).values(kind="postpaid"))
            tx.execute(
                update(AccountRow)
                .where(AccountRow.id == "acme")
                .values(plan_id="monthly", credit_limit=None)
            )
            tx.execute(update(LedgerAccountRow).values(credit_limit=ZERO))

        await world.store.run(work)

    def either(world: World, prepared: None, who: int) -> Coroutine[Any, Any, Any]:
        def deed(act: Act) -> Any:
            if who == 0:
                return changing.change(act, "acme", values={"credit_limit": "5.00"})
            act.tx.execute(update(PlanRow).values(kind="prepaid"))
            return credit.put_plan_in_force(act, "monthly")

        return by_machine(world, deed)

    def check(tx: Connection) -> None:
        query = (
            select(func.count())
            .select_from(AccountRow)
            .join(PlanRow, PlanRow.id == AccountRow.plan_id)
            .where(PlanRow.kind == "prepaid", AccountRow.credit_limit > ZERO)
        )
        wrong.append(tx.execute(query).scalar_one())

    found = together(database, prepare, either, check)
    assert found[Faults.__name__] == ROUNDS
    assert wrong == [0] * ROUNDS


def test_no_money_is_put_on_an_account_that_is_being_deleted(database: str) -> None:
    rounds = iter(range(ROUNDS))
    lost: list[int] = []

    async def prepare(world: World) -> str:
        values = {"name": f"short-lived-{next(rounds)}", "level": "organization"}
        done = await by_machine(world, lambda act: making.create(act, "northline", values=values))
        return str(done.value)

    def either(world: World, account: str, who: int) -> Coroutine[Any, Any, Any]:
        def deed(act: Act) -> Any:
            if who == 0:
                return deleting.remove(act, account)
            values = {"amount": "5.00", "order_number": "A-1"}
            return recharges.recharge_account(act, account, values=values)

        return by_machine(world, deed)

    def check(tx: Connection) -> None:
        query = (
            select(func.count())
            .select_from(AccountRow)
            .join(LedgerAccountRow, LedgerAccountRow.id == AccountRow.ledger_id)
            .where(AccountRow.deleted.is_not(None), LedgerAccountRow.balance != ZERO)
        )
        lost.append(tx.execute(query).scalar_one())

    found = together(database, prepare, either, check)
    assert found["Done"] == ROUNDS
    assert found[Faults.__name__] + found[NotFound.__name__] == ROUNDS
    assert lost == [0] * ROUNDS


def test_no_caller_id_is_added_to_an_extension_that_is_being_deleted(database: str) -> None:
    lost: list[int] = []
    rounds = iter(range(ROUNDS))

    async def prepare(world: World) -> str:
        values = {"name": f"short-lived-{next(rounds)}"}
        done = await by_machine(world, lambda act: extensions.create(act, "acme", values=values))
        return str(done.value)

    def either(world: World, extension_id: str, who: int) -> Coroutine[Any, Any, Any]:
        def deed(act: Act) -> Any:
            if who == 0:
                return deleting.remove(act, extension_id)
            values = {"number": "+447700900123"}
            return verbs.create(act, extension_id, values=values)

        return by_machine(world, deed)

    def check(tx: Connection) -> None:
        query = (
            select(func.count())
            .select_from(CallerIdRow)
            .join(AccountRow, AccountRow.id == CallerIdRow.extension_id)
            .where(AccountRow.deleted.is_not(None), CallerIdRow.deleted.is_(None))
        )
        lost.append(tx.execute(query).scalar_one())

    found = together(database, prepare, either, check)
    assert found["Done"] + found[NotFound.__name__] == 2 * ROUNDS
    assert found["Done"] >= ROUNDS
    assert lost == [0] * ROUNDS
