"""Charging plans, found by their names (spec section 11), and kept in use while they are given.

Whoever gives a plan holds it as it is, and whoever changes or deletes one waits for that: so none
is given that is just being deleted, and none has a limit that was changed meanwhile. (SQLite has
one writer at a time, and no such locks.)
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from ringback import levels
from ringback.store.models import AccountRow, PlanRow

_IN_USE = PlanRow.deleted.is_(None)


def find_plan(tx: Connection, account_id: str, name: str) -> str | None:
    """The id of the plan that may be given to an account under a name: of the nearest account above
    it that has one of the name; None if none has. An account cannot be given what it made itself,
    or it would set its own prices; nobody is above the topmost."""
    itself, *above = (level.id for level in levels.of_account(tx, account_id))
    return _nearest(tx, above or [itself], name)


def find_cost_plan(tx: Connection, name: str) -> str | None:
    """The id of the plan of the server administrator's that a trunk may cost by."""
    top = select(AccountRow.id).where(AccountRow.parent_id.is_(None))
    return _nearest(tx, [tx.execute(top).scalar_one()], name)


def _nearest(tx: Connection, accounts: list[str], name: str) -> str | None:
    query = (
        select(PlanRow.account_id, PlanRow.id)
        .where(PlanRow.name == name, PlanRow.account_id.in_(accounts), _IN_USE)
        .with_for_update(read=True)
    )
    found = {row.account_id: row.id for row in tx.execute(query)}
    return next((found[id_] for id_ in accounts if id_ in found), None)


def plan_to_change(tx: Connection, plan_id: str) -> Any | None:
    """The row of a plan, which nobody else gives or changes until the unit of work is committed;
    None if it is deleted."""
    query = select(PlanRow.__table__).where(PlanRow.id == plan_id, _IN_USE)
    return tx.execute(query.with_for_update(key_share=True)).one_or_none()
