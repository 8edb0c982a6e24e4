"""Authorized callerIDs with their credit, some of an extension's in one step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select

from ringback.accounts import callerids
from ringback.accounts.entries import CallerIdEntry, ExtensionEntry
from ringback.accounts.setupfile import SetupError
from ringback.amounts import format_amount
from ringback.charging import ledger
from ringback.setup.work import FoundRow, Work
from ringback.store.models import CallerIdRow
from ringback.store.prepared import Prepared

BATCH = 20
"""So many in one step: some 5 ms."""

_INSERT = Prepared(insert(CallerIdRow))


def batches(entry: ExtensionEntry) -> Iterator[Sequence[CallerIdEntry]]:
    """The callerIDs of an extension's entry, so many as one step takes."""
    for start in range(0, len(entry.caller_ids), BATCH):
        yield entry.caller_ids[start : start + BATCH]


def bring_about(work: Work, extension: str, name: str, entries: Sequence[CallerIdEntry]) -> None:
    """The callerIDs of the extension with that id and name, as their entries have them."""
    query = select(CallerIdRow.__table__).where(
        CallerIdRow.extension_id == extension,
        CallerIdRow.number.in_([entry.number for entry in entries]),
        CallerIdRow.deleted.is_(None),
    )
    there = {row["number"]: dict(row) for row in work.tx.execute(query).mappings()}
    new = {
        entry.number: _new(work, extension, entry) for entry in entries if entry.number not in there
    }
    if new:
        ledger.open_empty(work.tx, [row["ledger_id"] for row in new.values()], extension)
        _INSERT.run_many(work.tx, list(new.values()))
    for entry in entries:
        with work.attempt():
            if entry.number in new:
                work.changes.append(f"extension {name}: added callerID {entry.number}")
            else:
                _change(work, there[entry.number], entry)
            if entry.credit is not None:
                _recharge(work, (new | there)[entry.number]["ledger_id"], entry)


def _new(work: Work, extension: str, entry: CallerIdEntry) -> dict[str, Any]:
    id_ = work.new_id()
    return {
        "id": id_,
        "extension_id": extension,
        "pin_mac": _mac(work, id_, entry),
        "ledger_id": work.new_id(),
        **callerids.columns(entry, None),
    }


def _change(work: Work, found: FoundRow, entry: CallerIdEntry) -> None:
    given = callerids.columns(entry, found)
    if "pin" in entry.model_fields_set:
        given["pin_mac"] = _mac(work, found["id"], entry)
    work.change(CallerIdRow, found, f"callerID {entry.number}", given, callerids.told)


def _mac(work: Work, id_: str, entry: CallerIdEntry) -> str | None:
    return None if entry.pin is None else work.secrets.mac(id_, entry.pin)


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
