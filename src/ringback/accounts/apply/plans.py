"""Charging plans with their rates."""

from __future__ import annotations

from sqlalchemy import insert

from ringback.accounts.apply.work import Work
from ringback.accounts.entries import PlanEntry
from ringback.accounts.setupfile import SetupError
from ringback.charging import decks
from ringback.store.models import PlanRow


def bring_about(work: Work, entry: PlanEntry) -> None:
    """A plan as its entry has it, for the accounts that have it already, too; `limits` puts its
    limit in force."""
    what = f"plan {entry.name}"
    account = work.account_id(entry.account, f"{what}: account")
    values = {
        "kind": entry.kind,
        "limit": entry.limit,
        "special_prefixes": list(entry.special_prefixes),
        "packages": [package.model_dump() for package in entry.packages],
    }
    found = work.one(PlanRow, PlanRow.name == entry.name)
    if found is None:
        plan_id = work.new_id()
        work.tx.execute(
            insert(PlanRow),
            {"id": plan_id, "account_id": account, "name": entry.name, **values},
        )
        work.changes.append(f"created plan {entry.name}")
    else:
        plan_id = found["id"]
        if "account" in entry.model_fields_set and found["account_id"] != account:
            raise SetupError(f"{what}: another account has made it: choose another name")
        given = {key: value for key, value in values.items() if key in entry.model_fields_set}
        if given.get("kind") == "prepaid":
            given["limit"] = entry.limit
        work.change(PlanRow, found, what, given)
    if "rates" in entry.model_fields_set:
        _rates(work, plan_id, entry)


def _rates(work: Work, plan_id: str, entry: PlanEntry) -> None:
    """The rates of a plan are those of the file: others are taken out."""
    there = set(decks.rates_in_force(work.tx, plan_id))
    wanted = {rate.rate() for rate in entry.rates}
    if wanted == there:
        return
    decks.put_in_force(work.tx, work.new_id(), plan_id, "setup file", wanted, work.now)
    work.changes.append(
        f"plan {entry.name}: rates: {len(wanted - there)} added, {len(there - wanted)} taken out"
    )
