"""Extensions: their callback setup and their access numbers."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from sqlalchemy import delete, insert, select, update

from ringback.accounts import naming
from ringback.accounts.account_entry import columns
from ringback.accounts.callback import (
    CallbackSetup,
    SetBy,
    contradictions,
    from_document,
    to_document,
)
from ringback.accounts.callback_entry import changed_setup
from ringback.accounts.entries import ExtensionEntry
from ringback.accounts.foundation import insert_account
from ringback.accounts.setupfile import SetupError
from ringback.faults import faults_of
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
    found = _find(work, entry)
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
        setup = changed_setup(before, entry.callback)
        found = contradictions(setup, has_password=has_password)
    except ValidationError as error:
        found = faults_of(error)
    if found:
        raise SetupError("\n".join(f"{what}: callback.{fault}" for fault in found))
    return setup


def _change_setup(work: Work, what: str, found: FoundRow, setup: CallbackSetup) -> None:
    before = from_document(found["callback"]).model_dump(mode="json", by_alias=True)
    after = setup.model_dump(mode="json", by_alias=True)
    for name, value in after.items():
        if before[name] != value:
            work.changes.append(f"{what}: {told(name, before[name], value)}")
    if before != after:
        work.tx.execute(
            update(ExtensionRow)
            .where(ExtensionRow.id == found["id"])
            .values(callback=to_document(setup))
        )


@dataclass(frozen=True, slots=True)
class Numbers:
    """The access numbers that an extension is to have."""

    extension: str
    """Its id."""
    account: str
    """The id of its account."""
    name: str
    wanted: tuple[str, ...]
    changes: bool


def numbers(work: Work, entries: Sequence[ExtensionEntry]) -> list[Numbers]:
    """What the file says of access numbers, extension by extension."""
    found = []
    for entry in entries:
        extension = _find(work, entry)
        if extension is not None and "access_numbers" in entry.model_fields_set:
            there = work.tx.execute(
                select(AccessNumberRow.number)
                .where(AccessNumberRow.extension_id == extension["id"])
                .order_by(AccessNumberRow.position)
            ).scalars()
            changes = tuple(there) != entry.access_numbers
            found.append(
                Numbers(
                    extension["id"],
                    extension["parent_id"],
                    entry.name,
                    entry.access_numbers,
                    changes,
                )
            )
    return found


def bring_numbers_about(work: Work, its: Numbers, given_up: Mapping[str, Collection[str]]) -> None:
    """The access numbers of an extension. `given_up` names, by their ids, those that other
    extensions of the file give up: such a number moves in one step."""
    work.tx.execute(delete(AccessNumberRow).where(AccessNumberRow.extension_id == its.extension))
    for position, number in enumerate(its.wanted):
        other = work.tx.execute(
            select(AccountRow.id, AccountRow.name)
            .join(AccessNumberRow, AccessNumberRow.extension_id == AccountRow.id)
            .where(AccessNumberRow.number == number)
        ).one_or_none()
        if other is not None and number not in given_up.get(other.id, ()):
            raise SetupError(
                f"extension {its.name}: access number {number} leads to the extension "
                f"{other.name} already: take it out there first"
            )
        work.tx.execute(delete(AccessNumberRow).where(AccessNumberRow.number == number))
        work.tx.execute(
            insert(AccessNumberRow),
            {
                "number": number,
                "account_id": its.account,
                "extension_id": its.extension,
                "position": position,
            },
        )
    work.changes.append(f"extension {its.name}: access numbers {', '.join(its.wanted) or 'none'}")


def _find(work: Work, entry: ExtensionEntry) -> FoundRow | None:
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


def see_number_shown(work: Work, entry: ExtensionEntry) -> None:
    """What leg B is shown must be an access number of the account (spec section 3)."""
    extension = _find(work, entry)
    if extension is None:
        return
    shown = from_document(extension["callback"]).caller_id_number
    if shown.set_by is not SetBy.USER:
        return
    found = work.tx.execute(
        select(AccessNumberRow.number).where(
            AccessNumberRow.account_id == extension["parent_id"],
            AccessNumberRow.number == shown.value,
        )
    ).scalar()
    if found is None:
        raise SetupError(
            f"extension {entry.name}: callback.caller_id_number.value: {shown.value} is no access "
            f"number of the account {entry.account}"
        )
