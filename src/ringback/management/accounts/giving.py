"""Which plan is meant when an account is given one by its name."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from ringback.faults import Fault, Faults
from ringback.management import places
from ringback.management.places import Place
from ringback.management.verbs import Act
from ringback.store.models import AccountRow, PlanRow


def plan_meant(
    act: Act, name: str | None, place: Place, makers: Sequence[str], *, lock: bool = True
) -> str | None:
    """The id of the plan that a name means at a place, of those that the actor may know: made by an
    account that it sees, or given to the place or above it. `makers` are the accounts whose plans
    can be given there, the nearest first. None for no plan. With `lock`, nobody changes or deletes
    it until the unit of work is committed. Raises Faults."""
    if name is None:
        return None
    query = (
        select(PlanRow.account_id, PlanRow.id)
        .where(PlanRow.name == name, PlanRow.deleted.is_(None), PlanRow.account_id.in_(makers))
        .order_by(PlanRow.id)
    )
    if lock:
        query = query.with_for_update(read=True)
    found: dict[str, str] = {row.account_id: row.id for row in act.tx.execute(query)}
    known = [id_ for id_ in place.chain if act.actor.sees(places.of_id(act.tx, id_))]
    given = set(
        act.tx.execute(select(AccountRow.plan_id).where(AccountRow.id.in_(known))).scalars()
    )
    for account_id in makers:
        if account_id in found and (account_id in known or found[account_id] in given):
            return found[account_id]
    told = f"no account above it has a plan {name!r}: make that first"
    raise Faults([Fault(("plan",), told)])


def makers_for(place: Place) -> Sequence[str]:
    """The accounts whose plans can be given to one that is there: those above it. It sets no prices
    for itself, and takes no other's place by a plan of the same name. (Nobody is above the
    topmost.)"""
    return place.above or place.chain
