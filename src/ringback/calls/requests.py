"""Callback requests: accepted, stored, and on their way to become a return call."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.accounts.tree import ExtensionFacts
from ringback.calls import records
from ringback.calls.decision import Accepted, Facts, Refused, decide
from ringback.calls.inbox import Inbox, LegEvent
from ringback.calls.insisting import insist
from ringback.calls.outcome import Outcome, Stage
from ringback.calls.permission import trigger_refusal
from ringback.calls.services import Services
from ringback.clock import Instant
from ringback.telephony.port import Ended


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
    number = row.caller
    listed = None if number is None else tree.find_caller_id(tx, extension.id, number)
    decided = decide(Facts(extension.setup, number, listed, verification="passed"))
    if isinstance(decided, Accepted):
        refused = trigger_refusal(tx, services, extension, decided, row.started)
        if refused is not None:
            decided = refused
        elif records.open_session(tx, extension.id, decided.number) is not None:
            decided = Refused(
                Outcome.REFUSED_DUPLICATE, "a call to this number is under way", decided.number
            )
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
    while True:
        message = await inbox.get()
        if isinstance(message, LegEvent) and isinstance(message.event, Ended):
            ended = message.event
            break
    return await proven(services, row, extension, ended)


async def proven(
    services: Services, row: records.SessionRow, extension: ExtensionFacts, ended: Ended
) -> Instant | None:
    """The trigger call has ended: store when the return call is due, or, without the ACK that
    proves its source, that the request is abandoned."""
    if ended.proven:
        due = ended.at + extension.setup.callback_delay_seconds
        await insist(
            services,
            row.id,
            "the proof of the trigger",
            lambda tx: records.session_proven(tx, row.id, due),
        )
        return due
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
    return None
