"""What is spent of guarded budgets (spec section 8, `spend_per_day` and `spend_per_call`).

A reservation names the spending that it is part of. That is what it holds, until it is settled, and
then what was used: whoever pays, with limit or without. So it is there without any counting, and
right after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from ringback.store.models import SpendingRow
from ringback.store.prepared import Prepared

_S = SpendingRow

_INSERT = insert(_S)
_ADD = Prepared(
    _INSERT.on_conflict_do_update(
        index_elements=[_S.id], set_={"amount": _S.amount + _INSERT.excluded.amount}
    ).inline()
)
"""SQLite takes the same words."""
_LESS = Prepared(
    update(_S)
    .where(_S.id.in_(bindparam("ids", expanding=True)))
    .values(amount=_S.amount - bindparam("less"))
)
_SPENT = Prepared(select(_S.id, _S.amount).where(_S.id.in_(bindparam("ids", expanding=True))))


def spend(tx: Connection, ids: Sequence[str], more: Decimal) -> None:
    """So much more is spent or reserved of each of these; less where it is below 0."""
    if ids and more > 0:
        _ADD.run_many(tx, [{"id": id_, "amount": more} for id_ in ids])
    elif ids and more:
        _LESS.run(tx, ids=ids, less=-more)


def spent(tx: Connection, ids: Sequence[str]) -> Mapping[str, Decimal]:
    """What is spent and reserved of each of these; one of which nothing is, is not there."""
    return {row.id: row.amount for row in _SPENT.rows(tx, ids=ids)} if ids else {}
