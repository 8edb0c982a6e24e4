"""Callback requests: accepted, stored, and on their way to become a return call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.accounts.tree import ExtensionFacts
from ringback.calls import records
from ringback.calls.chronicle import Chronicle
from ringback.calls.events import (
    GuardReached,
    Happening,
    SessionEnded,
    TriggerRefused,
    Unproven,
)
from ringback.calls.facts import of_proven_request, of_return_call
from ringback.calls.inbox import End, Inbox, LegEvent, TriggeredAgain
from ringback.calls.insisting import insist
from ringback.calls.outcome import Outcome, Reason, Stage, refused
from ringback.calls.records import NewSession
from ringback.calls.recovery import OpenAttempt, OpenRequest, attempt_over
from ringback.calls.services import Services
from ringback.calls.verdict import Accepted, Duplicate, Refused, verdict
from ringback.clock import Instant
from ringback.guards import return_numbers
from ringback.guards.limits import Limits
from ringback.guards.reached import Reached
from ringback.telephony.port import Cause, Ended


@dataclass(frozen=True, slots=True)
class CallbackRequest:
    """An accepted trigger, stored and proven: the return call may be dialled at `due`."""

    session: NewSession
    extension: ExtensionFacts
    chronicle: Chronicle
    due: Instant
    attempts: int = 0
    """Return calls that have counted already, before a restart."""
    answered: bool = False
    """One of those was answered, late: the return call is not made again."""
    met: Outcome = Outcome.FAILED
    """What the last of them met that nobody answered."""


@dataclass(frozen=True, slots=True)
class Again:
    """A trigger for which a request or session is open already: it is moved, not repeated."""

    session: str
    ended: Instant


def accepted_row(row: NewSession, accepted: Accepted, guarded: Iterable[str]) -> NewSession:
    """The request as it is stored, which counts for those `guarded`."""
    who = accepted.caller_id
    return replace(
        row,
        return_number=accepted.number,
        caller_id=None if who is None else who.id,
        guarded=tuple(guarded),
    )


def refused_row(row: NewSession, outcome: Outcome, at: Instant) -> NewSession:
    """A session that ends at once, as it is stored."""
    return replace(row, outcome=outcome, ended=at, rejection=None)


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request that came without a trigger call, decided on and stored."""

    row: NewSession
    extension: ExtensionFacts
    result: Accepted | Refused


def store_request(tx: Connection, guards: Limits, row: NewSession) -> StoredRequest:
    """Decide on a request that came without a trigger call, and store it. A unit of work."""
    extension = tree.load_extension(tx, row.extension_id)
    found = of_return_call(tx, guards, extension, row.id, row.calling, row.started)
    result = verdict(found.facts).result
    if isinstance(result, Duplicate):
        result = Refused(Reason.DUPLICATE, "a call to this number is under way")
    if isinstance(result, Accepted):
        row = accepted_row(row, result, found.counts)
    else:
        row = refused_row(row, refused(result.reason), row.started)
    records.insert_session(tx, row)
    return StoredRequest(row, extension, result)


def prove(
    tx: Connection,
    guards: Limits,
    row: NewSession,
    extension: ExtensionFacts,
    due: Instant,
    now: Instant,
) -> Reached | None:
    """The source of a stored request is proven: it counts for guards from now on, and its return
    call is due. Where a guard has no room any more it is refused instead, and that guard returned.
    A unit of work."""
    if row.guarded:  # stored by a version whose requests counted before their proof
        records.session_proven(tx, row.id, due)
        return None
    caller = row.calling.e164
    if caller is not None:
        return_numbers.came_back(tx, caller, row.started)
    assert row.return_number is not None  # an accepted request has one
    found = of_proven_request(tx, guards, extension, caller, row.return_number, now)
    if found.reached is not None:
        outcome, who = refused(Reason.OVER_LIMIT), row.caller_id
        records.session_ended(tx, row.id, outcome, Stage.TRIGGER, now, accepted=None, caller_id=who)
        return found.reached
    records.session_proven(tx, row.id, due)
    records.session_counts_for(tx, row.id, list(found.counts))
    return None


def told_of_guard(reached: Reached, trunk: str | None) -> list[Happening]:
    """What is told of a request that a guard refused, and that came by this trunk."""
    return [
        GuardReached.by(reached),
        TriggerRefused(refused(Reason.OVER_LIMIT), reached.explained(), trunk),
    ]


