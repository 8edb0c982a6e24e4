"""The trigger call: rung, decided on, stored, rejected; never answered (spec section 4, steps 1 to
3).

A refused caller hears the same ringing and the same rejection as an accepted one, and at the same
instant: what a decision takes to be stored must not tell what was decided.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.accounts.callback import EarlyHangup, RejectWith
from ringback.accounts.tree import ExtensionFacts
from ringback.calls import records
from ringback.calls.chronicle import Chronicle
from ringback.calls.events import (
    Abandoned,
    GuardReached,
    Happening,
    RequestAccepted,
    Triggered,
    TriggerRefused,
)
from ringback.calls.facts import ReturnCallFacts, of_return_call
from ringback.calls.inbox import Inbox, LegEvent
from ringback.calls.outcome import Outcome, Reason, refused
from ringback.calls.records import NewSession
from ringback.calls.requests import Again, CallbackRequest, accepted_row, proof, refused_row
from ringback.calls.services import Services
from ringback.calls.verdict import Accepted, Duplicate, Refused, TriggerFacts, verdict
from ringback.clock import Instant
from ringback.guards import return_numbers
from ringback.ids import new_id
from ringback.telephony.calling import CallingNumber
from ringback.telephony.port import CallerGone, Ended, Rejection, TriggerLeg
from ringback.telephony.trunks import Trunk

REJECTION_STEP_SECONDS = 0.1
"""Calls are rejected whole steps after `ring_seconds` have passed, at least one."""

_REJECTIONS = {
    RejectWith.BUSY: Rejection.BUSY,
    RejectWith.UNAVAILABLE: Rejection.UNAVAILABLE,
    RejectWith.DECLINE: Rejection.DECLINED,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided on a trigger, and what of it is stored."""

    row: NewSession
    result: Accepted | Refused | Duplicate
    stored: bool


class TriggerCall:
    """One trigger call, from its arrival to its end."""

    def __init__(self, services: Services, leg: TriggerLeg, trunk: Trunk) -> None:
        self._services = services
        self._leg = leg
        self._trigger = leg.trigger
        self._trunk = trunk
        self._inbox = Inbox(services.clock)
        self._gone: Instant | None = None
        self.request: str | None = None
        """The id of the callback request, once it is stored."""
        # At once: the caller may be gone before the server is ready to decide.
        leg.listen(self._inbox.listener)
        leg.ring()

    async def run(self) -> CallbackRequest | Again | None:
        """Let it ring, decide, store, reject, and wait for the proof of the source.

        None: nobody is called back.
        """
        services = self._services
        # Of what the number called may mean, an access number is meant.
        readings = self._trunk.called.readings(self._trigger.called)
        calling = self._trigger.calling
        found = await services.store.read(lambda tx: _who_rings_what(tx, readings, calling))
        if found is None:
            services.journal.trouble(
                None,
                f"refused: trigger to {self._trigger.called[:40]!r}: no extension has this access "
                "number: add it to access_numbers of one, or see called_from, country, strip and "
                "prepend of the trunk",
                alike=("no access number", self._trunk.name),
                trunk=self._trunk.name,
            )
            self._leg.reject(Rejection.UNKNOWN_NUMBER)
            return None
        access_number, extension, calling = found
        row = self._as_row(extension, access_number, calling)
        triggering = extension.id, extension.setup.fixed_number or row.calling.e164 or ""
        services.triggering.began(*triggering)
        try:
            return await self._answer_with_rejection(row, extension)
        finally:
            services.triggering.ended(*triggering)

    def _as_row(
        self, extension: ExtensionFacts, access_number: str, calling: CallingNumber
    ) -> NewSession:
        """The session that begins, nothing decided yet."""
        trigger = self._trigger
        return NewSession(
            id=new_id(trigger.at, self._services.chance),
            extension_id=extension.id,
            access_number=access_number,
            calling=calling,
            caller_name=trigger.caller_name,
            caller_id=None,
            return_number=None,
            destination=None,
            started=trigger.at,
            proven=False,
        )

    async def _answer_with_rejection(
        self, row: NewSession, extension: ExtensionFacts
    ) -> CallbackRequest | Again | None:
        setup, services = extension.setup, self._services
        chronicle = services.chronicle(row.id)
        unread = row.calling.received if row.calling.e164 is None else None
        chronicle.tell(Triggered(row.calling.e164, row.access_number or "", unread))
        await self._wait_until(self._trigger.at + setup.ring_seconds)
        if self._gone is not None and not self._counts(self._gone, extension):
            rang, trunk = self._gone - self._trigger.at, self._trunk.name
            await self._abandon(row, chronicle, Abandoned(rang, setup.ring_seconds, trunk))
            return None
        rejection = _REJECTIONS[setup.reject_with]
        row = replace(row, rejection=self._leg.prepare_rejection(rejection))
        decided = await self._decide_and_store(row, extension, chronicle)
        if self._gone is None:
            rung = self._trigger.at + setup.ring_seconds
            await services.clock.sleep_until(rejected_at(rung, services.clock.now()))
        self._leg.reject(rejection)
        match decided.result:
            case Refused():
                return None
            case Duplicate(session=session):
                ended = await self._ended()
                return Again(session, ended.at) if ended.proven else None
        self.request = decided.row.id
        by = self._trunk.name
        return await proof(services, decided.row, extension, chronicle, self._inbox, trunk=by)

    def _counts(self, gone: Instant, extension: ExtensionFacts) -> bool:
        """Whether a caller who hung up early has triggered all the same."""
        return (
            extension.setup.early_hangup is EarlyHangup.CALL_BACK
            and gone - self._trigger.at >= extension.setup.min_ring_seconds
        )

    async def _decide_and_store(
        self, row: NewSession, extension: ExtensionFacts, chronicle: Chronicle
    ) -> Decided:
        services, now = self._services, self._services.clock.now()
        keeps_refusal = self._takes_place(row, now)
        verification, diverted_by = self._trigger.verification, self._diverted_by()
        trunk = self._trunk.name

        def work(tx: Connection) -> Decided:
            if row.calling.e164 is not None:
                return_numbers.came_back(tx, row.calling.e164, row.started)
            diverted = diverted_by is not None and not any(
                tree.owns_number(tx, extension, number) for number in diverted_by
            )
            found = of_return_call(
                tx,
                services.guards,
                extension,
                row.id,
                row.calling,
                now,
                trigger=TriggerFacts(verification, diverted),
            )
            return _store(tx, row, found, now, keeps_refusal=keeps_refusal)

        refused = False
        try:
            decided = await chronicle.run(
                work,
                telling=lambda decided: told(decided.result, trunk),
                keeping=lambda decided: decided.stored,
            )
            refused = not isinstance(decided.result, Accepted)
        finally:
            self._note(row, took_place=keeps_refusal, refused=refused)
        return decided

    def _diverted_by(self) -> list[str] | None:
        """What may be the number that diverted the call here; none where it cannot be read."""
        diverted_by = self._trigger.diverted_by
        return None if diverted_by is None else self._trunk.called.readings(diverted_by)

    async def _abandon(self, row: NewSession, chronicle: Chronicle, abandoned: Abandoned) -> None:
        """The caller hung up before anything was decided."""
        now = self._services.clock.now()
        stored = self._takes_place(row, now)
        ended = refused_row(row, Outcome.ABANDONED, now)

        def work(tx: Connection) -> None:
            if stored:
                records.insert_session(tx, ended)

        refused = False
        try:
            await chronicle.run(work, telling=lambda done: [abandoned], keeping=lambda done: stored)
            refused = True
        finally:
            self._note(row, took_place=stored, refused=refused)

    def _takes_place(self, row: NewSession, now: Instant) -> bool:
        """Whether the session is stored, should it be refused."""
        return self._services.refusals.take_place(row.extension_id, _caller(row), row.id, now)

    def _note(self, row: NewSession, *, took_place: bool, refused: bool) -> None:
        """What became of a session that was decided on."""
        refusals = self._services.refusals
        if took_place and refused:
            refusals.stored(row.extension_id, _caller(row), row.id)
        elif took_place:
            refusals.not_stored(row.extension_id, _caller(row), row.id)
        elif refused:
            refusals.count(row.extension_id, _caller(row))

    async def _wait_until(self, until: Instant) -> None:
        """Ring until then, or until the caller hangs up."""
        while self._gone is None:
            message = await self._inbox.get(until)
            match message:
                case None:
                    return
                case LegEvent(event=CallerGone(at=at)):
                    self._gone = at
                case _:
                    continue

    async def _ended(self) -> Ended:
        """The end of the trigger call: the ACK to its rejection, or none within 32 s."""
        while True:
            message = await self._inbox.get()
            if isinstance(message, LegEvent) and isinstance(message.event, Ended):
                return message.event


