"""Plans looked at: those that accounts made, and those that they were given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, tuple_

from ringback.clock import Instant
from ringback.management import places
from ringback.management.places import Kind, Place
from ringback.management.plans.making import described
from ringback.management.plans.whose import given_in, given_in_sight, place_of
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.store.models import AccountRow, DeckRow, PlanRow

MOST = 1000
"""The most plans in one answer."""
_SEE = Need(Right.SEE_MONEY)


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan, as its reader may see it."""

    id: str
    account: str
    """The account that made it: its path; where that is out of sight its contact name, if it is the
    one directly above the reader's own, or "your provider"."""
    given: bool
    """It was made above the account that was looked at, and was given to it or to what is below."""
    settings: dict[str, Any]
    """Name, kind, limit, special prefixes and packages, as the setup file has them."""
    rates: int
    """How many."""
    loaded: Instant | None
    """Since when it has these; None: it has none yet."""

    @property
    def name(self) -> str:
        return str(self.settings["name"])


@dataclass(frozen=True, slots=True)
class Holder:
    """An account or extension that has a plan."""

    id: str
    kind: Kind
    path: str


@read("plan.list", Kind.ACCOUNT, _SEE)
def plans(act: Act, place: Place, *, after: tuple[str, str] | None = None) -> list[Plan]:
    """The plans that were made in an account or below it, and those from above that somebody there
    was given, by name. `after`: name and id of the last one that one has already."""
    below = places.is_below(PlanRow.account_id, [place.id])
    given = given_in(places.is_below(AccountRow.id, [place.id]))
    query = _PLANS.where(PlanRow.deleted.is_(None), below | given)
    query = query.order_by(PlanRow.name, PlanRow.id).limit(MOST)
    if after is not None:
        query = query.where(tuple_(PlanRow.name, PlanRow.id) > tuple_(*after))
    return _seen(act, place, act.tx.execute(query).all())


@read("plan.get", Kind.PLAN, _SEE, at=place_of, shared=given_in_sight)
def plan(act: Act, place: Place) -> Plan:
    """One plan, which one made or was given."""
    (found,) = _seen(act, place, act.tx.execute(_PLANS.where(PlanRow.id == act.subject)).all())
    return found


@read("plan.given_to", Kind.PLAN, _SEE, at=place_of, shared=given_in_sight)
def given_to(act: Act, place: Place) -> list[Holder]:
    """The accounts and extensions in sight that have a plan."""
    query = select(AccountRow.id).where(
        AccountRow.plan_id == act.subject,
        AccountRow.deleted.is_(None),
        act.actor.reaches(AccountRow.id, Right.SEE_MONEY),
    )
    sight = Sight(act.tx, act.actor)
    found = [places.of_id(act.tx, id_) for id_ in act.tx.execute(query).scalars()]
    holders = [Holder(each.id, each.kind, sight.path(each.id)) for each in found if each]
    return sorted(holders, key=lambda holder: holder.path)


_PLANS = select(PlanRow.__table__, DeckRow.size, DeckRow.loaded).outerjoin(
    DeckRow, DeckRow.id == PlanRow.deck_id
)


def _seen(act: Act, place: Place, rows: Sequence[Any]) -> list[Plan]:
    """`place` is where they are looked at."""
    sight = Sight(act.tx, act.actor)
    above = set(place.above)
    return [
        Plan(
            row.id,
            sight.account(row.account_id, place.id),
            row.account_id in above,
            described(row),
            row.size or 0,
            row.loaded,
        )
        for row in rows
    ]
