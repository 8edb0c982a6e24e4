"""The rows of sessions and legs: what is stored before it matters, and what is left afterwards.

Every function is a part of a unit of work: it takes the connection of one and commits nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.engine import RowMapping

from ringback.calls.outcome import Outcome, Stage
from ringback.clock import Instant
from ringback.guards import counts
from ringback.ids import first_id
from ringback.store import models
from ringback.store.changes import updates
from ringback.store.prepared import Prepared
from ringback.telephony.calling import HIDDEN, CallingNumber, known, unreadable
from ringback.telephony.port import Cause, Ending

SESSIONS = models.SessionRow.__table__
LEGS = models.LegRow.__table__

_INSERT_SESSION = Prepared(insert(models.SessionRow))
_INSERT_LEG = Prepared(insert(models.LegRow))
_OPEN_SESSION = Prepared(
    select(models.SessionRow.id).where(
        models.SessionRow.extension_id == bindparam("extension_id"),
        models.SessionRow.return_number == bindparam("return_number"),
        models.SessionRow.outcome.is_(None),
    )
)
_END_SESSION = Prepared(
    update(models.SessionRow)
    .where(models.SessionRow.id == bindparam("id"), models.SessionRow.outcome.is_(None))
    .values(
        {name: bindparam(name) for name in ("outcome", "stage", "ended", "accepted", "caller_id")}
        | {"rejection": None}
    )
    .returning(models.SessionRow.guarded)
)
_GUARDED = Prepared(
    select(models.SessionRow.guarded).where(models.SessionRow.id == bindparam("id"))
)
_COUNT_REFUSALS = Prepared(
    update(models.SessionRow)
    .where(models.SessionRow.id == bindparam("id"))
    .values(repeated=models.SessionRow.repeated + bindparam("more"))
)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session as it is first written: an accepted request, or a refusal that ends at once."""

    id: str
    extension_id: str
    access_number: str | None
    calling: CallingNumber
    caller_name: str | None
    caller_id: str | None
    return_number: str | None
    destination: str | None
    started: Instant
    proven: bool
    rejection: str | None = None
    due: Instant | None = None
    outcome: Outcome | None = None
    stage: Stage = Stage.TRIGGER
    ended: Instant | None = None
    attempts: int = 0
    accepted: bool | None = None
    repeated: int = 0
    guarded: tuple[str, ...] = ()
    """Ids of those for whose `sessions` it counts."""


@dataclass(frozen=True, slots=True)
class NewLeg:
    """An attempt as it is first written, before its INVITE leaves."""

    id: str
    session_id: str
    leg: str
    received: str
    e164: str
    dialled: str
    trunk: str
    started: Instant
    saved: str
    failover_of: str | None = None
    """The leg that began the attempt, where another trunk had failed."""


_SESSION_COLUMNS = [field.name for field in fields(NewSession) if field.name != "calling"]
_LEG_COLUMNS = [field.name for field in fields(NewLeg)]


def insert_session(tx: Connection, row: NewSession) -> None:
    """Store a session; while it is open it counts for those it names."""
    if row.outcome is None:
        counts.session_begins(tx, row.guarded)
    values = {name: getattr(row, name) for name in _SESSION_COLUMNS}
    calling = row.calling
    _INSERT_SESSION.run(tx, **values, caller=calling.e164, caller_received=calling.received)


def insert_leg(tx: Connection, row: NewLeg) -> None:
    """Store an attempt. It must be committed before the INVITE leaves."""
    _INSERT_LEG.run(tx, **{name: getattr(row, name) for name in _LEG_COLUMNS})


@updates(models.SessionRow, proven=True, rejection=None)
def session_proven(tx: Connection, id: str, due: Instant) -> None:
    """The trigger call is over and its source proven: dial the return call at `due`."""


@updates(models.SessionRow)
def session_due(tx: Connection, id: str, due: Instant, attempts: int) -> None:
    """When the return call is dialled next, and how many attempts have counted so far."""


@updates(models.SessionRow, accepted=True)
def session_accepted(tx: Connection, id: str, caller_id: str | None) -> None:
    """A person accepted or authenticated on the return call."""


def session_ended(
    tx: Connection,
    id: str,
    outcome: Outcome,
    stage: Stage,
    ended: Instant,
    *,
    accepted: bool | None,
    caller_id: str | None,
) -> None:
    """Close the session, which counts for no guard then. A session that is closed already stays as
    it is."""
    guarded = _END_SESSION.value(
        tx,
        id=id,
        outcome=outcome,
        stage=stage,
        ended=ended,
        accepted=accepted,
        caller_id=caller_id,
    )
    if guarded is not None:
        counts.session_over(tx, guarded)


def session_counts_for(tx: Connection, id: str, subject_ids: Sequence[str]) -> None:
    """From now on the open session counts for these, too: for all whose guards hold, once its
    source is proven, and for the callerID that was claimed on it."""
    guarded = _GUARDED.value(tx, id=id)
    _guarded(tx, id, [*guarded, *subject_ids])
    counts.session_begins(tx, subject_ids)


@updates(models.SessionRow)
def _guarded(tx: Connection, id: str, guarded: list[str]) -> None:
    """Whom the session counts for."""


@updates(models.LegRow)
def leg_answered(
    tx: Connection, id: str, ringing: Instant | None, answered: Instant, saved: str
) -> None:
    """Store an answer. It must be committed before the ACK leaves."""


