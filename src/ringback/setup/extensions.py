"""Extensions and their callback setup."""

from __future__ import annotations

from sqlalchemy import insert, select, update

from ringback.accounts import naming
from ringback.accounts.account_entry import columns
from ringback.accounts.callback import (
    CallbackSetup,
    from_document,
    to_document,
)
from ringback.accounts.entries import ExtensionEntry
from ringback.accounts.foundation import insert_account
from ringback.accounts.judging import differences, judged
from ringback.accounts.setupfile import SetupError
from ringback.faults import Faults
from ringback.setup.accounts import give_plan_to
from ringback.setup.work import FoundRow, Work, told
from ringback.store.models import AccessNumberRow, AccountRow, ExtensionRow


def bring_about(work: Work, entry: ExtensionEntry) -> str:
    """An extension as its entry has it, without its access numbers and callerIDs. Returns its
    id."""
    what = f"extension {entry.name}"
    account = work.account_id(entry.account, f"{what}: account")
    found = _one(work, account, entry.name)
    if found is None:
        _see_it_is_new(work, what, entry)
    extension = work.new_id() if found is None else str(found["id"])
    before = CallbackSetup() if found is None else from_document(found["callback"])
    mac = None if found is None else found["password_mac"]
    if "password" in entry.callback.model_fields_set:
        given = entry.callback.password
        mac = None if given is None else work.secrets.mac(extension, given)
    setup = _judged(what, before, entry, has_password=mac is not None)
    if found is None:
        insert_account(
            work.tx,
            extension,
            work.new_id(),
            work.now,
            parent_id=account,
            level="extension",
            balance=entry.balance,
            **columns(entry, level="extension"),
        )
        row = {"id": extension, "callback": to_document(setup), "password_mac": mac}
        work.tx.execute(insert(ExtensionRow), row)
        work.changes.append(f"created extension {entry.name}")
    else:
        work.change(AccountRow, found, what, columns(entry, found, level="extension"))
        _change_setup(work, what, found, setup)
        work.change(ExtensionRow, found, what, {"password_mac": mac})
    return extension


def give_plan(work: Work, entry: ExtensionEntry) -> None:
    """The extension pays by this plan from now on."""
    found = find_extension(work, entry)
    if found is not None:
        give_plan_to(work, found, entry, f"extension {entry.name}")


def _see_it_is_new(work: Work, what: str, entry: ExtensionEntry) -> None:
    """Where another account has an extension of this name, the entry may mean that: a new one
    brings an access number of its own."""
    query = select(AccountRow.parent_id).where(AccountRow.name == entry.name, *_IN_USE)
    others = [naming.path(work.tx, str(above)) for above in work.tx.execute(query).scalars()]
    if not others:
        return
    leading = work.tx.execute(
        select(AccessNumberRow.number).where(AccessNumberRow.number.in_(entry.access_numbers))
    ).scalars()
    if set(entry.access_numbers) <= set(leading):
        raise SetupError(
            f"{what}: account: {entry.account} has no extension of this name, but "
            f"{' and '.join(sorted(others))} has: write that account; or, for another "
            "extension, access_numbers of its own"
        )


def _judged(
    what: str, before: CallbackSetup, entry: ExtensionEntry, *, has_password: bool
) -> CallbackSetup:
    """The setup that the entry comes to. Raises SetupError with all that it contradicts."""
    try:
        return judged(before, entry.callback, has_password=has_password)
    except Faults as faults:
        lines = (f"{what}: callback.{fault}" for fault in faults.found)
        raise SetupError("\n".join(lines)) from faults


def _change_setup(work: Work, what: str, found: FoundRow, setup: CallbackSetup) -> None:
    changed = differences(from_document(found["callback"]), setup)
    for name, values in changed.items():
        work.changes.append(f"{what}: {told(name, *values)}")
    if changed:
        work.tx.execute(
            update(ExtensionRow)
            .where(ExtensionRow.id == found["id"])
            .values(callback=to_document(setup))
        )


def find_extension(work: Work, entry: ExtensionEntry) -> FoundRow | None:
    """The row of the extension that is meant, and that of its account, as one."""
    account = work.account(entry.account, f"extension {entry.name}: account")
    if account is None:
        return None
    return _one(work, account["id"], entry.name)


_IN_USE = (AccountRow.level == "extension", AccountRow.deleted.is_(None))


def _one(work: Work, account_id: str, name: str) -> FoundRow | None:
    """The extension's row and that of its account, as one."""
    account = work.one(
        AccountRow, AccountRow.parent_id == account_id, AccountRow.name == name, *_IN_USE
    )
    if account is None:
        return None
    return {**account, **(work.one(ExtensionRow, ExtensionRow.id == account["id"]) or {})}
