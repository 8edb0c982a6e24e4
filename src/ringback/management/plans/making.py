"""Plans made, changed and deleted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from ringback.accounts.plan_entries import PlanEntry
from ringback.amounts import format_amount, parse_amount
from ringback.charging import decks
from ringback.charging.plans import plan_to_change
from ringback.documents import merged, read_document
from ringback.faults import Fault, Faults
from ringback.management import places
from ringback.management.accounts import credit
from ringback.management.accounts.rows import held
from ringback.management.change import Action
from ringback.management.places import Kind, Place
from ringback.management.plans.whose import place_of
from ringback.management.refusals import NotFound
from ringback.management.rights import Need, Right
from ringback.management.sight import Sight
from ringback.management.verbs import Act, Done, verb
from ringback.store.models import AccountRow, FormerTrunkRow, PlanRow, TrunkRow

NAMES = ("name", "kind", "limit", "special_prefixes", "packages")
"""By the names of the setup file. Its `account` is where a plan is made; its `rates` are loaded
apart."""
FIELDS = dict.fromkeys(NAMES, Need(Right.PLANS))
MOST_NAMED = 20
"""Of what is in the way; of the rest the number."""


@verb("plan.create", Kind.ACCOUNT, Need(Right.PLANS), at=places.of_account, fields=FIELDS)
def create(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[str]:
    """Make a plan, without rates. Returns its id. Raises Faults."""
    after = _read(values)
    held(act.tx, place)
    plan_id = act.new_id()
    try:
        act.tx.execute(insert(PlanRow), {"id": plan_id, "account_id": place.id, **_columns(after)})
    except IntegrityError as error:
        raise _taken(after) from error
    fields = {name: (None, value) for name, value in after.items() if name != "name"}
    change = act.change(
        Action.CREATED, place, kind=Kind.PLAN, id=plan_id, name=after["name"], fields=fields
    )
    return Done(plan_id, [change])


@verb("plan.change", Kind.PLAN, Need(Right.PLANS), at=place_of, fields=FIELDS)
def change(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[None]:
    """Change what `values` say of a plan, for all who have it, also while they are calling: what is
    left out stays, null is the default. A plan that is made prepaid loses its limit. Raises Faults,
    which name each account whose balance does not allow it."""
    row = plan_to_change(act.tx, act.subject)
    if row is None:
        raise NotFound(Kind.PLAN)
    before = described(row)
    after = _read(values, before)
    fields = {name: (before[name], after[name]) for name in NAMES if before[name] != after[name]}
    if not fields:
        return Done(None)
    try:
        act.tx.execute(update(PlanRow).where(PlanRow.id == row.id).values(**_columns(after)))
    except IntegrityError as error:
        raise _taken(after) from error
    credited = credit.put_plan_in_force(act, row.id) if {"kind", "limit"} & fields.keys() else []
    told = act.change(
        Action.UPDATED, place, kind=Kind.PLAN, id=row.id, name=before["name"], fields=fields
    )
    return Done(None, [told], credited=credited)


@verb("plan.delete", Kind.PLAN, Need(Right.PLANS), at=place_of)
def delete(act: Act, place: Place) -> Done[None]:
    """Take a plan out of use, and its rates with it: each charge keeps what it was worked out from.
    Raises Faults, which name what is in the way."""
    row = plan_to_change(act.tx, act.subject)
    if row is None:
        raise NotFound(Kind.PLAN)
    faults = [*_who_has_it(act), *_trunks(act)]
    if faults:
        raise Faults(faults)
    decks.take_all(act.tx, row.id)
    act.tx.execute(update(PlanRow).where(PlanRow.id == row.id).values(deleted=act.now))
    change = act.change(Action.DELETED, place, kind=Kind.PLAN, id=row.id, name=row.name)
    return Done(None, [change])


def described(row: Any) -> dict[str, Any]:
    """What is set of a plan, as the setup file has it."""
    return {
        "name": row.name,
        "kind": row.kind,
        "limit": format_amount(row.limit),
        "special_prefixes": list(row.special_prefixes),
        "packages": [dict(package) for package in row.packages],
    }


def _read(values: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The plan once `values` have been put over what was. Raises Faults."""
    after = merged(before or {}, values)
    if after.get("kind", "prepaid") == "prepaid" and "limit" not in values:
        after.pop("limit", None)
    entry = read_document(PlanEntry, after)
    return {
        "name": entry.name,
        "kind": entry.kind,
        "limit": format_amount(entry.limit),
        "special_prefixes": list(entry.special_prefixes),
        "packages": [package.model_dump() for package in entry.packages],
    }


def _columns(document: Mapping[str, Any]) -> dict[str, Any]:
    return {**document, "limit": parse_amount(document["limit"])}


def _taken(document: Mapping[str, Any]) -> Faults:
    name = document["name"]
    return Faults([Fault(("name",), f"there is a plan {name!r} already: choose another name")])


def _who_has_it(act: Act) -> Iterator[Fault]:
    query = select(AccountRow.id).where(
        AccountRow.plan_id == act.subject, AccountRow.deleted.is_(None)
    )
    found = act.tx.execute(query.order_by(AccountRow.id)).scalars().all()
    sight = Sight(act.tx, act.actor)
    for id_ in found[:MOST_NAMED]:
        name = sight.path(id_) if sight.exists(id_) else "an account out of your sight"
        yield Fault(("given_to",), f"{name} has it: give it another plan, or none, first")
    if len(found) > MOST_NAMED:
        yield Fault(("given_to",), f"and {len(found) - MOST_NAMED} more")


def _trunks(act: Act) -> Iterator[Fault]:
    """(Only plans of the server administrator's are those of trunks, and only who sees these may
    delete them.)"""
    query = select(TrunkRow.name).where(TrunkRow.cost_plan_id == act.subject)
    for name in act.tx.execute(query.order_by(TrunkRow.name)).scalars():
        yield Fault(("trunks",), f"trunk {name}: costs by it: give it another cost_plan first")
    former = select(FormerTrunkRow.name).where(FormerTrunkRow.cost_plan_id == act.subject)
    for name in sorted(set(act.tx.execute(former).scalars())):
        yield Fault(
            ("trunks",), f"trunk {name}: cost by it when calls began that may not be over: wait"
        )
