"""How often one number may be called back, over the whole server (spec section 8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select

from ringback.clock import Instant
from ringback.store.models import LegRow, SessionRow
from ringback.store.prepared import Prepared

HOUR = 3600.0
DAY = 24 * HOUR
UNACCEPTED_IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class Calls:
    """The return calls of one number."""

    last_hour: int
    last_day: int
    answered: Sequence[tuple[Instant, bool]]
    """The latest that were answered, the newest first: when, and whether a person accepted or
    authenticated."""


def refusal(calls: Calls, now: Instant, per_hour: int, per_day: int) -> str | None:
    """Why the number is not called back now, None when it may be."""
    if calls.last_hour >= per_hour:
        return f"{calls.last_hour} return calls to it in the last hour"
    if calls.last_day >= per_day:
        return f"{calls.last_day} return calls to it in the last day"
    latest = calls.answered[:UNACCEPTED_IN_A_ROW]
    if len(latest) == UNACCEPTED_IN_A_ROW and not any(accepted for _, accepted in latest):
        newest = latest[0][0]
        if now < newest + HOUR:
            return f"nobody accepted the last {UNACCEPTED_IN_A_ROW} return calls to it"
    return None


_COUNT = Prepared(
    select(
        func.count().label("day"),
        func.count().filter(LegRow.started > bindparam("an_hour_ago")).label("hour"),
    ).where(
        LegRow.e164 == bindparam("e164"), LegRow.leg == "A", LegRow.started > bindparam("a_day_ago")
    )
)
_ANSWERED = Prepared(
    select(LegRow.answered, SessionRow.accepted)
    .join(SessionRow, SessionRow.id == LegRow.session_id)
    .where(
        LegRow.e164 == bindparam("e164"),
        LegRow.leg == "A",
        LegRow.started > bindparam("a_day_ago"),
        LegRow.answered.is_not(None),
        SessionRow.outcome.is_not(None),
    )
    .order_by(LegRow.started.desc())
    .limit(UNACCEPTED_IN_A_ROW)
)


def calls_to(tx: Connection, number: str, now: Instant) -> Calls:
    """The facts, from the legs that were dialled."""
    row = _COUNT.row(tx, e164=number, an_hour_ago=now - HOUR, a_day_ago=now - DAY)
    answered = _ANSWERED.rows(tx, e164=number, a_day_ago=now - DAY)
    return Calls(row.hour, row.day, [(row.answered, bool(row.accepted)) for row in answered])
