"""Which plan is meant when an account is given one by its name."""

from __future__ import annotations

from sqlalchemy import select

from ringback.faults import Fault, Faults
from ringback.management import places
from ringback.management.places import Place
from ringback.management.verbs import Act
from ringback.store.models import AccountRow, PlanRow


def plan_meant(act: Act, name: str | None, place: Place) -> str | None:
    """The id of the plan that a name means from a place upwards, the nearest first, of those that
    the actor may know: made by an account that it sees, or given to one. None for no plan. Nobody
    changes or deletes it until the unit of work is committed. Raises Faults."""
    if name is None:
        return None
    query = (
        select(PlanRow.account_id, PlanRow.id)
        .where(PlanRow.name == name, PlanRow.deleted.is_(None), PlanRow.account_id.in_(place.chain))
        .order_by(PlanRow.id)
        .with_for_update(read=True)
    )
    found: dict[str, str] = {row.account_id: row.id for row in act.tx.execute(query)}
    known = [id_ for id_ in place.chain if act.actor.sees(places.of_id(act.tx, id_))]
    given = set(
        act.tx.execute(select(AccountRow.plan_id).where(AccountRow.id.in_(known))).scalars()
    )
    for account_id in place.chain:
        if account_id in found and (account_id in known or found[account_id] in given):
            return found[account_id]
    raise Faults(
        [
            Fault(
                ("plan",),
                f"neither it nor an account above it has a plan {name!r}: make that first",
            )
        ]
    )
