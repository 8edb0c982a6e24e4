"""Callback requests: accepted, stored, and on their way to become a return call."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.accounts.tree import ExtensionFacts
from ringback.calls import records
from ringback.calls.decision import Accepted, Refused
from ringback.calls.inbox import Inbox, LegEvent, TriggeredAgain
from ringback.calls.insisting import insist
from ringback.calls.outcome import Outcome, Stage
from ringback.calls.permission import decision, trigger_refusal
from ringback.calls.recovery import OpenAttempt, OpenRequest, attempt_over
from ringback.calls.services import Services
from ringback.clock import Instant
from ringback.telephony.port import Cause, Ended


@dataclass(frozen=True, slots=True)
class Request:
    """An accepted trigger, stored and proven: the return call may be dialled at `due`."""

    session: records.SessionRow
    extension: ExtensionFacts
    due: Instant


@dataclass(frozen=True, slots=True)
class Again:
    """A trigger for which a request or session is open already: it is moved, not repeated."""

    session: str
    ended: Instant


def request_by_order(
    tx: Connection, services: Services, row: records.SessionRow
) -> tuple[ExtensionFacts, Accepted | Refused]:
    """Decide and store a request that came without a trigger call."""
    extension = tree.load_extension(tx, row.extension_id)
    decided = decision(tx, extension, row.caller)
    if isinstance(decided, Accepted):
        if records.open_session(tx, extension.id, decided.number) is not None:
            decided = Refused(
                Outcome.REFUSED_DUPLICATE, "a call to this number is under way", decided.number
            )
        else:
            refused = trigger_refusal(tx, services, extension, decided, row.started)
            decided = refused or decided
    if isinstance(decided, Accepted):
        row.return_number = decided.number
        row.caller_id = None if decided.caller_id is None else decided.caller_id.id
    else:
        row.outcome, row.ended = decided.outcome, row.started
    records.insert_session(tx, row)
    return extension, decided


async def prove_again(
    services: Services, row: records.SessionRow, extension: ExtensionFacts
) -> Instant | None:
    """After a crash between a rejection and its ACK: send the rejection again. Returns when the
    return call is due, or None when no ACK came."""
    inbox = Inbox(services.clock)
    assert row.rejection is not None  # it is stored with the request
    services.engine.resume(row.rejection, inbox.listener)
    return await proof(services, row, extension, inbox)


async def proof(
    services: Services, row: records.SessionRow, extension: ExtensionFacts, inbox: Inbox
) -> Instant | None:
    """Wait for the end of the trigger call, whose events come to `inbox`: store when the return
    call is due, or, without the ACK that proves its source, that the request is abandoned.

    The ACK to a further trigger of the same number proves as much: whoever forges triggers in
    somebody's name must not keep him from being called back.
    """
    services.waiting[row.id] = inbox
    try:
        proven = await _proven(inbox)
        if proven is None:
            await _abandon(services, row)
            return None
        due = proven + extension.setup.callback_delay_seconds
        await insist(
            services,
            row.id,
            "the proof of the trigger",
            lambda tx: records.session_proven(tx, row.id, due),
        )
        while (message := await inbox.get(services.clock.now())) is not None:
            if isinstance(message, TriggeredAgain):
                due = max(due, message.at + extension.setup.callback_delay_seconds)
        return due
    finally:
        del services.waiting[row.id]


async def withdrawn(services: Services, attempt: OpenAttempt) -> OpenRequest | None:
    """CANCEL an attempt from before a crash, and write what came of it. Returns the request where
    its return call is to be made again."""
    inbox, again = Inbox(services.clock), None
    services.waiting[attempt.session] = inbox
    try:
        services.engine.resume(attempt.leg["saved"], inbox.listener)
        while True:
            match await inbox.get():
                case TriggeredAgain(at=at):
                    again = at
                case LegEvent(event=Ended(ending=ending, at=at)):
                    answered = at if ending.cause is Cause.NORMAL else None
                    break
        now = services.clock.now()
        request = await insist(
            services,
            attempt.session,
            "the end of an attempt",
            lambda tx: attempt_over(tx, attempt, answered, now),
        )
        return None if request is None else replace(request, triggered_again=again)
    finally:
        del services.waiting[attempt.session]


async def _proven(inbox: Inbox) -> Instant | None:
    """When the trigger call that proves the source has ended; None when no ACK came."""
    while True:
        match await inbox.get():
            case LegEvent(event=Ended(at=at, proven=proven)):
                return at if proven else None
            case TriggeredAgain(at=at):
                return at


async def _abandon(services: Services, row: records.SessionRow) -> None:
    now = services.clock.now()
    await insist(
        services,
        row.id,
        "the end of the request",
        lambda tx: records.session_ended(
            tx,
            row.id,
            Outcome.ABANDONED,
            Stage.TRIGGER,
            now,
            accepted=None,
            caller_id=row.caller_id,
        ),
    )
    services.journal.step(row.id, "abandoned: no ACK to the rejection, so the source may be forged")
