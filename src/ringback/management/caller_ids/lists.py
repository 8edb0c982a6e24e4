"""Lists of callerIDs: filtered, sorted, page by page. Each order and each filter has an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal_column, or_, select, tuple_

from ringback import levels
from ringback.accounts.callerids import sort_key
from ringback.amounts import format_amount, parse_amount
from ringback.faults import Fault, Faults
from ringback.management import places
from ringback.management.caller_ids.found import CREDIT, CallerId, seen
from ringback.management.caller_ids.rows import FoundRow
from ringback.management.paging import COUNTED, LARGEST_PAGE, Page, Question
from ringback.management.places import Kind, Place
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, read
from ringback.numbering import read_prefix
from ringback.store.models import AccountRow, CallerIdRow, LedgerAccountRow

_C, _L = CallerIdRow, LedgerAccountRow
_MOST_NAMED = 100
"""So many extensions are named in a query; more of them are looked for by it."""

_LAST = "\U0010ffff"
"""The last of all characters."""


class Sort(StrEnum):
    NUMBER = "number"
    NAME = "name"
    REFERENCE = "reference"
    CREDIT = "credit"
    """By the balance; unlimited ones are above all others."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which callerIDs of a place and below; None: all."""

    enabled: bool | None = None
    number: str | None = None
    """How it begins, typed in any form."""
    name: str | None = None
    """How it begins, whatever its capitals; so of the reference."""
    reference: str | None = None


EVERY = Filter()
_ORDER: Mapping[Sort, tuple[Any, ...]] = {
    Sort.NUMBER: (_C.number, _C.id),
    Sort.NAME: (_C.name_key, _C.id),
    Sort.REFERENCE: (_C.reference_key, _C.id),
    Sort.CREDIT: (_L.unlimited, _L.balance, _L.id),
}


@read("caller_id.list", Kind.CALLER_ID, Need(Right.SEE_CREDIT))
def caller_ids(
    act: Act,
    place: Place,
    *,
    which: Filter = EVERY,
    sort: Sort = Sort.NUMBER,
    descending: bool = False,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[CallerId]:
    """The callerIDs of an account or extension and all below. Raises Faults."""
    where = [*_of(act, place), *_chosen(act, place, which)]
    question = Question(
        act.verb, place.id, {**asdict(which), "sort": sort, "descending": descending}
    )
    columns = _ORDER[sort]
    query = _joined(place, sort, where)
    if cursor is None:
        count = _count(act, where)
    else:
        count, *position = question.position(act, cursor)  # it is counted once
        after = _values(columns, position)
        here = tuple_(*columns)
        query = query.where(here < after if descending else here > after)
    order = [column.desc() if descending else column.asc() for column in columns]
    limit = max(1, min(limit, LARGEST_PAGE))
    rows = [dict(row) for row in act.tx.execute(query.order_by(*order).limit(limit + 1)).mappings()]
    last = rows[limit - 1] if len(rows) > limit else None
    following = None if last is None else question.cursor(act, [count, *_position(sort, last)])
    return Page(seen(act, rows[:limit]), following, min(count, COUNTED), count > COUNTED)


def _joined(place: Place, sort: Sort, where: Sequence[ColumnElement[bool]]) -> Select[Any]:
    query = select(_C.__table__, *CREDIT).join(_L, _L.id == _C.ledger_id).where(*where)
    if sort is Sort.CREDIT and place.kind is Kind.EXTENSION:
        query = query.where(_L.holder_id == place.id)  # it has the index of this order
    return query


def _of(act: Act, place: Place) -> list[ColumnElement[bool]]:
    """The condition that a callerID is in use, at a place or below."""
    in_use = _C.deleted.is_(None)
    if place.kind is Kind.EXTENSION:
        return [in_use, _C.extension_id == place.id]
    below = select(AccountRow.id).where(
        places.is_below(AccountRow.id, [place.id]), AccountRow.level == "extension"
    )
    found = act.tx.execute(below.limit(_MOST_NAMED + 1)).scalars().all()
    if len(found) == 1:
        return [in_use, _C.extension_id == found[0]]
    named = len(found) <= _MOST_NAMED
    return [in_use, _C.extension_id.in_(found if named else below)]


def _chosen(act: Act, place: Place, which: Filter) -> list[ColumnElement[bool]]:
    """Raises Faults."""
    found: list[ColumnElement[bool]] = []
    if which.enabled is not None:
        found.append(_C.enabled == which.enabled)
    if which.number is not None:
        country = levels.of_account(act.tx, place.id)[0].country
        try:
            prefixes = read_prefix(which.number, country)
        except ValueError as error:
            raise Faults([Fault(("number",), str(error))]) from error
        found.append(or_(*(_begins(_C.number, prefix) for prefix in prefixes)))
    for column, field, text in (
        (_C.name_key, "name", which.name),
        (_C.reference_key, "reference", which.reference),
    ):
        if text is not None and not text.isprintable():
            raise Faults([Fault((field,), "write how it begins, in letters that can be printed")])
        if text:
            found.append(_begins(column, sort_key(text)))
    return found


def _begins(column: Any, prefix: str) -> ColumnElement[bool]:
    """A range, which an index has; LIKE would take % and _ for more than they are."""
    return and_(column >= prefix, column < f"{prefix}{_LAST}")


def _count(act: Act, where: Sequence[ColumnElement[bool]]) -> int:
    some = select(literal_column("1")).select_from(_C).where(*where).limit(COUNTED + 1).subquery()
    return act.tx.execute(select(func.count()).select_from(some)).scalar_one()


def _position(sort: Sort, row: FoundRow) -> list[Any]:
    """Where a row stands in an order, as JSON has it."""
    if sort is Sort.CREDIT:
        return [row["unlimited"], format_amount(row["balance"]), row["ledger_id"]]
    return [row[column.key] for column in _ORDER[sort]]


def _values(columns: Sequence[Any], position: Sequence[Any]) -> Any:
    """The same for a query."""
    amount = [column is _L.balance for column in columns]
    found = [
        parse_amount(value) if money else value
        for value, money in zip(position, amount, strict=True)
    ]
    return tuple_(*found, types=[column.type for column in columns])
