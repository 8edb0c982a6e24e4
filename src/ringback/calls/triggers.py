"""The trigger call: rung, decided on, stored, rejected; never answered (spec section 4, steps 1 to
3).

A refused caller hears the same ringing and the same rejection as an accepted one, and at the same
instant: what a decision takes to be stored must not tell what was decided.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.accounts.callback import EarlyHangup, RejectWith, ReturnCalls
from ringback.accounts.tree import AccessNumberFacts, ExtensionFacts
from ringback.calls import records
from ringback.calls.causes import causes
from ringback.calls.chronicle import Chronicle
from ringback.calls.events import (
    Abandoned,
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
from ringback.store import StoreError
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
    """What was decided on a trigger: an accepted one is stored as `row`."""

    row: NewSession
    result: Accepted | Refused | Duplicate


class TriggerCall:
    """One trigger call, from its arrival to its end."""

    def __init__(self, services: Services, leg: TriggerLeg, trunk: Trunk) -> None:
        self._services = services
        self._leg = leg
        self._trigger = leg.trigger
        self._trunk = trunk
        self._inbox = Inbox(services.clock)
        self._gone: Instant | None = None
        self._over: Ended | None = None
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
        access_number, calling = found
        extension = access_number.extension
        row = self._as_row(access_number, calling)
        triggering = extension.id, extension.setup.fixed_number or row.calling.e164 or ""
        services.triggering.began(*triggering)
        try:
            return await self._answer_with_rejection(row, extension)
        finally:
            services.triggering.ended(*triggering)

    def _as_row(self, access_number: AccessNumberFacts, calling: CallingNumber) -> NewSession:
        """The session that begins, nothing decided yet."""
        trigger = self._trigger
        return NewSession(
            id=new_id(trigger.at, self._services.chance),
            extension_id=access_number.extension.id,
            access_number=access_number.number,
            calling=calling,
            caller_name=trigger.caller_name,
            caller_id=None,
            return_number=None,
            destination=access_number.destination,
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
        if self._trigger.rejected:
            ended = await self._ended()
            row = replace(row, proven=True, due=ended.at + setup.callback_delay_seconds)
        else:
            await self._wait_until(self._trigger.at + setup.ring_seconds)
        if self._gone is not None and not self._counts(self._gone, extension):
            rang, trunk = self._gone - self._trigger.at, self._trunk.name
            abandoned = Abandoned(rang, setup.ring_seconds, trunk)
            await self._refuse(row, chronicle, Outcome.ABANDONED, [abandoned])
            return None
        rejection = _REJECTIONS[setup.reject_with]
        if not row.proven:
            row = replace(row, rejection=self._leg.prepare_rejection(rejection))
        decided = await self._decide(row, extension, chronicle)
        if self._gone is None and not row.proven:
            rung = self._trigger.at + setup.ring_seconds
            await services.clock.sleep_until(rejected_at(rung, services.clock.now()))
        self._leg.reject(rejection)
        by = self._trunk.name
        match decided.result:
            case Refused() as result:
                await self._refuse(row, chronicle, _outcome(result), told(result, by))
                return None
            case Duplicate(session=session) as result:
                ended_at = await self._refuse(row, chronicle, _outcome(result), told(result, by))
                return None if ended_at is None else Again(session, ended_at)
        self.request = row.id
        if decided.row.due is not None:
            return CallbackRequest(decided.row, extension, chronicle, decided.row.due)
        return await proof(services, decided.row, extension, chronicle, self._inbox, trunk=by)

    def _counts(self, gone: Instant, extension: ExtensionFacts) -> bool:
        """Whether a caller who hung up early has triggered all the same."""
        return (
            extension.setup.early_hangup is EarlyHangup.CALL_BACK
            and gone - self._trigger.at >= extension.setup.min_ring_seconds
        )

    async def _decide(
        self, row: NewSession, extension: ExtensionFacts, chronicle: Chronicle
    ) -> Decided:
        """Decide by what is set up now, and store the request where it is accepted."""
        services = self._services
        verification, diverted_by = self._trigger.verification, self._diverted_by()

        def work(tx: Connection) -> Decided:
            now_set_up = tree.load_extension(tx, extension.id)  # it has rung for a while
            if row.proven and row.calling.e164 is not None:
                return_numbers.came_back(tx, row.calling.e164, row.started)
            diverted = diverted_by is not None and not any(
                tree.owns_number(tx, now_set_up, number) for number in diverted_by
            )
            found = of_return_call(
                tx,
                services.guards,
                now_set_up,
                row.id,
                row.calling,
                now,
                trigger=TriggerFacts(verification, diverted),
            )
            return _store_accepted(tx, row, found)

        def accepted(decided: Decided) -> bool:
            return isinstance(decided.result, Accepted)

        async with contextlib.nullcontext() if row.proven else services.deciding:
            now = services.clock.now()
            return await chronicle.run(
                work,
                telling=lambda decided: told(decided.result) if accepted(decided) else (),
                keeping=accepted,
            )

    def _diverted_by(self) -> list[str] | None:
        """What may be the number that diverted the call here; none where it cannot be read."""
        diverted_by = self._trigger.diverted_by
        return None if diverted_by is None else self._trunk.called.readings(diverted_by)

    async def _refuse(
        self,
        row: NewSession,
        chronicle: Chronicle,
        outcome: Outcome,
        happenings: Sequence[Happening],
    ) -> Instant | None:
        """Store a refusal once its ACK has come, unless it is one too many. Returns when the call
        ended; None where its source is not proven: then nothing is stored."""
        services, refusals = self._services, self._services.refusals
        ended = await self._ended()
        if not ended.proven:
            services.unproven.count(outcome)
            return None
        now, who = services.clock.now(), (row.extension_id, _caller(row))
        stored = refusals.take_place(*who, row.id, now)
        refusal = refused_row(replace(row, proven=True), outcome, now)

        def work(tx: Connection) -> None:
            if row.calling.e164 is not None and not row.proven:
                return_numbers.came_back(tx, row.calling.e164, row.started)
            if stored:
                records.insert_session(tx, refusal)

        try:
            await chronicle.run(work, telling=lambda done: happenings, keeping=lambda done: stored)
        except StoreError as error:
            refusals.not_stored(*who, row.id)
            chronicle.trouble(f"a refusal was not written: {error}")
            return ended.at
        if stored:
            refusals.stored(*who, row.id)
        else:
            refusals.count(*who)
        return ended.at

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
        while self._over is None:
            message = await self._inbox.get()
            if isinstance(message, LegEvent) and isinstance(message.event, Ended):
                self._over = message.event
        return self._over


def _who_rings_what(
    tx: Connection, readings: Sequence[str], calling: CallingNumber
) -> tuple[AccessNumberFacts, CallingNumber] | None:
    """The first of `readings` that is an access number of an extension, and the caller as that
    extension knows them."""
    for number in readings:
        found = tree.find_access_number(tx, number)
        if found is not None:
            return found, _listed(tx, found.extension, calling)
    return None


def _listed(tx: Connection, extension: ExtensionFacts, calling: CallingNumber) -> CallingNumber:
    """Of the numbers that may be calling the listed one, in `authorized` mode: the return call goes
    to that number itself then, so that nobody else can take it. In any other mode the first is
    meant (spec section 5), whoever is listed."""
    if calling.others and extension.setup.return_calls is ReturnCalls.AUTHORIZED:
        for number in (calling.e164, *calling.others):
            if number is not None and tree.find_caller_id(tx, extension.id, number) is not None:
                return replace(calling, e164=number)
    return calling


def _caller(row: NewSession) -> str | None:
    """By what refusals of one caller are counted; None for hidden ones."""
    return row.calling.e164 or row.calling.received


def rejected_at(rung: Instant, now: Instant) -> Instant:
    """When a call is rejected that has rung until `rung`, and whose decision is stored now."""
    steps = math.floor((now - rung) / REJECTION_STEP_SECONDS) + 1
    return rung + max(1, steps) * REJECTION_STEP_SECONDS


def _store_accepted(tx: Connection, row: NewSession, found: ReturnCallFacts) -> Decided:
    """Store a request that is accepted. It counts for guards once its source is proven."""
    result = verdict(found.facts).result
    if isinstance(result, Accepted):
        row = accepted_row(row, result, found.counts if row.proven else ())
        records.insert_session(tx, row)
    return Decided(row, result)


def _outcome(result: Refused | Duplicate) -> Outcome:
    return refused(Reason.DUPLICATE if isinstance(result, Duplicate) else result.reason)


def told(result: Accepted | Refused | Duplicate, trunk: str | None = None) -> list[Happening]:
    """What was decided on a trigger that came by `trunk`, or on a request without one."""
    match result:
        case Accepted():
            return [RequestAccepted(result.number)]
        case Refused():
            return [
                *causes(result),
                TriggerRefused(_outcome(result), result.why, trunk),
            ]
        case Duplicate():
            why = "its return call is already on its way"
            return [TriggerRefused(_outcome(result), why, trunk)]
