"""Charging plans, found by their names (spec section 11)."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ringback import levels
from ringback.store.models import PlanRow


def find_plan(tx: Connection, account_id: str, name: str) -> str | None:
    """The id of the plan that an account means by a name: its own, else that of the nearest account
    above it that has one of the name; None if none has."""
    query = select(PlanRow.account_id, PlanRow.id).where(
        PlanRow.name == name, PlanRow.deleted.is_(None)
    )
    found = {row.account_id: row.id for row in tx.execute(query)}
    chain = (level.id for level in levels.of_account(tx, account_id))
    return next((found[id_] for id_ in chain if id_ in found), None)
