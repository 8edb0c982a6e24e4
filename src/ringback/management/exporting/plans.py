"""Charging plans with their rates."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import Any

from sqlalchemy import select

from ringback.accounts.plan_entries import LARGEST_RATES, PackageEntry, RateEntry
from ringback.charging import decks
from ringback.charging.rating import Rate
from ringback.management.exporting.form import Exported, in_order, names_of, said
from ringback.management.places import Kind, Place
from ringback.management.plans.making import described
from ringback.management.plans.whose import place_of
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, read
from ringback.store.models import DeckRow, PlanRow

_SEE = Need(Right.SEE_MONEY)
_DEFAULT = {"kind": "prepaid", "limit": "0.00"}


@read("setup.plans", Kind.ACCOUNT, _SEE)
def plans(act: Act, place: Place) -> list[str]:
    """The ids of the plans that an account made, in the order of their names."""
    query = select(PlanRow.name, PlanRow.id).where(
        PlanRow.account_id == place.id, PlanRow.deleted.is_(None)
    )
    return [id_ for _, id_ in sorted(tuple(row) for row in act.tx.execute(query))]


@read("setup.plan", Kind.PLAN, _SEE, at=place_of)
def plan(act: Act, place: Place) -> Exported:
    """A plan, but not the account. It has no rates where they are too many for a file."""
    query = (
        select(PlanRow.__table__, DeckRow.size)
        .outerjoin(DeckRow, DeckRow.id == PlanRow.deck_id)
        .where(PlanRow.id == act.subject)
    )
    row = act.tx.execute(query).one()
    settings = described(row)
    settings["packages"] = [in_order(each, names_of(PackageEntry)) for each in settings["packages"]]
    document = said(**{key: each for key, each in settings.items() if each != _DEFAULT.get(key)})
    count = row.size or 0
    if count > LARGEST_RATES:
        named = shlex.quote(f"{Sight(act.tx, act.actor).path(place.id)}:{row.name}")
        told = f"its {count} rates are not in it: ringback rates export RATES.csv --plan {named}"
        return Exported(document, missing=told)
    rates = decks.page(act.tx, act.subject, most=LARGEST_RATES).rates
    return Exported({**document, **said(rates=[_rate(each) for each in rates])})


def _rate(rate: Rate) -> dict[str, Any]:
    found = RateEntry.model_construct(**asdict(rate)).model_dump(mode="json", exclude_defaults=True)
    return in_order(found, names_of(RateEntry))
