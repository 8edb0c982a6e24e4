"""Trunk cost: what an answered leg costs the server administrator (spec section 6).

A trunk may name a plan of the administrator's as its `cost_plan`. The cost by its rates is recorded
for each answered leg, for profit, and limits nothing: where the plan has no rate the call goes on,
and what it cost is recorded as not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, bindparam, insert, select

from ringback.charging.decks import deck_for
from ringback.charging.rating import charge
from ringback.clock import Instant
from ringback.store import models
from ringback.store.prepared import Prepared

_C, _P = models.LegCostRow, models.PlanRow

_PLAN = Prepared(
    select(_P.id)
    .join(models.AccountRow, models.AccountRow.id == _P.account_id)
    .where(
        _P.name == bindparam("name"),
        _P.deleted.is_(None),
        models.AccountRow.level == "administrator",
    )
)
_RECORDED = Prepared(select(_C.leg_id).where(_C.leg_id == bindparam("leg_id")))
_RECORD = Prepared(insert(_C))


@dataclass(frozen=True, slots=True)
class TrunkCost:
    """What one answered leg costs."""

    plan: str
    """Name of the plan."""
    amount: Decimal | None
    """None: not known."""
    explanation: str


def trunk_cost(
    tx: Connection, plan: str, number: str, started: Instant, duration: int
) -> TrunkCost:
    """The cost of an answered leg to `number` (E.164 with its plus), dialled at `started`, that
    lasted `duration` microseconds, by the plan named `plan`. Free minutes of it do not count."""
    plan_id = _PLAN.value(tx, name=plan)
    if plan_id is None:
        return TrunkCost(plan, None, "the server administrator has no such plan")
    rate = deck_for(tx, plan_id, number).choose(number, started)
    if rate is None:
        return TrunkCost(plan, None, "the plan had no valid rate")
    charged = charge(rate, duration)
    return TrunkCost(plan, charged.amount, charged.explanation)


def record_cost(tx: Connection, leg_id: str, trunk: str, cost: TrunkCost) -> None:
    """Write a leg's cost down, once: for the same leg again nothing changes."""
    if _RECORDED.value(tx, leg_id=leg_id) is None:
        _RECORD.run(
            tx,
            leg_id=leg_id,
            trunk=trunk,
            plan=cost.plan,
            amount=cost.amount,
            explanation=cost.explanation,
        )
