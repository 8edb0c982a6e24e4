"""What trunks cost: recorded for answered legs, limiting nothing."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import Connection, select
from tests.charging import helpers
from tests.charging.helpers import NOW, rate

from ringback.charging.rating import SECOND
from ringback.charging.trunkcost import TrunkCost, record_cost, trunk_cost
from ringback.store import Store, models

NUMBER = "+442079460000"


def world(tx: Connection) -> None:
    """admin's plan `carrier`, whose price has changed at NOW, and a reseller's `own`."""
    helpers.account(tx, "admin", level="administrator")
    helpers.plan(
        tx,
        "carrier",
        "admin",
        rate("44", "0.003", 1, None, 1, "0.006", valid_to=NOW),
        rate("44", "0", 1, None, 1, "0.60", valid_from=NOW),
        minutes={"44": 100},
    )
    helpers.account(tx, "reseller", "admin", level="provider")
    helpers.plan(tx, "own", "reseller", rate("44"))
    helpers.leg(tx, "b", "B", NUMBER)


@pytest.fixture
def costs(store: Store) -> Store:
    asyncio.run(store.run(world))
    return store


def cost(
    store: Store,
    plan: str = "carrier",
    number: str = NUMBER,
    started: float = NOW,
    seconds: int = 90,
) -> TrunkCost:
    return asyncio.run(
        store.read(lambda tx: trunk_cost(tx, plan, number, started, seconds * SECOND))
    )


def test_by_the_rate_that_was_valid_when_the_leg_was_dialled(costs: Store) -> None:
    told = "1 s at 0.60/min, 89 × 1 s at 0.60/min"
    assert cost(costs) == TrunkCost("carrier", Decimal("0.90"), told)
    assert cost(costs, started=NOW - 1).amount == Decimal("0.012")
    assert cost(costs, seconds=0).amount == Decimal("0.01")


@pytest.mark.parametrize(
    ("plan", "number", "explanation"),
    [
        ("carrier", "+33123456789", "the plan had no valid rate"),
        ("own", NUMBER, "the server administrator has no such plan"),
        ("nothing", NUMBER, "the server administrator has no such plan"),
    ],
)
def test_a_cost_that_is_not_known_is_none_and_says_why(
    costs: Store, plan: str, number: str, explanation: str
) -> None:
    assert cost(costs, plan, number) == TrunkCost(plan, None, explanation)


def test_it_is_recorded_once(costs: Store) -> None:
    for amount in (Decimal("0.90"), None):
        found = TrunkCost("carrier", amount, "1 s at 0.60/min")
        asyncio.run(costs.run(lambda tx, found=found: record_cost(tx, "b", "london-1", found)))  # type: ignore[misc]
    query = select(models.LegCostRow.__table__)
    rows = asyncio.run(costs.read(lambda tx: [tuple(row) for row in tx.execute(query)]))
    assert rows == [("b", "london-1", "carrier", Decimal("0.90"), "1 s at 0.60/min")]


def test_no_balance_and_no_free_minutes_change(costs: Store) -> None:
    def work(tx: Connection) -> None:
        record_cost(tx, "b", "london-1", trunk_cost(tx, "carrier", NUMBER, NOW, 90 * SECOND))
        helpers.check_books(tx)
        assert tx.execute(select(models.LedgerEntryRow.id)).all() == []
        assert tx.execute(select(models.AllowanceRow.id)).all() == []

    asyncio.run(costs.run(work))
