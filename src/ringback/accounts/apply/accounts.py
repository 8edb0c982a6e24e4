"""Accounts, and the plans given to them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from ringback import levels
from ringback.accounts import guarded
from ringback.accounts.apply.work import Work
from ringback.accounts.entries import ADMINISTRATOR, AccountEntry
from ringback.accounts.foundation import insert_account
from ringback.accounts.setupfile import SetupError
from ringback.amounts import format_amount
from ringback.store.models import AccountRow, PlanRow

_LEVELS = ("administrator", "provider", "organization", "user")


def bring_about(work: Work, entry: AccountEntry) -> None:
    """An account as its entry has it, without the plan; `limits` puts its credit limit in force."""
    what = f"account {entry.name}"
    found = work.one(AccountRow, AccountRow.name == entry.name)
    if found is None:
        _create(work, entry)
        return
    if entry.name != ADMINISTRATOR:
        _see_place_kept(work, entry, found["parent_id"], found["level"])
    keys = ("contact_name", "country", "language", "time_zone", "credit_limit")
    values = {key: getattr(entry, key) for key in keys if key in entry.model_fields_set}
    if values.get("contact_name", "") is None:
        values["contact_name"] = entry.name
    work.change(AccountRow, found, what, {**values, **guarded.given(entry, found)})


def _create(work: Work, entry: AccountEntry) -> None:
    what = f"account {entry.name}"
    parent = work.account(entry.parent, f"{what}: parent")
    if parent is None:
        raise SetupError(
            f"{what}: there is no account {entry.parent!r} for its parent: put it before this one"
        )
    if _LEVELS.index(parent["level"]) >= _LEVELS.index(entry.level):
        raise SetupError(
            f"{what}: its level {entry.level} must be below that of {entry.parent}, "
            f"{parent['level']}"
        )
    insert_account(
        work.tx,
        work.new_id(),
        work.new_id(),
        work.now,
        parent_id=parent["id"],
        level=entry.level,
        name=entry.name,
        contact_name=entry.contact_name or entry.name,
        country=entry.country,
        language=entry.language,
        time_zone=entry.time_zone,
        balance=entry.balance,
        credit_limit=entry.credit_limit,
        **guarded.given(entry),
    )
    opening = f" with {format_amount(entry.balance)}" if entry.balance else ""
    work.changes.append(f"created account {entry.name}{opening}")


def _see_place_kept(work: Work, entry: AccountEntry, parent_id: str, level: str) -> None:
    what = f"account {entry.name}"
    if "parent" in entry.model_fields_set:
        parent = work.account_id(entry.parent, f"{what}: parent")
        if parent != parent_id:
            raise SetupError(f"{what}: it is there already, with another parent: keep that")
    if "level" in entry.model_fields_set and entry.level != level:
        raise SetupError(f"{what}: it is there already, as {level}: keep that level")


def give_plan(work: Work, entry: AccountEntry) -> None:
    """The account pays by this plan from now on."""
    found = work.one(AccountRow, AccountRow.name == entry.name)
    if found is None or "plan" not in entry.model_fields_set:
        return
    what = f"account {entry.name}"
    plan: dict[str, Any] = {"id": None}
    if entry.plan is not None:
        plan = dict(work.one(PlanRow, PlanRow.name == entry.plan) or {})
        if not plan:
            raise SetupError(f"{what}: there is no plan {entry.plan!r}: put it under plans")
    if found["plan_id"] == plan["id"]:
        return
    above = {level.id for level in levels.of_account(work.tx, found["id"])}
    if plan["id"] is not None and plan["account_id"] not in above:
        raise SetupError(
            f"{what}: plan {entry.plan}: it belongs to an account that is not above this one: "
            "give it one that does"
        )
    work.tx.execute(
        update(AccountRow).where(AccountRow.id == found["id"]).values(plan_id=plan["id"])
    )
    work.changes.append(f"{what}: plan {entry.plan or 'none'}")
