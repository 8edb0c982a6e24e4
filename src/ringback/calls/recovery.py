"""After a crash: no session is continued, every leg is ended, every reservation settled, and
requests not yet attempted are taken up again (spec section 4, "After a crash").

It works from the rows alone, in one unit of work, before the first trigger is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from ringback.accounts import tree
from ringback.calls import records
from ringback.calls.outcome import FINAL, Outcome, Stage, of_unanswered
from ringback.charging import ledger
from ringback.clock import Instant
from ringback.store import models
from ringback.telephony.cause import failure


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that a crash left open."""

    session: RowMapping
    due: Instant | None
    """When its return call is due; None while the proof of its trigger is still to come."""
    attempts: int


@dataclass(slots=True)
class Recovered:
    """What is left to do once the rows are in order."""

    to_end: list[str] = field(default_factory=list)
    """`Leg.saved` of each leg whose far end must get its CANCEL or BYE."""
    requests: list[OpenRequest] = field(default_factory=list)
    interrupted: list[str] = field(default_factory=list)


def recover(tx: Connection, node: str, now: Instant) -> Recovered:
    """Put the rows of every open session in order."""
    recovered = Recovered()
    alive = tx.execute(
        select(models.Heartbeat.at).where(models.Heartbeat.node == node)
    ).scalar_one_or_none()
    for session in records.live_sessions(tx):
        legs = records.legs_of(tx, session["id"])
        for leg in legs:
            if leg["ended"] is None:
                recovered.to_end.append(leg["saved"])
                _end_leg(tx, leg, alive, now)
        if any(leg["leg"] == "A" and leg["answered"] is not None for leg in legs):
            _end_session(tx, session, Outcome.INTERRUPTED, _stage(session, legs), now)
            recovered.interrupted.append(session["id"])
        elif legs and _undecided(session, legs[-1]):
            _retry(tx, session, legs[-1], now, recovered)
        else:
            recovered.requests.append(OpenRequest(session, session["due"], session["attempts"]))
    return recovered


def _end_leg(tx: Connection, leg: RowMapping, alive: Instant | None, now: Instant) -> None:
    """Charge an answered leg up to the last sign of life; an unanswered one costs nothing."""
    answered: Instant | None = leg["answered"]
    ended = now if answered is None else max(answered, alive if alive is not None else answered)
    billed = ledger.settle_interrupted(tx, leg["id"], answered, ended, now)
    records.leg_ended(
        tx,
        leg["id"],
        ringing=leg["ringing"],
        answered=answered,
        at=ended,
        cause=None,
        billed_seconds=billed,
    )


def _stage(session: RowMapping, legs: Sequence[RowMapping]) -> Stage:
    outgoing = [leg for leg in legs if leg["leg"] == "B"]
    if outgoing and outgoing[-1]["ended"] is None:
        return Stage.OUTGOING if outgoing[-1]["answered"] is None else Stage.CONVERSATION
    return Stage.AUTHENTICATE if session["accepted"] is None else Stage.NUMBER


def _undecided(session: RowMapping, attempt: RowMapping) -> bool:
    """Whether what follows the last attempt was not written: it was under way, or has ended and
    the session is still due when it was then."""
    return attempt["ended"] is None or session["due"] <= attempt["started"]


def _retry(
    tx: Connection, session: RowMapping, attempt: RowMapping, now: Instant, recovered: Recovered
) -> None:
    """An attempt that was under way counts as a network fault, and the retry rule decides."""
    setup = tree.load_extension(tx, session["extension_id"]).setup
    attempts = session["attempts"] + 1
    cause = failure(attempt["cause"], rang=attempt["ringing"] is not None)
    if attempts >= setup.attempts or cause.outcome in FINAL:
        _end_session(tx, session, of_unanswered(cause), Stage.RETURN, now)
        return
    due = now + setup.retry_after_seconds
    records.session_due(tx, session["id"], due, attempts)
    recovered.requests.append(OpenRequest(session, due, attempts))


def _end_session(
    tx: Connection, session: RowMapping, outcome: Outcome, stage: Stage, now: Instant
) -> None:
    records.session_ended(
        tx,
        session["id"],
        outcome,
        stage,
        now,
        accepted=session["accepted"],
        caller_id=session["caller_id"],
    )
