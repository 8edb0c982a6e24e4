"""Two who recharge at once: an order number counts once, and all else is added up."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, func, select
from tests.management.races import ROUNDS, by_machine, together
from tests.management.world import World, add_caller_id

from ringback.charging import ledger
from ringback.management import recharges
from ringback.management.verbs import Act, Done
from ringback.store.models import AuditRow, LedgerEntryRow


async def fresh(world: World) -> str:
    """A callerID without credit."""
    number = f"+4477009{world.chance.randrange(100000):05}"
    return await world.store.run(lambda tx: add_caller_id(tx, "acme-travellers", number))


def recharge(order: Callable[[int], str]) -> Callable[[World, Any, int], Coroutine[Any, Any, Any]]:
    def deed(world: World, caller_id: str, number: int) -> Coroutine[Any, Any, Any]:
        def work(act: Act) -> Done[Any]:
            values = {"amount": "5.00", "order_number": order(number)}
            return recharges.recharge_caller_id(act, caller_id, values=values)

        return by_machine(world, work)

    return deed


def total(tx: Connection) -> Decimal:
    query = select(func.distinct(LedgerEntryRow.ledger_id)).where(LedgerEntryRow.kind == "payment")
    ids = tx.execute(query).scalars().all()
    return sum((ledger.balance(tx, id_).balance for id_ in ids), Decimal(0))


def test_one_order_sent_twice_at_once_is_made_once(database: str) -> None:
    seen: list[tuple[Decimal, int]] = []

    def check(tx: Connection) -> None:
        audited = tx.execute(select(func.count()).select_from(AuditRow)).scalar_one()
        seen.append((total(tx), audited))

    assert together(database, fresh, recharge(lambda number: "A-1"), check) == {"Done": 2 * ROUNDS}
    assert seen == [(Decimal(5 * n), n) for n in range(1, ROUNDS + 1)]


def test_two_orders_at_once_are_both_made(database: str) -> None:
    seen: list[Decimal] = []
    found = together(
        database, fresh, recharge(lambda number: f"A-{number}"), lambda tx: seen.append(total(tx))
    )
    assert found == {"Done": 2 * ROUNDS}
    assert seen == [Decimal(10 * n) for n in range(1, ROUNDS + 1)]
