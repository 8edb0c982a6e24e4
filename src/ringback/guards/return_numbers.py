"""How often one number may be called back, over the whole server (spec section 8).

Each attempt counts once, by however many trunks it was made. An attempt that nobody accepted counts
towards the pause. So does one that was busy or rejected at once and whose number then triggered
again: what answers a call by calling back is no person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, func, or_, select

from ringback.clock import Instant
from ringback.guards.limits import Limits
from ringback.guards.reached import Reached
from ringback.store.changes import updates
from ringback.store.models import LegRow, SessionRow
from ringback.store.prepared import Prepared
from ringback.telephony.port import Cause

HOUR = 3600.0
DAY = 24 * HOUR
UNACCEPTED_IN_A_ROW = 3
AT_ONCE_SECONDS = 10.0
"""A return call that was busy or rejected so soon ..."""
AGAIN_SECONDS = 60.0
"""... and whose number triggered again within so long."""


@dataclass(frozen=True, slots=True)
class Over:
    """A return call that is over, and whether a person accepted or authenticated on it."""

    at: Instant
    """When it was answered, or else when it ended."""
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Calls:
    """The return calls of one number."""

    last_hour: int
    last_day: int
    latest: Sequence[Over]
    """Those that were answered, or came back as a trigger; the newest first."""


def refusal(calls: Calls, number: str, now: Instant, limits: Limits) -> Reached | None:
    """The guard that keeps the number from being called back now, None where none does."""
    hour, day = limits.return_calls_per_hour, limits.return_calls_per_day
    if calls.last_hour >= hour:
        return Reached.of_server("return_calls_per_hour", number, calls.last_hour, hour)
    if calls.last_day >= day:
        return Reached.of_server("return_calls_per_day", number, calls.last_day, day)
    latest = calls.latest[:UNACCEPTED_IN_A_ROW]
    in_a_row = 0 if any(call.accepted for call in latest) else len(latest)
    if in_a_row == UNACCEPTED_IN_A_ROW and now < latest[0].at + HOUR:
        guard = "return calls in a row that nobody accepted"
        return Reached.of_server(guard, number, in_a_row, UNACCEPTED_IN_A_ROW)
    return None


_L = LegRow

_OF_NUMBER = and_(_L.e164 == bindparam("e164"), _L.leg == "A", _L.started > bindparam("a_day_ago"))
_COUNT = Prepared(
    select(
        func.count().label("day"),
        func.count().filter(_L.started > bindparam("an_hour_ago")).label("hour"),
    ).where(_OF_NUMBER, _L.failover_of.is_(None))
)
_LATEST = Prepared(
    select(_L.answered, _L.ended, SessionRow.accepted)
    .join(SessionRow, SessionRow.id == _L.session_id)
    .where(
        _OF_NUMBER,
        or_(
            _L.triggered_again.is_(True),
            and_(_L.answered.is_not(None), SessionRow.outcome.is_not(None)),
        ),
    )
    .order_by(_L.started.desc())
    .limit(UNACCEPTED_IN_A_ROW)
)
_REFUSED_AT_ONCE = Prepared(
    select(_L.id, _L.started, _L.ended)
    .where(
        _OF_NUMBER,
        or_(_L.ending == Cause.BUSY, _L.ending == Cause.REJECTED),
        _L.answered.is_(None),
    )
    .order_by(_L.started.desc())
    .limit(1)
)


def calls_to(tx: Connection, number: str, now: Instant) -> Calls:
    """The facts, from the legs that were dialled."""
    row = _COUNT.row(tx, e164=number, an_hour_ago=now - HOUR, a_day_ago=now - DAY)
    latest = [
        Over(row.ended) if row.answered is None else Over(row.answered, bool(row.accepted))
        for row in _LATEST.rows(tx, e164=number, a_day_ago=now - DAY)
    ]
    return Calls(row.hour, row.day, latest)


def came_back(tx: Connection, number: str, at: Instant) -> None:
    """A number triggers: its latest return call, where that was busy or rejected at once, has come
    back."""
    leg = _REFUSED_AT_ONCE.row(tx, e164=number, a_day_ago=at - DAY)
    if leg is not None and is_loop(leg.started, leg.ended, at):
        _mark(tx, leg.id)


def is_loop(started: Instant, ended: Instant, triggered: Instant) -> bool:
    """Whether a return call that was busy or rejected has come back as a trigger."""
    return ended - started <= AT_ONCE_SECONDS and 0 <= triggered - ended <= AGAIN_SECONDS


@updates(LegRow, triggered_again=True)
def _mark(tx: Connection, id: str) -> None:
    """The number of a leg has triggered again."""
