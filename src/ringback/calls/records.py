"""The rows of sessions and legs: what is stored before it matters, and what is left afterwards.

Every function is a part of a unit of work: it takes the connection of one and commits nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.engine import RowMapping

from ringback.calls.outcome import Outcome, Stage
from ringback.clock import Instant
from ringback.numbering import Number
from ringback.store import models
from ringback.store.prepared import Prepared
from ringback.telephony.port import Ending

SESSIONS = models.Session.__table__
LEGS = models.Leg.__table__

_INSERT_SESSION = Prepared(insert(models.Session))
_INSERT_LEG = Prepared(insert(models.Leg))
_UPDATE_PROVEN = Prepared(
    update(models.Session)
    .where(models.Session.id == bindparam("session"))
    .values(proven=True, rejection=None, due=bindparam("when"))
)
_UPDATE_DUE = Prepared(
    update(models.Session)
    .where(models.Session.id == bindparam("session"))
    .values(due=bindparam("when"), attempts=bindparam("count"))
)
_UPDATE_ACCEPTED = Prepared(
    update(models.Session)
    .where(models.Session.id == bindparam("session"))
    .values(accepted=True, caller_id=bindparam("who"))
)
_UPDATE_ENDED = Prepared(
    update(models.Session)
    .where(models.Session.id == bindparam("session"), models.Session.outcome.is_(None))
    .values(
        outcome=bindparam("what"),
        stage=bindparam("where"),
        ended=bindparam("when"),
        accepted=bindparam("yes"),
        caller_id=bindparam("who"),
        rejection=None,
    )
)
_COUNT_REFUSALS = Prepared(
    update(models.Session)
    .where(models.Session.id == bindparam("session"))
    .values(repeated=models.Session.repeated + bindparam("more"))
)
_UPDATE_ANSWERED = Prepared(
    update(models.Leg)
    .where(models.Leg.id == bindparam("leg_id"))
    .values(ringing=bindparam("rang"), answered=bindparam("when"), saved=bindparam("state"))
)
_UPDATE_LEG_ENDED = Prepared(
    update(models.Leg)
    .where(models.Leg.id == bindparam("leg_id"))
    .values(
        ringing=bindparam("rang"),
        answered=bindparam("since"),
        ended=bindparam("when"),
        ending=bindparam("word"),
        cause=bindparam("code"),
        billed_seconds=bindparam("billed"),
    )
)
_OPEN_SESSION = Prepared(
    select(models.Session.id).where(
        models.Session.extension_id == bindparam("extension"),
        models.Session.return_number == bindparam("number"),
        models.Session.outcome.is_(None),
    )
)
_BEAT = Prepared(
    update(models.Heartbeat)
    .where(models.Heartbeat.node == bindparam("name"))
    .values(at=bindparam("when"))
)
_SET_LAST_NUMBER = Prepared(
    update(models.CallerId)
    .where(models.CallerId.id == bindparam("who"))
    .values(last_number=bindparam("dialled_last"))
)


@dataclass(slots=True)
class SessionRow:
    """A session as it is first written: an accepted request, or a refusal that ends at once."""

    id: str
    extension_id: str
    access_number: str | None
    caller: str | None
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


def insert_session(tx: Connection, row: SessionRow) -> None:
    _INSERT_SESSION.run(
        tx,
        id=row.id,
        extension_id=row.extension_id,
        access_number=row.access_number,
        caller=row.caller,
        caller_name=row.caller_name,
        caller_id=row.caller_id,
        return_number=row.return_number,
        destination=row.destination,
        outcome=row.outcome,
        stage=row.stage,
        started=row.started,
        ended=row.ended,
        proven=row.proven,
        rejection=row.rejection,
        due=row.due,
        attempts=0,
        accepted=None,
        repeated=0,
    )


def refusals_counted(tx: Connection, counted: Mapping[str, int]) -> None:
    """Further refusals, counted with the stored one that they followed."""
    for session, more in counted.items():
        _COUNT_REFUSALS.run(tx, session=session, more=more)


def open_session(tx: Connection, extension_id: str, return_number: str) -> str | None:
    """The id of the open request or session of that extension and number."""
    found: str | None = _OPEN_SESSION.value(tx, extension=extension_id, number=return_number)
    return found


def session_proven(tx: Connection, session: str, due: Instant) -> None:
    """The trigger call is over and its source proven: dial the return call at `due`."""
    _UPDATE_PROVEN.run(tx, session=session, when=due)


def session_due(tx: Connection, session: str, due: Instant, attempts: int) -> None:
    """When the return call is dialled next, and how many attempts have counted so far."""
    _UPDATE_DUE.run(tx, session=session, when=due, count=attempts)


def session_accepted(tx: Connection, session: str, caller_id: str | None) -> None:
    """A person accepted or authenticated on the return call."""
    _UPDATE_ACCEPTED.run(tx, session=session, who=caller_id)


def session_ended(
    tx: Connection,
    session: str,
    outcome: Outcome,
    stage: Stage,
    at: Instant,
    *,
    accepted: bool | None,
    caller_id: str | None,
) -> None:
    """Close the session. A session that is closed already stays as it is."""
    _UPDATE_ENDED.run(
        tx, session=session, what=outcome, where=stage, when=at, yes=accepted, who=caller_id
    )


def insert_leg(
    tx: Connection,
    *,
    leg_id: str,
    session: str,
    leg: str,
    number: Number,
    trunk: str,
    started: Instant,
    saved: str,
) -> None:
    """Store an attempt. It must be committed before the INVITE leaves."""
    _INSERT_LEG.run(
        tx,
        id=leg_id,
        session_id=session,
        leg=leg,
        received=number.received,
        e164=number.e164,
        dialled=number.dialled,
        trunk=trunk,
        started=started,
        saved=saved,
    )


def leg_answered(
    tx: Connection, leg_id: str, ringing: Instant | None, at: Instant, saved: str
) -> None:
    _UPDATE_ANSWERED.run(tx, leg_id=leg_id, rang=ringing, when=at, state=saved)


def leg_ended(
    tx: Connection,
    leg_id: str,
    *,
    ringing: Instant | None,
    answered: Instant | None,
    at: Instant,
    ending: Ending | None,
    billed_seconds: int | None,
) -> None:
    _UPDATE_LEG_ENDED.run(
        tx,
        leg_id=leg_id,
        rang=ringing,
        since=answered,
        when=at,
        word=None if ending is None else ending.cause.value,
        code=None if ending is None else ending.code,
        billed=billed_seconds,
    )


def remember_number(tx: Connection, caller_id: str, number: str) -> None:
    """The number that `#` alone dials again."""
    _SET_LAST_NUMBER.run(tx, who=caller_id, dialled_last=number)


def live_sessions(tx: Connection) -> Sequence[RowMapping]:
    """Every open session, oldest first."""
    query = select(SESSIONS).where(models.Session.outcome.is_(None)).order_by(models.Session.id)
    return tx.execute(query).mappings().all()


def session(tx: Connection, session: str) -> RowMapping:
    """One session."""
    query = select(SESSIONS).where(models.Session.id == session)
    return tx.execute(query).mappings().one()


def open_legs(tx: Connection) -> Sequence[RowMapping]:
    """Every leg whose end was not written, in the order in which they were dialled."""
    query = select(LEGS).where(models.Leg.ended.is_(None)).order_by(models.Leg.id)
    return tx.execute(query).mappings().all()


def legs_of(tx: Connection, session: str) -> Sequence[RowMapping]:
    """The legs of a session, in the order in which they were dialled."""
    query = select(LEGS).where(models.Leg.session_id == session).order_by(models.Leg.id)
    return tx.execute(query).mappings().all()


def as_session_row(row: RowMapping) -> SessionRow:
    """An open session, read back after a restart."""
    return SessionRow(
        id=row["id"],
        extension_id=row["extension_id"],
        access_number=row["access_number"],
        caller=row["caller"],
        caller_name=row["caller_name"],
        caller_id=row["caller_id"],
        return_number=row["return_number"],
        destination=row["destination"],
        started=row["started"],
        proven=row["proven"],
        rejection=row["rejection"],
        due=row["due"],
    )


def sign_of_life(tx: Connection, node: str, now: Instant) -> None:
    """The node lives: what its sessions are charged to at least, should it die."""
    if _BEAT.run(tx, name=node, when=now) == 0:
        tx.execute(insert(models.Heartbeat), {"node": node, "at": now})
