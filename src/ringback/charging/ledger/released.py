"""Reservations that were released unused, and are wanted again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select

from ringback.store import models
from ringback.store.prepared import Prepared

_R, _C, _M = models.ReservationRow, models.ChargeRow, models.AllowanceRow

_RELEASED = Prepared(
    select(
        *(_R.id, _R.ledger_id, _R.payer, _R.below_id, _R.rate, _R.free_first, _R.spends),
        *(_M.prefix, _M.month, _M.seconds, _M.ledger_id.label("minutes_of")),
    )
    .outerjoin(_M, _M.id == _R.allowance_id)
    .outerjoin(_C, (_C.leg_id == _R.leg_id) & (_C.ledger_id == _R.ledger_id))
    .where(_R.leg_id == bindparam("leg_id"), _R.settled, _C.leg_id.is_(None))
    .order_by(_R.id)
)
_FORGET = Prepared(delete(_R).where(_R.id.in_(bindparam("ids", expanding=True)), _R.settled))


def released(tx: Connection, leg_id: str) -> Sequence[Any]:
    """What was reserved for a leg and released, none of it used: with whom, at which rate, whether
    its first block was free, and the free minutes of whoever holds the plan."""
    return _RELEASED.rows(tx, leg_id=leg_id)


def forget(tx: Connection, ids: Sequence[str]) -> None:
    """Let what was released be reserved anew."""
    _FORGET.run(tx, ids=ids)
