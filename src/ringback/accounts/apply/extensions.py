"""Extensions: their callback setup, access numbers and authorized callerIDs with their credit."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import delete, insert, select, update

from ringback.accounts import guarded
from ringback.accounts.apply.work import FoundRow, Work, told
from ringback.accounts.callback import CallbackSetup, SetBy, from_document, to_document
from ringback.accounts.entries import CallerIdEntry, ExtensionEntry
from ringback.accounts.setupfile import SetupError
from ringback.amounts import format_amount
from ringback.charging import ledger
from ringback.store.models import AccessNumberRow, AccountRow, CallerIdRow, ExtensionRow


def bring_about(work: Work, entry: ExtensionEntry) -> None:
    """An extension as its entry has it, without its access numbers. A callback setup is brought
    about whole: what it does not name has its default."""
    what = f"extension {entry.name}"
    account = work.account_id(entry.account, f"{what}: account")
    found = work.one(
        ExtensionRow, ExtensionRow.account_id == account, ExtensionRow.name == entry.name
    )
    password = entry.callback.password
    extension = work.new_id() if found is None else found["id"]
    mac = None if password is None else work.secrets.mac(extension, password)
    if found is None:
        work.tx.execute(
            insert(ExtensionRow),
            {
                "id": extension,
                "account_id": account,
                "name": entry.name,
                "callback": to_document(entry.callback.setup),
                "password_mac": mac,
                **guarded.given(entry),
            },
        )
        work.changes.append(f"created extension {entry.name}")
    else:
        work.change(ExtensionRow, found, what, guarded.given(entry, found))
        if "callback" in entry.model_fields_set:
            _change_setup(work, what, found, entry.callback.setup, mac)
    for caller_id in entry.caller_ids:
        with work.attempt():
            _caller_id(work, extension, what, caller_id)


def _change_setup(
    work: Work, what: str, found: FoundRow, setup: CallbackSetup, mac: str | None
) -> None:
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
    work.change(ExtensionRow, found, what, {"password_mac": mac})


def bring_numbers_about(work: Work, entries: Sequence[ExtensionEntry]) -> None:
    """The access numbers of all extensions of the file: first those that are given up, so that
    another extension may have them."""
    changed = []
    for entry in entries:
        extension = _find(work, entry)
        if extension is None or "access_numbers" not in entry.model_fields_set:
            continue
        before = work.tx.execute(
            select(AccessNumberRow.number)
            .where(AccessNumberRow.extension_id == extension)
            .order_by(AccessNumberRow.position)
        ).scalars()
        if tuple(before) != entry.access_numbers:
            changed.append((extension, entry))
            work.tx.execute(
                delete(AccessNumberRow).where(AccessNumberRow.extension_id == extension)
            )
    for extension, entry in changed:
        with work.attempt():
            _access_numbers(work, extension, entry)
    for entry in entries:
        with work.attempt():
            _see_number_shown(work, entry)


def _find(work: Work, entry: ExtensionEntry) -> str | None:
    query = (
        select(ExtensionRow.id)
        .join(AccountRow, AccountRow.id == ExtensionRow.account_id)
        .where(AccountRow.name == entry.account, ExtensionRow.name == entry.name)
    )
    return work.tx.execute(query).scalar()


def _access_numbers(work: Work, extension: str, entry: ExtensionEntry) -> None:
    for position, number in enumerate(entry.access_numbers):
        other = work.tx.execute(
            select(ExtensionRow.name)
            .join(AccessNumberRow, AccessNumberRow.extension_id == ExtensionRow.id)
            .where(AccessNumberRow.number == number)
        ).scalar()
        if other is not None:
            raise SetupError(
                f"extension {entry.name}: access number {number} leads to the extension {other} "
                "already: take it out there first"
            )
        work.tx.execute(
            insert(AccessNumberRow),
            {"number": number, "extension_id": extension, "position": position},
        )
    work.changes.append(
        f"extension {entry.name}: access numbers {', '.join(entry.access_numbers) or 'none'}"
    )


def _see_number_shown(work: Work, entry: ExtensionEntry) -> None:
    """What leg B is shown must be an access number of the account (spec section 3)."""
    shown = entry.callback.caller_id_number
    if shown.set_by is not SetBy.USER:
        return
    found = work.tx.execute(
        select(AccessNumberRow.number)
        .join(ExtensionRow, ExtensionRow.id == AccessNumberRow.extension_id)
        .join(AccountRow, AccountRow.id == ExtensionRow.account_id)
        .where(AccountRow.name == entry.account, AccessNumberRow.number == shown.value)
    ).scalar()
    if found is None:
        raise SetupError(
            f"extension {entry.name}: callback.caller_id_number.value: {shown.value} is no access "
            f"number of the account {entry.account}"
        )


def _caller_id(work: Work, extension: str, what: str, entry: CallerIdEntry) -> None:
    found = work.one(
        CallerIdRow, CallerIdRow.extension_id == extension, CallerIdRow.number == entry.number
    )
    id_ = work.new_id() if found is None else found["id"]
    values = {
        "enabled": entry.enabled,
        "pin": None if entry.pin is None else work.secrets.mac(id_, entry.pin),
        "language": entry.language,
        "speed_dials": dict(entry.speed_dials),
    }
    if found is None:
        ledger_id = work.new_id()
        ledger.open_account(work.tx, ledger_id, work.now)
        work.tx.execute(
            insert(CallerIdRow),
            {
                "id": id_,
                "extension_id": extension,
                "number": entry.number,
                "ledger_id": ledger_id,
                "pin_mac": values.pop("pin"),
                **values,
                **guarded.given(entry),
            },
        )
        work.changes.append(f"{what}: added callerID {entry.number}")
    else:
        ledger_id = found["ledger_id"]
        given = {
            "pin_mac" if key == "pin" else key: value
            for key, value in values.items()
            if key in entry.model_fields_set
        }
        given |= guarded.given(entry, found)
        work.change(CallerIdRow, found, f"callerID {entry.number}", given)
    if entry.credit is not None:
        _recharge(work, ledger_id, entry)


def _recharge(work: Work, ledger_id: str, entry: CallerIdEntry) -> None:
    amount = entry.credit if isinstance(entry.credit, Decimal) else None
    order = entry.order_number
    if order is None:
        # Without limit and order number is what it is to be, whatever it has been in between.
        if ledger.balance(work.tx, ledger_id, lock=True).unlimited:
            return
        order = f"unlimited {work.new_id()}"
    try:
        made = ledger.recharge(work.tx, ledger_id, amount, order, work.now, who="apply")
    except (ledger.RechargeRefused, ValueError) as error:
        raise SetupError(f"callerID {entry.number}: credit: {error}") from error
    if made.changed:
        work.credited.add(ledger_id)
        by = "without limit" if amount is None else f"by {format_amount(amount)}"
        under = f" (order {order})" if entry.order_number else ""
        work.changes.append(f"recharged {entry.number} {by}{under}")
