"""Accounts, and the plans given to them."""

from __future__ import annotations

from sqlalchemy import update

from ringback.accounts.account_entry import AnyAccountEntry, columns
from ringback.accounts.entries import AccountEntry
from ringback.accounts.foundation import insert_account
from ringback.accounts.names import ADMINISTRATOR
from ringback.accounts.setupfile import SetupError
from ringback.amounts import format_amount
from ringback.charging.plans import find_plan
from ringback.setup.work import FoundRow, Work
from ringback.store.models import AccountRow

_LEVELS = ("administrator", "provider", "organization", "user")


def bring_about(work: Work, entry: AccountEntry) -> None:
    """An account as its entry has it, without the plan; `limits` puts its credit limit in force."""
    what = f"account {entry.name}"
    found = _found(work, entry)
    if found is None:
        _create(work, entry)
        return
    if "level" in entry.model_fields_set and entry.level != found["level"]:
        raise SetupError(f"{what}: it is there already, as {found['level']}: keep that level")
    work.change(AccountRow, found, what, columns(entry, found, level=found["level"]))


def _found(work: Work, entry: AccountEntry) -> FoundRow | None:
    """The account that is meant: below its `parent`; where that is not said, below the
    administrator, or the only one of the name."""
    if entry.name == ADMINISTRATOR:
        return work.one(AccountRow, AccountRow.parent_id.is_(None))
    what = f"account {entry.name}"
    parent = work.account(entry.parent, f"{what}: parent")
    below = None
    if parent is not None:
        below = work.one(
            AccountRow,
            AccountRow.parent_id == parent["id"],
            AccountRow.name == entry.name,
            AccountRow.level != "extension",
            AccountRow.deleted.is_(None),
        )
    if below is not None or "parent" in entry.model_fields_set:
        return below
    return work.account(entry.name, what)


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
        balance=entry.balance,
        **columns(entry, level=entry.level),
    )
    opening = f" with {format_amount(entry.balance)}" if entry.balance else ""
    work.changes.append(f"created account {entry.name}{opening}")


def give_plan(work: Work, entry: AccountEntry) -> None:
    """The account pays by this plan from now on."""
    found = _found(work, entry)
    if found is not None:
        give_plan_to(work, found, entry, f"account {entry.name}")


def give_plan_to(work: Work, found: FoundRow, entry: AnyAccountEntry, what: str) -> None:
    """Likewise for an account of any level, by its row."""
    if "plan" not in entry.model_fields_set:
        return
    plan_id = None
    if entry.plan is not None:
        plan_id = find_plan(work.tx, found["id"], entry.plan)
        if plan_id is None:
            raise SetupError(
                f"{what}: no account above it has a plan {entry.plan!r}: put it under plans"
            )
    if found["plan_id"] == plan_id:
        return
    work.tx.execute(update(AccountRow).where(AccountRow.id == found["id"]).values(plan_id=plan_id))
    work.changes.append(f"{what}: plan {entry.plan or 'none'}")
