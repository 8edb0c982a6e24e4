"""The rows of callerIDs in use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, select

from ringback.management.places import Kind
from ringback.management.refusals import NotFound
from ringback.store.models import CallerIdRow
from ringback.store.prepared import Prepared

FoundRow = Mapping[str, Any]

_IN_USE = CallerIdRow.deleted.is_(None)


_OF_NUMBERS = Prepared(
    select(CallerIdRow.__table__).where(
        CallerIdRow.extension_id == bindparam("extension_id"),
        CallerIdRow.number.in_(bindparam("numbers", expanding=True)),
        _IN_USE,
    )
)


def row_of(tx: Connection, caller_id: str) -> FoundRow:
    """A callerID. Raises NotFound where it has just been deleted."""
    found = rows_of(tx, [caller_id])
    if not found:
        raise NotFound(Kind.CALLER_ID)
    return found[0]


def rows_of(tx: Connection, caller_ids: Sequence[str]) -> list[FoundRow]:
    """Those of the callerIDs that are in use."""
    query = select(CallerIdRow.__table__).where(CallerIdRow.id.in_(caller_ids), _IN_USE)
    return [dict(row) for row in tx.execute(query).mappings()]


def rows_of_numbers(
    tx: Connection, extension_id: str, numbers: Sequence[str]
) -> dict[str, FoundRow]:
    """The callerIDs that an extension has of these numbers, by number."""
    if not numbers:
        return {}
    found = _OF_NUMBERS.rows(tx, extension_id=extension_id, numbers=numbers)
    return {row.number: row._asdict() for row in found}
