"""What a callerID leaves behind: its credit is taken off when it is deleted, and what its last
calls give back when they are settled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, bindparam, update

from ringback.amounts import ZERO
from ringback.charging.ledger.balances import RechargeKind, balance, enter
from ringback.clock import Instant
from ringback.store import models
from ringback.store.prepared import Prepared

_A = models.LedgerAccountRow

_CLOSE = Prepared(
    update(_A)
    .where(_A.id == bindparam("id"))
    .values(unlimited=False, closed=bindparam("closed"), holder_id=None)
)
_TAKE_OFF = Prepared(
    update(_A).where(_A.id == bindparam("id")).values(balance=_A.balance - bindparam("taken"))
)


def close(
    tx: Connection,
    ledger_id: str,
    now: Instant,
    *,
    who: str | None = None,
    by_account_id: str | None = None,
) -> Decimal:
    """Take a ledger account out of use: nothing can be put in any more. What is available is taken
    off, of kind `closed`, and returned; `who` did that, by the role of which account. What is
    reserved for live calls stays theirs until it is settled; what is left of it then is taken off,
    too. Raises KeyError where there is none."""
    before = balance(tx, ledger_id, lock=True)
    _CLOSE.run(tx, id=ledger_id, closed=now)
    return take_rest(tx, ledger_id, "closing", before, now, who, by_account_id)


def take_rest(
    tx: Connection,
    ledger_id: str,
    step: str,
    left: Any,
    now: Instant,
    who: str | None = None,
    by_account_id: str | None = None,
) -> Decimal:
    """Take off what is neither used nor reserved of `left`, the balance and what is reserved."""
    rest: Decimal = left.balance - left.reserved
    if rest <= ZERO:
        return ZERO
    _TAKE_OFF.run(tx, id=ledger_id, taken=rest)
    kind, after = RechargeKind.CLOSED, left.balance - rest
    told = "closed with its callerID"
    entered_as = (kind, -rest, -rest, after, now, who, told, None, by_account_id)
    enter(tx, ledger_id, step, *entered_as)
    return rest
