"""An account, or extension, is changed field by field (spec section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update

from ringback.accounts.account_entry import AnyAccountEntry, columns
from ringback.accounts.names import ADMINISTRATOR
from ringback.documents import read_document
from ringback.faults import Fault, Faults, gathered
from ringback.management.accounts import credit
from ringback.management.accounts.giving import makers_for, plan_meant
from ringback.management.accounts.rows import document, held, hold, name_faults
from ringback.management.change import Action
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Reach, Right
from ringback.management.verbs import Act, Done, verb
from ringback.store.models import AccountRow

NEEDS_OF_CHANGE: Mapping[str, Need] = {
    "contact_name": Need(Right.ACCOUNTS),
    "language": Need(Right.ACCOUNTS),
    "time_zone": Need(Right.ACCOUNTS),
    # The name tells the account above its accounts apart, and is unique among those that the
    # account itself does not see. By the country it is decided whom `caller` mode calls back.
    "name": Need(Right.ACCOUNTS, Reach.ABOVE),
    "country": Need(Right.ACCOUNTS, Reach.ABOVE),
    "status": Need(Right.ACCOUNTS, Reach.ABOVE),
    "expires": Need(Right.ACCOUNTS, Reach.ABOVE),
    "limits": Need(Right.ACCOUNTS, Reach.ABOVE),
    "plan": Need(Right.PLANS, Reach.ABOVE),
    "credit_limit": Need(Right.PLANS, Reach.ABOVE),
    "low_credit": Need(Right.PLANS, Reach.ABOVE),
    "guards": Need(Right.GUARDS, Reach.ABOVE),
    "destinations": Need(Right.GUARDS, Reach.ABOVE),
}


@verb("account.change", Kind.ACCOUNT, Need(Right.VIEW), fields=NEEDS_OF_CHANGE)
def change(act: Act, place: Place, *, values: Mapping[str, Any]) -> Done[None]:
    """Change what `values` say of an account or extension; what is left out stays. Raises
    Faults."""
    if "name" in values and place.above:
        hold(act.tx, place.above[0])
    row = held(act.tx, place)
    entry = read_document(AnyAccountEntry, {"name": row["name"], **values})
    changed = {
        name: value
        for name, value in columns(entry, row, level=row["level"]).items()
        if row[name] != value
    }
    faults = _top_faults(row, values)
    if "name" in changed and not faults:
        faults += name_faults(act.tx, row["parent_id"], row["level"], entry.name)
    if "plan" in values:
        with gathered(faults):
            plan_id = plan_meant(act, entry.plan, place, makers_for(place))
            if plan_id != row["plan_id"]:
                changed["plan_id"] = plan_id
    if faults:
        raise Faults(faults)
    if not changed:
        return Done(None)
    before = document(act.tx, row)
    act.tx.execute(update(AccountRow).where(AccountRow.id == place.id).values(**changed))
    credited = []
    if {"plan_id", "credit_limit"} & changed.keys():
        credited = credit.put_in_force(act.tx, place.id)
    after = document(act.tx, {**row, **changed})
    fields = {
        name: (before[name], after[name])
        for name in after
        # (Of two plans with one name, one may have taken the place of the other.)
        if before[name] != after[name] or (name == "plan" and "plan_id" in changed)
    }
    return Done(None, [act.change(Action.UPDATED, place, fields=fields)], credited=credited)


def _top_faults(row: Mapping[str, Any], values: Mapping[str, Any]) -> list[Fault]:
    """What is given of the account at the top."""
    if row["parent_id"] is not None:
        return []
    faults = []
    if values.get("name", ADMINISTRATOR) != ADMINISTRATOR:
        faults.append(Fault(("name",), f"stays {ADMINISTRATOR}"))
    if "country" in values:
        faults.append(Fault(("country",), "is the home_country of ringback.toml: set it there"))
    return faults
