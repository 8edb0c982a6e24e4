"""Whose a plan is, who sees it, and which one a command means."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, select

from ringback.management import places
from ringback.management.actor import Actor
from ringback.management.naming import find_place
from ringback.management.places import Kind, Place
from ringback.management.refusals import NotFound
from ringback.management.rights import Right
from ringback.store.models import AccountRow, PlanRow


def place_of(tx: Connection, plan_id: str) -> Place | None:
    """The account that made a plan; None if there is no such plan, or it is deleted."""
    query = select(PlanRow.account_id).where(PlanRow.id == plan_id, PlanRow.deleted.is_(None))
    account_id = tx.execute(query).scalar()
    return None if account_id is None else places.of_account(tx, account_id)


def given_in_sight(tx: Connection, actor: Actor, plan_id: str) -> Place | None:
    """An account or extension that has the plan, and in which the actor sees the money; or, if that
    is in none of them, one that it sees at all."""
    for right in (Right.SEE_MONEY, Right.VIEW):
        query = select(AccountRow.id).where(
            AccountRow.plan_id == plan_id,
            AccountRow.deleted.is_(None),
            actor.reaches(AccountRow.id, right),
        )
        place_id = tx.execute(query.order_by(AccountRow.id).limit(1)).scalar()
        if place_id is not None:
            return places.of_id(tx, place_id)
    return None


def given_in(account_ids: ColumnElement[bool]) -> ColumnElement[bool]:
    """The condition that one of these accounts or extensions has the plan."""
    given = select(AccountRow.plan_id).where(
        AccountRow.plan_id.is_not(None), AccountRow.deleted.is_(None), account_ids
    )
    return PlanRow.id.in_(given)


def find_plan(tx: Connection, actor: Actor, text: str) -> str:
    """The id of the plan that a command means: `ACCOUNT:NAME` is the one that this very account
    made; `NAME` is enough where only one that the actor sees has it. Raises NotFound."""
    account, colon, name = text.rpartition(":")
    query = select(PlanRow.id, PlanRow.account_id).where(
        PlanRow.name == name, PlanRow.deleted.is_(None)
    )
    if colon:
        query = query.where(PlanRow.account_id == find_place(tx, actor, account).id)
    else:
        made = actor.reaches(PlanRow.account_id, Right.SEE_MONEY)
        given = given_in(actor.reaches(AccountRow.id, Right.SEE_MONEY))
        query = query.where(made | given)
    found = tx.execute(query).all()
    if len(found) == 1:
        return str(found[0].id)
    makers = (places.of_id(tx, row.account_id) for row in found)
    wholes = sorted(f"{actor.path_of(each)}:{name}" for each in makers if each and actor.sees(each))
    several = f": write one of {', '.join(wholes)}" if wholes else ""
    raise NotFound(Kind.PLAN, f"{text!r}{several}")
