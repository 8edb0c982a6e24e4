"""How full the guards `sessions` and `calls_per_hour` are: one row for each account, extension and
callerID, changed in the unit of work that begins or ends a session or dials a return call.

Whoever decides by a count and then adds to it loads it with `lock`, and nobody else does so until
the unit of work is committed. So of two triggers at once only one has the last place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from ringback.clock import Instant
from ringback.guards.reached import Reached
from ringback.guards.recent import Recent, calls_in_last_hour, with_call
from ringback.guards.settings import Subject
from ringback.store.models import GuardCountRow
from ringback.store.prepared import Prepared

_C = GuardCountRow

_COUNTS = (
    select(_C.subject_id, _C.sessions, _C.recent)
    .where(_C.subject_id.in_(bindparam("ids", expanding=True)))
    .order_by(_C.subject_id)
)
_READ, _LOCKED = Prepared(_COUNTS), Prepared(_COUNTS.with_for_update())
_OPEN = Prepared(insert(_C).on_conflict_do_nothing().inline())
_SESSIONS = Prepared(
    update(_C)
    .where(_C.subject_id.in_(bindparam("ids", expanding=True)))
    .values(sessions=_C.sessions + bindparam("more"))
)
_RECENT = Prepared(
    update(_C).where(_C.subject_id == bindparam("subject_id")).values(recent=bindparam("recent"))
)


@dataclass(frozen=True, slots=True)
class Count:
    """What is under way, and what was, of one account, extension or callerID."""

    sessions: int = 0
    """Open requests and live sessions."""
    recent: Recent = field(default_factory=list)


def load(tx: Connection, subjects: Iterable[Subject], *, lock: bool) -> dict[str, Count]:
    """The counts by the ids of their subjects. With `lock` they can be added to afterwards."""
    ids = sorted(subject.id for subject in subjects)
    if not ids:
        return {}
    rows = (_LOCKED if lock else _READ).rows(tx, ids=ids)
    if lock and len(rows) < len(ids):
        missing = set(ids).difference(row.subject_id for row in rows)
        new = [{"subject_id": id_, "sessions": 0, "recent": []} for id_ in sorted(missing)]
        _OPEN.run_many(tx, new)
        rows = _LOCKED.rows(tx, ids=ids)  # somebody else may have opened them a moment before
    found = {row.subject_id: Count(row.sessions, row.recent) for row in rows}
    return {id_: found.get(id_, Count()) for id_ in ids}


def sessions_reached(subjects: Iterable[Subject], counts: Mapping[str, Count]) -> Reached | None:
    """The first of these that may have no further session at once."""
    for subject in subjects:
        limit, live = subject.guards.sessions, counts[subject.id].sessions
        if limit is not None and live >= limit:
            return Reached.of(subject, "sessions", str(live), str(limit))
    return None


def calls_reached(
    subjects: Iterable[Subject], counts: Mapping[str, Count], now: Instant
) -> Reached | None:
    """The first of these for which no further return call may be dialled now."""
    for subject in subjects:
        limit = subject.guards.calls_per_hour
        if limit is None:
            continue
        dialled = calls_in_last_hour(counts[subject.id].recent, now)
        if dialled >= limit:
            return Reached.of(subject, "calls_per_hour", str(dialled), str(limit))
    return None


def session_begins(tx: Connection, ids: Sequence[str]) -> None:
    """A session is open that counts for these subjects."""
    if ids:
        _SESSIONS.run(tx, ids=ids, more=1)


def session_over(tx: Connection, ids: Sequence[str]) -> None:
    """A session that counted for these subjects is closed."""
    if ids:
        _SESSIONS.run(tx, ids=ids, more=-1)


def return_call_dialled(tx: Connection, counts: Mapping[str, Count], now: Instant) -> None:
    """A return call is dialled that counts for the subjects of these counts."""
    if counts:
        _RECENT.run_many(
            tx,
            [
                {"subject_id": id_, "recent": with_call(count.recent, now)}
                for id_, count in counts.items()
            ],
        )