async def prove_again(
    services: Services, row: NewSession, extension: ExtensionFacts, chronicle: Chronicle
) -> CallbackRequest | None:
    """After a crash between a rejection and its ACK: send the rejection again. None when no ACK
    came."""
    inbox = Inbox(services.clock)
    assert row.rejection is not None  # it is stored with the request
    services.engine.resume(row.rejection, inbox.listener)
    return await proof(services, row, extension, chronicle, inbox)


async def proof(
    services: Services,
    row: NewSession,
    extension: ExtensionFacts,
    chronicle: Chronicle,
    inbox: Inbox,
    *,
    trunk: str | None = None,
) -> CallbackRequest | None:
    """Wait for the end of the trigger call, whose events come to `inbox`: store when the return
    call is due, or, without the ACK that proves its source, that the request is abandoned.

    The ACK to a further trigger of the same number proves as much: whoever forges triggers in
    somebody's name must not keep them from being called back. `trunk` is by which the call came,
    where that is known.
    """
    services.waiting[row.id] = inbox
    try:
        proven = await _proven(inbox, chronicle)
        if isinstance(proven, Outcome):
            await _give_up(services, row, chronicle, proven, trunk)
            return None
        due = proven + extension.setup.callback_delay_seconds
        now = services.clock.now()
        reached = await insist(
            chronicle,
            services.clock,
            "the proof of the trigger",
            lambda: chronicle.run(
                lambda tx: prove(tx, services.guards, row, extension, due, now),
                telling=lambda reached: [] if reached is None else told_of_guard(reached, trunk),
            ),
        )
        if reached is not None:
            return None
        while (message := await inbox.get(services.clock.now())) is not None:
            match message:
                case TriggeredAgain(at=at):
                    due = max(due, at + extension.setup.callback_delay_seconds)
                case End(why=why):
                    chronicle.tell(why)
                    await _give_up(services, row, chronicle, Outcome.CANCELLED, trunk)
                    return None
        return CallbackRequest(row, extension, chronicle, due)
    finally:
        del services.waiting[row.id]


async def withdrawn(
    services: Services, attempt: OpenAttempt, chronicle: Chronicle
) -> OpenRequest | None:
    """CANCEL an attempt from before a crash, and write what came of it. Returns the request where
    its return call is to be made again."""
    inbox, again, ordered = Inbox(services.clock), None, False
    services.waiting[attempt.session] = inbox
    try:
        services.engine.resume(attempt.leg["saved"], inbox.listener)
        while True:
            match await inbox.get():
                case TriggeredAgain(at=at):
                    again = at
                case End(why=why) if not ordered:
                    chronicle.tell(why)
                    ordered = True
                case LegEvent(event=Ended(ending=ending, at=at)):
                    answered = at if ending.cause is Cause.NORMAL else None
                    break
        now = services.clock.now()
        left = await insist(
            chronicle,
            services.clock,
            "the end of an attempt",
            lambda: chronicle.run(
                lambda tx: attempt_over(tx, attempt, answered, now, ordered=ordered),
                telling=lambda left: [left] if isinstance(left, SessionEnded) else [],
            ),
        )
        return replace(left, triggered_again=again) if isinstance(left, OpenRequest) else None
    finally:
        del services.waiting[attempt.session]


async def _proven(inbox: Inbox, chronicle: Chronicle) -> Instant | Outcome:
    """When the trigger call that proves the source has ended, or what became of the request."""
    while True:
        match await inbox.get():
            case LegEvent(event=Ended(at=at, proven=proven)):
                return at if proven else Outcome.ABANDONED
            case TriggeredAgain(at=at):
                return at
            case End(why=why):
                chronicle.tell(why)
                return Outcome.CANCELLED


async def _give_up(
    services: Services,
    row: NewSession,
    chronicle: Chronicle,
    outcome: Outcome,
    trunk: str | None,
) -> None:
    now = services.clock.now()
    if outcome is Outcome.ABANDONED:
        chronicle.tell(Unproven(trunk))

    def work(tx: Connection) -> None:
        records.session_ended(
            tx, row.id, outcome, Stage.TRIGGER, now, accepted=None, caller_id=row.caller_id
        )

    last = [SessionEnded(outcome, Stage.TRIGGER)]
    await insist(
        chronicle,
        services.clock,
        "the end of the request",
        lambda: chronicle.run(work, telling=lambda done: last),
    )
