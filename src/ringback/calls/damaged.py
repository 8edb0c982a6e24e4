"""Stored rows of before a restart that cannot be read: each is closed by what can be read of it, so
that one bad row never stops a start.

Every function is a part of a unit of work.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import DataError, IntegrityError, NoResultFound

from ringback.calls import records
from ringback.calls.outcome import Outcome, Stage
from ringback.charging.money import settle_stored
from ringback.clock import Instant
from ringback.guards import counts
from ringback.store import models
from ringback.telephony.port import Cause, Ending

_OF_A_ROW = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NoResultFound,
    IntegrityError,
    DataError,
)
"""What code that trusts a row may raise on one that is damaged. What is wrong with the database
itself is none of these."""
_LONGEST_TOLD = 120

T = TypeVar("T")


def attempt(tx: Connection, work: Callable[[], T], otherwise: Callable[[str], T]) -> T:
    """What `work` returns. Where it meets a damaged row, all that it has written is undone, and
    `otherwise` is done, which gets in words what is wrong."""
    try:
        with tx.begin_nested():
            return work()
    except _OF_A_ROW as error:
        why = " ".join(str(error).split())[:_LONGEST_TOLD]
        return otherwise(f"{type(error).__name__}: {why}")


def _end_leg(tx: Connection, leg_id: str, alive: Instant | None, now: Instant) -> None:
    """Settle a leg and write its end: charged to `alive` as far as the stored reservations tell;
    else what they hold is released."""
    answered: Instant | None = attempt(
        tx,
        lambda: tx.execute(
            select(models.LegRow.answered).where(models.LegRow.id == leg_id)
        ).scalar_one(),
        lambda why: None,
    )
    until = answered if answered is None or alive is None else max(answered, alive)

    def settle(answered: Instant | None) -> int | None:
        return settle_stored(tx, leg_id, answered, until or now, now)

    billed = attempt(
        tx,
        lambda: settle(answered),
        lambda why: attempt(tx, lambda: settle(None), lambda why: None),
    )
    records.leg_ended(
        tx,
        leg_id,
        ringing=None,
        answered=answered,
        ended=until or now,
        ending=Ending(Cause.FAILED if answered is None else Cause.LOST),
        billed_seconds=billed,
    )


def close_session(tx: Connection, session_id: str, alive: Instant | None, now: Instant) -> Stage:
    """Close an open session as interrupted, with whatever legs of it are open, which are charged to
    `alive`, the last sign of life; it counts for no guard then. Returns the stage that is stored.
    """
    of_session = models.SessionRow.id == session_id
    open_legs = select(models.LegRow.id).where(
        models.LegRow.session_id == session_id, models.LegRow.ended.is_(None)
    )
    for leg_id in tx.execute(open_legs).scalars().all():
        _end_leg(tx, leg_id, alive, now)
    stored = tx.execute(select(models.SessionRow.stage).where(of_session)).scalar_one()
    stage = Stage(stored) if stored in set(Stage) else Stage.RETURN

    def uncount() -> None:
        guarded = tx.execute(select(models.SessionRow.guarded).where(of_session)).scalar_one()
        counts.session_over(tx, [str(each) for each in guarded])

    attempt(tx, uncount, lambda why: None)
    tx.execute(
        update(models.SessionRow)
        .where(of_session)
        .values(
            outcome=Outcome.INTERRUPTED,
            stage=stage,
            ended=now,
            due=None,
            rejection=None,
            guarded=[],
        )
    )
    return stage
