"""A late answer: the far end of a leg that was given up has answered (spec section 5).

What was reserved for the leg has been released. One first block is charged to all who would have
paid, at the rates of then, if every one of them has it now; else to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from ringback.charging import ledger
from ringback.charging.holds import Hold, Shortage
from ringback.charging.meter import Meter
from ringback.charging.packages import Allowance, allowances_of
from ringback.charging.payers import PayerRate
from ringback.charging.rating import Rate
from ringback.clock import Instant


def charge_late(tx: Connection, leg_id: str, at: Instant, now: Instant) -> int | Shortage:
    """Charge a leg that was settled as unanswered, and was answered at `at` all the same: the
    billed seconds, or who lacks what. Part of a unit of work."""
    rows = ledger.released(tx, leg_id)
    if not rows:
        return Shortage("nobody", "", "nothing was ever reserved for it")
    holds = _first_blocks(tx, leg_id, rows)
    with tx.begin_nested() as undone:
        ledger.forget(tx, [row.id for row in rows])
        shortage = ledger.reserve(tx, holds)
        if shortage is not None:
            undone.rollback()
            return shortage
    billed = ledger.settle_interrupted(tx, leg_id, at, at, now)
    assert billed is not None  # it has just been reserved
    return billed


def _first_blocks(tx: Connection, leg_id: str, rows: Sequence[Any]) -> Sequence[Hold]:
    payers = _payers(rows)
    return Meter().open_a(leg_id, payers, ledger.free_left(tx, allowances_of(payers))).holds


def _payers(rows: Sequence[Any]) -> list[PayerRate]:
    """Those who would have paid, with the free minutes that would have paid for them: a callerID,
    who holds no plan, has those of whoever pays just above."""
    own = {row.ledger_id: _minutes(row) for row in rows if row.minutes_of is not None}
    above = {row.below_id: own.get(row.ledger_id) for row in rows}
    return [
        PayerRate(
            row.ledger_id,
            row.payer,
            "",  # of whatever plan: its rate is stored
            Rate.from_json(row.rate),
            own.get(row.ledger_id, above.get(row.ledger_id)) if row.free_first else None,
            row.ledger_id in own,
            row.below_id,
            tuple(row.spends),
        )
        for row in rows
    ]


def _minutes(row: Any) -> Allowance:
    return Allowance(row.minutes_of, row.prefix, row.month, row.seconds)
