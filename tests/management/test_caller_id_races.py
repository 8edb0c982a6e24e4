"""Two at once at callerIDs: a number is taken once, and no money is left with what is gone."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from sqlalchemy import Connection, func, select
from tests.management.races import ROUNDS, by_machine, together
from tests.management.world import World

from ringback.amounts import ZERO
from ringback.faults import Faults
from ringback.management.accounts import deleting
from ringback.management.caller_ids import batches, verbs
from ringback.management.recharges import recharge_caller_id
from ringback.management.verbs import Act
from ringback.store.models import (
    AccountRow,
    AuditRow,
    CallerIdRow,
    LedgerAccountRow,
    LedgerEntryRow,
)

HERE = "acme-travellers"
NUMBER = "+447700900123"


def test_a_number_is_taken_once(database: str) -> None:
    rounds = iter(range(ROUNDS))

    async def prepare(world: World) -> str:
        return f"+4477009001{next(rounds):02}"

    def take(world: World, number: str, who: int) -> Coroutine[Any, Any, Any]:
        return by_machine(world, lambda act: verbs.create(act, HERE, values={"number": number}))

    def check(tx: Connection) -> None:
        pass

    assert together(database, prepare, take, check) == {
        "Done": ROUNDS,
        Faults.__name__: ROUNDS,
    }


def test_no_credit_is_left_with_a_deleted_one(database: str) -> None:
    async def prepare(world: World) -> str:
        values = {"number": NUMBER, "credit": "5.00", "order_number": "A-1"}
        done = await by_machine(world, lambda act: verbs.create(act, HERE, values=values))
        return str(done.value.id)

    def race(world: World, id_: str, who: int) -> Coroutine[Any, Any, Any]:
        def deed(act: Act) -> Any:
            if who == 0:
                return verbs.delete(act, id_)
            values = {"amount": "1.00", "order_number": "A-2"}
            return recharge_caller_id(act, id_, values=values)

        return by_machine(world, deed)

    def check(tx: Connection) -> None:
        held = select(func.count()).select_from(LedgerAccountRow)
        assert tx.execute(held.where(LedgerAccountRow.balance != ZERO)).scalar_one() == 0
        amounts = tx.execute(select(LedgerEntryRow.amount)).scalars().all()
        assert sum(amounts) == 0

    found = together(database, prepare, race, check)
    assert found["Done"] >= ROUNDS


def test_one_is_deleted_once(database: str) -> None:
    async def prepare(world: World) -> str:
        values = {"number": NUMBER, "credit": "5.00", "order_number": "A-1"}
        done = await by_machine(world, lambda act: verbs.create(act, HERE, values=values))
        return str(done.value.id)

    def race(world: World, id_: str, who: int) -> Coroutine[Any, Any, Any]:
        return by_machine(world, lambda act: verbs.delete(act, id_))

    def check(tx: Connection) -> None:
        pass

    assert together(database, prepare, race, check) == {"Done": ROUNDS, "NotFound": ROUNDS}


def test_nothing_is_added_to_an_extension_that_is_being_deleted(database: str) -> None:
    rounds = iter(("acme-travellers", "beta-travellers", "anna-phones"))

    async def prepare(world: World) -> str | None:
        return next(rounds, None)

    def race(world: World, place_id: str | None, who: int) -> Coroutine[Any, Any, Any]:
        def deed(act: Act) -> Any:
            if place_id is None:
                return None
            if who == 0:
                return deleting.remove(act, place_id)
            return verbs.create(act, place_id, values={"number": NUMBER})

        return by_machine(world, deed)

    def check(tx: Connection) -> None:
        left = (
            select(func.count())
            .select_from(CallerIdRow)
            .join(AccountRow, AccountRow.id == CallerIdRow.extension_id)
            .where(AccountRow.deleted.is_not(None), CallerIdRow.deleted.is_(None))
        )
        assert tx.execute(left).scalar_one() == 0

    together(database, prepare, race, check)


def test_two_who_delete_the_same_many_at_once_delete_each_once(database: str) -> None:
    """In whichever order they name them, and though they are of several extensions."""

    async def prepare(world: World) -> list[str]:
        def deed(act: Act) -> list[str]:
            values = {"number": NUMBER}
            return [verbs.create(act, id_, values=values).value.id for id_ in (HERE, "anna-phones")]

        return list(await by_machine(world, deed))

    def race(world: World, ids: list[str], who: int) -> Coroutine[Any, Any, Any]:
        named = ids if who == 0 else ids[::-1]
        how = batches.How(together=False)
        return by_machine(world, lambda act: batches.delete_many(act, "acme", ids=named, how=how))

    def check(tx: Connection) -> None:
        gone = select(AuditRow.subject_id).where(AuditRow.action == "deleted")
        told = tx.execute(gone).scalars().all()
        assert len(told) == len(set(told))

    assert together(database, prepare, race, check) == {"Done": 2 * ROUNDS}
