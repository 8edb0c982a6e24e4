"""After a crash: no session is continued, every leg is ended, every reservation settled, and
requests not yet attempted are taken up again (spec section 4, "After a crash").

It works from the rows alone, in one unit of work, before the first trigger is decided. The BYEs of
answered legs have left by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from ringback.accounts import tree
from ringback.calls import chronicle, damaged, records
from ringback.calls.events import SessionEnded, SessionEvent
from ringback.calls.outcome import FINAL, Outcome, Stage, of_unanswered
from ringback.calls.party import EndedLeg, write_end
from ringback.charging.money import settle_stored
from ringback.clock import Instant
from ringback.store import models
from ringback.telephony.port import Cause, Ending
from ringback.telephony.trunks import Trunk

GIVEN_UP_SECONDS = 64.0
"""A far end is answered for 32 s after it was given up, and repeats its answer for as long."""
DIALLED_SECONDS = GIVEN_UP_SECONDS + 155.0
"""It was dialled so long before at most: UNTIL_RINGING_SECONDS, the longest
`answer_timeout_seconds` and CANCEL_SECONDS before it was given up."""


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request that a crash left open."""

    session: RowMapping
    due: Instant | None
    """When its return call is due; None while the proof of its trigger is still to come."""
    attempts: int
    first_event: int
    """The place of its next event."""
    triggered_again: Instant | None = None
    """When a further trigger of its number ended while an attempt was being withdrawn."""


@dataclass(frozen=True, slots=True)
class GivenUpAttempt:
    """A leg that was given up shortly before a crash, whose far end may still answer."""

    leg: RowMapping
    cost_plan: str | None

    def answered_late(self, at: Instant) -> EndedLeg:
        """The leg, if it is answered at `at`: it is ended at once."""
        ending = Ending(Cause.NORMAL, by_us=True)
        return _ended_leg(self.leg, self.cost_plan, at, at, ending)


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """A leg that a crash left without an answer. Its far end may have answered since: only once
    it has confirmed the CANCEL is known what came of it (`attempt_over`)."""

    session: str
    leg: RowMapping
    cost_plan: str | None
    """Of its trunk."""
    first_event: int


@dataclass(frozen=True, slots=True)
class Recovered:
    """What is left to do once the rows are in order."""

    attempts: list[OpenAttempt] = field(default_factory=list)
    given_up: list[GivenUpAttempt] = field(default_factory=list)
    requests: list[OpenRequest] = field(default_factory=list)
    ended: list[SessionEvent] = field(default_factory=list)
    """The ends of sessions that were written."""
    damaged: list[tuple[str, str]] = field(default_factory=list)
    """Sessions of which something could not be read, and what is wrong with it."""


def recover(tx: Connection, node: str, now: Instant, trunks: Mapping[str, Trunk]) -> Recovered:
    """Put the rows of every open session in order; `trunks` are those of now and
    of before, by name. A unit of work."""
    recovered = Recovered()
    alive = tx.execute(
        select(models.HeartbeatRow.at).where(models.HeartbeatRow.node == node)
    ).scalar_one_or_none()

    def note(session: str, why: str) -> None:
        recovered.damaged.append((session, why))

    def close(session: str, why: str) -> None:
        note(session, why)
        stage = damaged.close_session(tx, session, alive, now)
        event = SessionEvent(session, now, SessionEnded(Outcome.INTERRUPTED, stage))
        damaged.attempt(tx, lambda: chronicle.append(tx, node, event), lambda why: None)
        recovered.ended.append(event)

    for leg, session in records.open_leg_ids(tx):
        work = partial(_open_leg, tx, leg, alive, now, trunks)
        open_attempt = damaged.attempt(tx, work, partial(close, session))
        if open_attempt is not None:
            recovered.attempts.append(open_attempt)
    for leg, session in records.given_up_ids(tx, now - DIALLED_SECONDS, now - GIVEN_UP_SECONDS):
        given_up = damaged.attempt(tx, partial(_given_up, tx, leg, trunks), partial(note, session))
        if given_up is not None:
            recovered.given_up.append(given_up)
    for session in records.live_ids(tx):
        left = damaged.attempt(tx, partial(_left, tx, node, session, now), partial(close, session))
        if isinstance(left, SessionEvent):
            recovered.ended.append(left)
        elif left is not None:
            recovered.requests.append(left)
    return recovered