@updates(models.LegRow)
def _leg_ended(
    tx: Connection,
    id: str,
    *,
    ringing: Instant | None,
    answered: Instant | None,
    ended: Instant,
    ending: str | None,
    cause: int | None,
    billed_seconds: int | None,
) -> None:
    """The end of an attempt."""


def leg_ended(
    tx: Connection,
    id: str,
    *,
    ringing: Instant | None,
    answered: Instant | None,
    ended: Instant,
    ending: Ending | None,
    billed_seconds: int | None,
) -> None:
    """The end of an attempt, answered or not."""
    _leg_ended(
        tx,
        id,
        ringing=ringing,
        answered=answered,
        ended=ended,
        ending=None if ending is None else ending.cause.value,
        cause=None if ending is None else ending.code,
        billed_seconds=billed_seconds,
    )


@updates(models.CallerIdRow)
def remember_number(tx: Connection, id: str, last_number: str) -> None:
    """The number that `#` alone dials again."""


@updates(models.HeartbeatRow)
def _beat(tx: Connection, node: str, at: Instant) -> None:
    """The node lives still."""


def sign_of_life(tx: Connection, node: str, now: Instant) -> None:
    """The node lives: what its sessions are charged to at least, should it die."""
    if _beat(tx, node, now) == 0:
        tx.execute(insert(models.HeartbeatRow), {"node": node, "at": now})


def refusals_counted(tx: Connection, counted: Mapping[str, int]) -> None:
    """Further refusals, counted with the stored one that they followed."""
    for session, more in counted.items():
        _COUNT_REFUSALS.run(tx, id=session, more=more)


def open_session(tx: Connection, extension_id: str, return_number: str) -> str | None:
    """The id of the open request or session of that extension and number."""
    found: str | None = _OPEN_SESSION.value(
        tx, extension_id=extension_id, return_number=return_number
    )
    return found


def live_sessions(tx: Connection) -> Sequence[RowMapping]:
    """Every open session, oldest first."""
    query = (
        select(SESSIONS).where(models.SessionRow.outcome.is_(None)).order_by(models.SessionRow.id)
    )
    return tx.execute(query).mappings().all()


def session(tx: Connection, session: str) -> RowMapping:
    """One session."""
    query = select(SESSIONS).where(models.SessionRow.id == session)
    return tx.execute(query).mappings().one()


def live_ids(tx: Connection) -> Sequence[str]:
    """The ids of every open session, oldest first."""
    query = (
        select(models.SessionRow.id)
        .where(models.SessionRow.outcome.is_(None))
        .order_by(models.SessionRow.id)
    )
    return tx.execute(query).scalars().all()


def open_leg_ids(tx: Connection) -> Sequence[tuple[str, str]]:
    """Every leg whose end was not written, in the order in which they were dialled: its id and its
    session's."""
    query = (
        select(models.LegRow.id, models.LegRow.session_id)
        .where(models.LegRow.ended.is_(None))
        .order_by(models.LegRow.id)
    )
    return [(leg, session) for leg, session in tx.execute(query)]


def saved_answered(tx: Connection) -> Sequence[str]:
    """What is needed to end every leg that was answered and whose end was not written."""
    query = (
        select(models.LegRow.saved)
        .where(models.LegRow.ended.is_(None), models.LegRow.answered.is_not(None))
        .order_by(models.LegRow.id)
    )
    return tx.execute(query).scalars().all()


def open_legs(tx: Connection) -> Sequence[RowMapping]:
    """Every leg whose end was not written, in the order in which they were dialled."""
    query = select(LEGS).where(models.LegRow.ended.is_(None)).order_by(models.LegRow.id)
    return tx.execute(query).mappings().all()


def leg(tx: Connection, leg: str) -> RowMapping:
    """One leg."""
    return tx.execute(select(LEGS).where(models.LegRow.id == leg)).mappings().one()


def given_up_ids(
    tx: Connection, dialled_since: Instant, ended_since: Instant
) -> Sequence[tuple[str, str]]:
    """Legs that ended without a word of their far end, which may have answered since: the id of
    each and its session's."""
    query = select(models.LegRow.id, models.LegRow.session_id).where(
        models.LegRow.id >= first_id(dialled_since),
        models.LegRow.ended >= ended_since,
        models.LegRow.answered.is_(None),
        models.LegRow.cause.is_(None),
        models.LegRow.ending.in_([Cause.FAILED, Cause.NO_ANSWER]),
    )
    return [(leg, session) for leg, session in tx.execute(query)]


def legs_of(tx: Connection, session: str) -> Sequence[RowMapping]:
    """The legs of a session, in the order in which they were dialled."""
    query = select(LEGS).where(models.LegRow.session_id == session).order_by(models.LegRow.id)
    return tx.execute(query).mappings().all()


def as_session_row(row: RowMapping) -> NewSession:
    """An open session, read back after a restart."""
    values = {**row, "guarded": tuple(row["guarded"])}
    received, e164 = values.pop("caller_received"), values.pop("caller")
    calling = known(e164) if e164 is not None else HIDDEN
    if e164 is None and received is not None:
        calling = unreadable(received, f"{received!r} was no number when it came")
    return NewSession(calling=calling, **values)
