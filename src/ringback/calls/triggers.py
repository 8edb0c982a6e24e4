"""The trigger call: never answered, it rings and is rejected (spec section 4, steps 1 to 3).

A refused caller hears the same ringing and the same rejection as an accepted one.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.accounts.callback import EarlyHangup, RejectWith
from ringback.accounts.tree import ExtensionFacts
from ringback.calls import records
from ringback.calls.decision import Accepted, Refused, doubted
from ringback.calls.inbox import Inbox, LegEvent
from ringback.calls.outcome import Outcome
from ringback.calls.permission import decision, trigger_refusal
from ringback.calls.requests import Again, Request, proof
from ringback.calls.services import Services
from ringback.clock import Instant
from ringback.ids import new_id
from ringback.telephony.port import CallerGone, Ended, Rejection, TriggerLeg
from ringback.telephony.trunks import Trunk

_REJECTIONS = {
    RejectWith.BUSY: Rejection.BUSY,
    RejectWith.UNAVAILABLE: Rejection.UNAVAILABLE,
    RejectWith.DECLINE: Rejection.DECLINED,
}


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A request or session of the same extension and return number is open."""

    session: str


class TriggerCall:
    """One trigger call, from its arrival to its end."""

    def __init__(self, services: Services, leg: TriggerLeg, trunk: Trunk) -> None:
        self._services = services
        self._leg = leg
        self._trigger = leg.trigger
        self._trunk = trunk
        self._inbox = Inbox(services.clock)
        self._gone: Instant | None = None

    async def run(self) -> Request | Again | None:
        """Ring, decide, store, reject, and wait for the proof of the source.

        None: nobody is called back.
        """
        self._leg.listen(self._inbox.listener)
        self._leg.ring()
        trunk = self._trunk
        access_number = trunk.called.read(self._trigger.called)
        extension = (
            None
            if access_number is None
            else await self._services.store.read(lambda tx: tree.find_extension(tx, access_number))
        )
        if extension is None or access_number is None:
            self._services.journal.trouble(
                None,
                f"trigger to {self._trigger.called[:40]!r}: no extension has this access number",
                trunk=trunk.name,
            )
            self._leg.reject(Rejection.UNKNOWN_NUMBER)
            return None
        caller = (
            None
            if self._trigger.hidden or self._trigger.caller is None
            else trunk.caller.read(self._trigger.caller)
        )
        key = (extension.id, extension.setup.fixed_number or caller or "")
        self._services.ringing.began(*key)
        try:
            return await self._answer_with_rejection(extension, access_number, caller)
        finally:
            self._services.ringing.ended(*key)

    async def _answer_with_rejection(
        self,
        extension: ExtensionFacts,
        access_number: str,
        caller: str | None,
    ) -> Request | Again | None:
        services, now = self._services, self._trigger.at
        row = records.SessionRow(
            id=new_id(now, services.chance),
            extension_id=extension.id,
            access_number=access_number,
            caller=caller,
            caller_name=self._trigger.caller_name,
            caller_id=None,
            return_number=None,
            destination=None,
            started=now,
            proven=False,
        )
        self._step(row, "trigger", caller=caller or "hidden", called=access_number)
        await self._wait_until(self._trigger.at + extension.setup.ring_seconds)
        if self._gone is not None and not self._counts(extension):
            rang = self._gone - self._trigger.at
            await self._record(row, Outcome.ABANDONED)
            self._step(
                row,
                f"abandoned: hung up after {rang:.1f} s, before ring_seconds = "
                f"{extension.setup.ring_seconds}: see early_hangup",
            )
            return None
        rejection = _REJECTIONS[extension.setup.reject_with]
        row.rejection = self._leg.prepare_rejection(rejection)
        decided = await self._decide_and_store(row, extension)
        self._leg.reject(rejection)
        match decided:
            case Refused():
                self._step(row, f"refused: {decided.reason}", outcome=decided.outcome.value)
                return None
            case Duplicate():
                self._step(row, "refused: its return call is already on its way")
                ended = await self._ended()
                return Again(decided.session, ended.at) if ended.proven else None
        self._step(row, "accepted", return_number=decided.number)
        due = await proof(services, row, extension, self._inbox)
        return None if due is None else Request(row, extension, due)

    def _counts(self, extension: ExtensionFacts) -> bool:
        """Whether a caller who hung up early has triggered all the same."""
        assert self._gone is not None
        rang = self._gone - self._trigger.at
        return (
            extension.setup.early_hangup is EarlyHangup.CALL_BACK
            and rang >= extension.setup.min_ring_seconds
        )

    async def _decide_and_store(
        self, row: records.SessionRow, extension: ExtensionFacts
    ) -> Accepted | Refused | Duplicate:
        now = self._services.clock.now()
        refusals_are_stored = self._refusals_are_stored(row)

        def work(tx: Connection) -> Accepted | Refused | Duplicate:
            decided = self._decide(tx, row, extension, now)
            if isinstance(decided, Accepted):
                row.return_number = decided.number
                row.caller_id = None if decided.caller_id is None else decided.caller_id.id
            else:
                row.outcome = (
                    decided.outcome if isinstance(decided, Refused) else Outcome.REFUSED_DUPLICATE
                )
                row.ended, row.rejection = now, None
                if not refusals_are_stored:
                    return decided
            records.insert_session(tx, row)
            return decided

        decided = await self._services.store.run(work)
        if not isinstance(decided, Accepted):
            self._note_refusal(row, stored=refusals_are_stored)
        return decided

    def _refusals_are_stored(self, row: records.SessionRow) -> bool:
        """Whether a trigger that leads to nothing is stored, or only counted."""
        now = self._services.clock.now()
        return self._services.refusals.are_stored(row.extension_id, row.caller, now)

    def _note_refusal(self, row: records.SessionRow, *, stored: bool) -> None:
        refusals, now = self._services.refusals, self._services.clock.now()
        if stored:
            refusals.stored(row.extension_id, row.caller, row.id, now)
        else:
            refusals.count(row.extension_id, row.caller)

    def _decide(
        self, tx: Connection, row: records.SessionRow, extension: ExtensionFacts, now: Instant
    ) -> Accepted | Refused | Duplicate:
        decided = decision(tx, extension, row.caller)
        if isinstance(decided, Refused):
            return decided
        trigger = self._trigger
        diverted = trigger.diverted_by is not None and not tree.owns_number(
            tx, extension, self._trunk.called.read(trigger.diverted_by)
        )
        refused = doubted(extension.setup, decided, trigger.verification, diverted=diverted)
        if refused is not None:
            return refused
        # Before the credit, of which the open session may hold what there is.
        open_session = records.open_session(tx, extension.id, decided.number)
        if open_session is not None:
            return Duplicate(open_session)
        return trigger_refusal(tx, self._services, extension, decided, now) or decided

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

    async def _record(self, row: records.SessionRow, outcome: Outcome) -> None:
        """Write a session that was over before anything was decided."""
        row.outcome, row.ended = outcome, self._services.clock.now()
        stored = self._refusals_are_stored(row)
        if stored:
            await self._services.store.run(lambda tx: records.insert_session(tx, row))
        self._note_refusal(row, stored=stored)

    def _step(self, row: records.SessionRow, step: str, **facts: object) -> None:
        self._services.journal.step(row.id, step, **facts)
