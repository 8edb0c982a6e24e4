"""An account, or extension, is changed field by field (spec section 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from ringback.accounts.account_entry import AnyAccountEntry, columns
from ringback.accounts.names import ADMINISTRATOR
from ringback.documents import read_document
from ringback.faults import Fault, Faults
from ringback.management.accounts import credit
from ringback.management.accounts.giving import makers_for, plan_meant
from ringback.management.accounts.making import EXTENSION
from ringback.management.accounts.rows import document, held, name_taken, see_name_free
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
    row = held(act.tx, place)
    entry = read_document(AnyAccountEntry, {"name": row["name"], **values})
    _see_top(row, entry, values)
    changed = {
        name: value
        for name, value in columns(entry, row, level=row["level"]).items()
        if row[name] != value
    }
    if "plan" in values:
        plan_id = plan_meant(act, entry.plan, place, makers_for(place))
        if plan_id != row["plan_id"]:
            changed["plan_id"] = plan_id
    if not changed:
        return Done(None)
    if "name" in changed:
        see_name_free(act.tx, row["parent_id"], row["level"], entry.name)
    before = document(act.tx, row)
    try:
        act.tx.execute(update(AccountRow).where(AccountRow.id == place.id).values(**changed))
    except IntegrityError as error:  # two who take the name at the same time
        raise name_taken(entry.name) from error
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


def _see_top(row: Mapping[str, Any], entry: AnyAccountEntry, values: Mapping[str, Any]) -> None:
    """What is given of the account at the top, and the name that it alone has."""
    faults = []
    if row["parent_id"] is None:
        if entry.name != ADMINISTRATOR:
            faults.append(Fault(("name",), f"stays {ADMINISTRATOR}"))
        if "country" in values:
            faults.append(Fault(("country",), "is the home_country of ringback.toml: set it there"))
    elif entry.name == ADMINISTRATOR and row["level"] != EXTENSION:
        faults.append(Fault(("name",), "is that of the account above all others: choose another"))
    if faults:
        raise Faults(faults)
