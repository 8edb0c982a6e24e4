"""A copy, in memory, of what a setup file is about: a file is checked whole on it, and a dry run is
done there, while nobody waits for the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Table, select, tuple_

from ringback.accounts.entries import SetupFile
from ringback.charging import ledger
from ringback.store import InlineStore, Store, rows
from ringback.store.models import (
    AccessNumberRow,
    AccountRow,
    CallerIdRow,
    DeckRow,
    ExtensionRow,
    LedgerAccountRow,
    LedgerEntryRow,
    PlanRow,
    RateRow,
    RouteRow,
    RouteTrunkRow,
    SettingRow,
    SoundFolderRow,
    SoundRow,
    SoundVariantRow,
    TrunkRow,
)

T = TypeVar("T")
AT_ONCE = 400
"""The most values in one condition."""

_WHOLE = (
    *(SettingRow, AccountRow, ExtensionRow, AccessNumberRow, PlanRow, DeckRow),
    *(SoundFolderRow, SoundRow, SoundVariantRow),
    *(TrunkRow, RouteRow, RouteTrunkRow),
)
"""Tables that are copied whole; of the others what the file names."""

Copied = list[tuple[Table, list[Sequence[Any]]]]


async def copy_of(store: Store, setup: SetupFile) -> InlineStore:
    """A store with what the file may refer to. Raises StoreError."""
    copied = await store.read(lambda tx: _copied(tx, setup))
    copy = InlineStore()
    await copy.run(lambda tx: _put(tx, copied))
    return copy


def _copied(tx: Connection, setup: SetupFile) -> Copied:
    found: Copied = [(_table(model), list(rows.rows_of(tx, _table(model)))) for model in _WHOLE]
    found.append((_table(RateRow), list(_rates(tx, setup))))
    caller_ids = list(_caller_ids(tx, setup))
    found.append((_table(CallerIdRow), caller_ids))
    balance, numbered = (
        _table(CallerIdRow).columns.keys().index(key) for key in ("ledger_id", "number")
    )
    accounts = tx.execute(select(AccountRow.ledger_id)).scalars().all()
    ledgers = {row[balance] for row in caller_ids}
    found.append((_table(LedgerAccountRow), list(_ledgers(tx, {*accounts, *ledgers}))))
    orders = _orders(setup)
    steps = [
        (row[balance], ledger.step_of(order))
        for row in caller_ids
        for order in orders.get(row[numbered], ())
    ]
    found.append((_table(LedgerEntryRow), list(_entries(tx, steps))))
    # What others refer to comes first: while a reference is open, SQLite looks for those who refer
    # to each new row, without an index.
    order = list(rows.tables())
    return sorted(found, key=lambda each: order.index(each[0]))


def _put(tx: Connection, copied: Copied) -> None:
    with rows.in_any_order(tx):
        for model, found in copied:
            rows.put_rows(tx, model.name, model.columns.keys(), found)


def _rates(tx: Connection, setup: SetupFile) -> Iterator[Sequence[Any]]:
    names = [plan.name for plan in setup.plans if "rates" in plan.model_fields_set]
    for some in _some(names):
        decks = select(PlanRow.deck_id).where(PlanRow.name.in_(some))
        yield from rows.rows_of(tx, _table(RateRow), RateRow.deck_id.in_(decks))


def _caller_ids(tx: Connection, setup: SetupFile) -> Iterator[Sequence[Any]]:
    numbers: dict[str, set[str]] = {}
    for extension in setup.extensions:
        numbers.setdefault(extension.name, set()).update(
            entry.number for entry in extension.caller_ids
        )
    for name, named in numbers.items():
        same = select(AccountRow.id).where(AccountRow.name == name, AccountRow.level == "extension")
        for some in _some(sorted(named)):
            yield from rows.rows_of(
                tx,
                _table(CallerIdRow),
                CallerIdRow.extension_id.in_(same),
                CallerIdRow.number.in_(some),
            )


def _ledgers(tx: Connection, ids: Iterable[str]) -> Iterator[Sequence[Any]]:
    return _where_in(tx, LedgerAccountRow, LedgerAccountRow.id, ids)


def _entries(tx: Connection, steps: Iterable[tuple[str, str]]) -> Iterator[Sequence[Any]]:
    """The recharges that may be the file's own."""
    key = tuple_(LedgerEntryRow.ledger_id, LedgerEntryRow.step)
    return _where_in(tx, LedgerEntryRow, key, steps)


def _orders(setup: SetupFile) -> Mapping[str, list[str]]:
    """The order numbers of each callerID's number."""
    orders: dict[str, list[str]] = {}
    for extension in setup.extensions:
        for entry in extension.caller_ids:
            if entry.order_number is not None:
                orders.setdefault(entry.number, []).append(entry.order_number)
    return orders


def _where_in(
    tx: Connection, model: Any, key: Any, values: Iterable[Any]
) -> Iterator[Sequence[Any]]:
    for some in _some(values):
        condition: ColumnElement[bool] = key.in_(some)
        yield from rows.rows_of(tx, _table(model), condition)


def _some(values: Iterable[T]) -> Iterator[list[T]]:
    left = iter(values)
    while some := list(islice(left, AT_ONCE)):
        yield some


def _table(model: Any) -> Table:
    found: Table = model.__table__
    return found