def _open_leg(
    tx: Connection, id: str, alive: Instant | None, now: Instant, trunks: Mapping[str, Trunk]
) -> OpenAttempt | None:
    """End a leg that was answered; what has to be done for any other."""
    leg = records.leg(tx, id)
    if leg["ended"] is not None:
        return None  # with another of its session, which is damaged
    answered: Instant | None = leg["answered"]
    cost_plan = _cost_plan(leg, trunks)
    if answered is None:
        session_id = leg["session_id"]
        return OpenAttempt(session_id, leg, cost_plan, chronicle.next_place(tx, session_id))
    ended = answered if alive is None else max(answered, alive)
    _end_leg(tx, leg, cost_plan, answered, ended, now)
    return None


def _given_up(tx: Connection, id: str, trunks: Mapping[str, Trunk]) -> GivenUpAttempt:
    leg = records.leg(tx, id)
    return GivenUpAttempt(leg, _cost_plan(leg, trunks))


def _left(tx: Connection, node: str, id: str, now: Instant) -> OpenRequest | SessionEvent | None:
    """What a crash left of an open session, or its end, which is written; None while an attempt of
    it is being withdrawn."""
    session = records.session(tx, id)
    left = _open_request(tx, session, now)
    if not isinstance(left, SessionEnded):
        return left
    event = SessionEvent(id, now, left)
    chronicle.append(tx, node, event)
    return event


def _open_request(
    tx: Connection, session: RowMapping, now: Instant
) -> OpenRequest | SessionEnded | None:
    legs = records.legs_of(tx, session["id"])
    if any(leg["leg"] == "A" and leg["answered"] is not None for leg in legs):
        return _end_session(tx, session, Outcome.INTERRUPTED, _stage(session, legs), now)
    if not legs or session["due"] > legs[-1]["started"]:
        # What it will be taken up with: it is read again then, when nobody would be ready for a
        # fault of it.
        records.as_session_row(session)
        tree.load_extension(tx, session["extension_id"])
        met_before(tx, session["id"])
        place = chronicle.next_place(tx, session["id"])
        return OpenRequest(session, session["due"], session["attempts"], place)
    if legs[-1]["ended"] is not None:
        # The attempt's end was written, and not what follows from it.
        return _retry(tx, session, legs[-1], now)
    return None


def attempt_over(
    tx: Connection,
    attempt: OpenAttempt,
    answered: Instant | None,
    now: Instant,
    *,
    ordered: bool,
) -> OpenRequest | SessionEnded | None:
    """The far end of an attempt from before a crash has confirmed its end. Where it had answered,
    the leg is charged, as the carrier does, and the call never made again; nor where somebody has
    `ordered` the end of the session. None for an attempt of a leg B. A unit of work."""

    def close(why: str) -> SessionEnded:
        stage = damaged.close_session(tx, attempt.session, answered, now)
        return SessionEnded(Outcome.INTERRUPTED, stage)

    work = partial(_attempt_over, tx, attempt, answered, now, ordered=ordered)
    return damaged.attempt(tx, work, close)


def _attempt_over(
    tx: Connection,
    attempt: OpenAttempt,
    answered: Instant | None,
    now: Instant,
    *,
    ordered: bool,
) -> OpenRequest | SessionEnded | None:
    _end_leg(tx, attempt.leg, attempt.cost_plan, answered, now, now)
    session = records.session(tx, attempt.session)
    if session["outcome"] is not None:
        return None
    if answered is not None:
        return _end_session(tx, session, Outcome.INTERRUPTED, Stage.RETURN, now)
    if ordered:
        return _end_session(tx, session, Outcome.ENDED, Stage.RETURN, now)
    return _retry(tx, session, attempt.leg, now)


def met_before(tx: Connection, session_id: str) -> tuple[bool, Outcome]:
    """Of a request that is taken up: whether an attempt was answered late, so that the return call
    is not made again, and what the last one met that nobody answered."""
    legs = [leg for leg in records.legs_of(tx, session_id) if leg["leg"] == "A"]
    causes = [Cause(leg["ending"] or Cause.FAILED) for leg in legs if leg["answered"] is None]
    return len(causes) < len(legs), of_unanswered(causes[-1] if causes else Cause.FAILED)


def give_up(
    tx: Connection, session_id: str, now: Instant, trunks: Mapping[str, Trunk]
) -> SessionEnded | None:
    """Close a request that cannot be taken up for a fault of Ringback, with what it holds. None
    where it is closed already. A unit of work."""

    def close(why: str) -> SessionEnded:
        stage = damaged.close_session(tx, session_id, None, now)
        return SessionEnded(Outcome.INTERRUPTED, stage)

    return damaged.attempt(tx, lambda: _give_up(tx, session_id, now, trunks), close)