def _who_rings_what(
    tx: Connection, readings: Sequence[str], calling: CallingNumber
) -> tuple[str, ExtensionFacts, CallingNumber] | None:
    """The first of `readings` that is an access number, its extension, and the caller as that
    knows them: where it is in doubt which number calls, the one that is listed."""
    for number in readings:
        extension = tree.find_extension(tx, number)
        if extension is not None:
            return number, extension, _listed(tx, extension, calling)
    return None


def _listed(tx: Connection, extension: ExtensionFacts, calling: CallingNumber) -> CallingNumber:
    if calling.e164 is not None and calling.others:
        for number in (calling.e164, *calling.others):
            if tree.find_caller_id(tx, extension.id, number) is not None:
                return replace(calling, e164=number)
    return calling


def _caller(row: NewSession) -> str | None:
    """By what refusals of one caller are counted; None for hidden ones."""
    return row.calling.e164 or row.calling.received


def rejected_at(rung: Instant, now: Instant) -> Instant:
    """When a call is rejected that has rung until `rung`, and whose decision is stored now."""
    steps = math.floor((now - rung) / REJECTION_STEP_SECONDS) + 1
    return rung + max(1, steps) * REJECTION_STEP_SECONDS


def _store(
    tx: Connection,
    row: NewSession,
    found: ReturnCallFacts,
    now: Instant,
    *,
    keeps_refusal: bool,
) -> Decided:
    """Store the session as it is decided on, unless it is one refusal too many."""
    result = verdict(found.facts).result
    if isinstance(result, Accepted):
        row = accepted_row(row, result, found.counts)
    else:
        row = refused_row(row, _outcome(result), now)
        if not keeps_refusal:
            return Decided(row, result, stored=False)
    records.insert_session(tx, row)
    return Decided(row, result, stored=True)


def _outcome(result: Refused | Duplicate) -> Outcome:
    return refused(Reason.DUPLICATE if isinstance(result, Duplicate) else result.reason)


def told(result: Accepted | Refused | Duplicate, trunk: str | None = None) -> list[Happening]:
    """What was decided on a trigger that came by `trunk`, or on a request without one."""
    match result:
        case Accepted():
            return [RequestAccepted(result.number)]
        case Refused():
            return [
                *([] if result.reached is None else [GuardReached.by(result.reached)]),
                TriggerRefused(_outcome(result), result.why, trunk),
            ]
        case Duplicate():
            why = "its return call is already on its way"
            return [TriggerRefused(_outcome(result), why, trunk)]