def _give_up(
    tx: Connection, session_id: str, now: Instant, trunks: Mapping[str, Trunk]
) -> SessionEnded | None:
    for leg in records.legs_of(tx, session_id):
        if leg["ended"] is None:
            _end_leg(tx, leg, _cost_plan(leg, trunks), leg["answered"], now, now)
    session = records.session(tx, session_id)
    if session["outcome"] is not None:
        return None
    return _end_session(tx, session, Outcome.INTERRUPTED, Stage(session["stage"]), now)


@dataclass(frozen=True, slots=True)
class Closed:
    """How many sessions were closed, and as what."""

    expired: int
    interrupted: int


def close_all(tx: Connection, node: str, now: Instant, trunks: Mapping[str, Trunk]) -> Closed:
    """Close whatever is open in rows that were restored from a backup: nothing of it is dialled or
    taken up again. Answered legs are charged to the last sign of life. A unit of work."""
    alive = tx.execute(
        select(models.HeartbeatRow.at).where(models.HeartbeatRow.node == node)
    ).scalar_one_or_none()
    left = [(row, records.legs_of(tx, row["id"])) for row in records.live_sessions(tx)]
    for leg in records.open_legs(tx):
        answered: Instant | None = leg["answered"]
        ended = now if answered is None else max(answered, alive or answered)
        _end_leg(tx, leg, _cost_plan(leg, trunks), answered, ended, now)
    closed = {Outcome.EXPIRED: 0, Outcome.INTERRUPTED: 0}
    for session, legs in left:
        outcome, stage = Outcome.EXPIRED, Stage.RETURN if legs else Stage(session["stage"])
        if any(leg["leg"] == "A" and leg["answered"] is not None for leg in legs):
            outcome, stage = Outcome.INTERRUPTED, _stage(session, legs)
        ending = _end_session(tx, session, outcome, stage, now)
        chronicle.append(tx, node, SessionEvent(session["id"], now, ending))
        closed[outcome] += 1
    return Closed(closed[Outcome.EXPIRED], closed[Outcome.INTERRUPTED])


def _cost_plan(leg: RowMapping, trunks: Mapping[str, Trunk]) -> str | None:
    """That of the leg's trunk, if there still is one of its name."""
    trunk = trunks.get(leg["trunk"])
    return None if trunk is None else trunk.cost_plan


def _end_leg(
    tx: Connection,
    leg: RowMapping,
    cost_plan: str | None,
    answered: Instant | None,
    ended: Instant,
    now: Instant,
) -> None:
    billed = settle_stored(tx, leg["id"], answered, ended, now)
    if answered is not None and billed is not None:
        ended = min(ended, answered + billed)  # the leg's limit ended it where its money did
    ending = Ending(Cause.FAILED if answered is None else Cause.LOST)
    write_end(tx, _ended_leg(leg, cost_plan, answered, ended, ending), billed)


def _ended_leg(
    leg: RowMapping,
    cost_plan: str | None,
    answered: Instant | None,
    ended: Instant,
    ending: Ending,
) -> EndedLeg:
    return EndedLeg(
        id=leg["id"],
        role=leg["leg"],
        number=leg["e164"],
        trunk=leg["trunk"],
        cost_plan=cost_plan,
        started=leg["started"],
        ringing=leg["ringing"],
        answered=answered,
        ended=ended,
        ending=ending,
    )


def _stage(session: RowMapping, legs: Sequence[RowMapping]) -> Stage:
    outgoing = [leg for leg in legs if leg["leg"] == "B"]
    if outgoing and outgoing[-1]["ended"] is None:
        return Stage.OUTGOING if outgoing[-1]["answered"] is None else Stage.CONVERSATION
    return Stage.AUTHENTICATE if session["accepted"] is None else Stage.NUMBER


def _retry(
    tx: Connection, session: RowMapping, attempt: RowMapping, now: Instant
) -> OpenRequest | SessionEnded:
    """The retry rule: an attempt that was under way counts as a network fault."""
    setup = tree.load_extension(tx, session["extension_id"]).setup
    attempts = session["attempts"] + 1
    cause = Cause(attempt["ending"] or Cause.FAILED)
    if attempts >= setup.attempts or cause in FINAL:
        return _end_session(tx, session, of_unanswered(cause), Stage.RETURN, now)
    due = now + setup.retry_after_seconds
    records.session_due(tx, session["id"], due, attempts)
    return OpenRequest(session, due, attempts, chronicle.next_place(tx, session["id"]))


def _end_session(
    tx: Connection, session: RowMapping, outcome: Outcome, stage: Stage, now: Instant
) -> SessionEnded:
    records.session_ended(
        tx,
        session["id"],
        outcome,
        stage,
        now,
        accepted=session["accepted"],
        caller_id=session["caller_id"],
    )
    return SessionEnded(outcome, stage)
