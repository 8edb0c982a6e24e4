"""The outgoing call: permitted, announced, dialled, answered (spec section 4, step 8)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlalchemy import Connection

from ringback import levels
from ringback.accounts import tree
from ringback.calls import records
from ringback.calls.caller import Caller, seconds_of
from ringback.calls.course import CallbackSession
from ringback.calls.dialling import UNTIL_RINGING_SECONDS, Dialled, Dialler
from ringback.calls.events import DurationTold, EarlySound, NumberRefused
from ringback.calls.facts import Outgoing, of_outgoing_call
from ringback.calls.outcome import Outcome, Reason, Stage, of_unanswered
from ringback.calls.party import Party
from ringback.calls.presentation import Presented, shown_to_callee
from ringback.calls.returning import farewell_seconds
from ringback.calls.services import Services
from ringback.calls.verdict import Refused, verdict
from ringback.calls.waiting import Waiting
from ringback.charging.money import Money
from ringback.charging.payers import NoRate, PayerRate, payers
from ringback.clock import Instant
from ringback.sounds.phrases import Phrase
from ringback.telephony.port import Shown
from ringback.telephony.trunks import Trunk

LONGEST_TAIL_SECONDS = 15.0
"""At most so much of `disconnect_sound` is reserved for and played."""

_TOLD = {
    Outcome.BUSY: Phrase.BUSY,
    Outcome.NO_ANSWER: Phrase.NO_ANSWER,
}
_AS_OUTCOME = frozenset({Reason.LOCKED_OUT, Reason.NO_CREDIT, Reason.NO_RATE, Reason.OVER_LIMIT})
"""The reasons that a session may end with; any other says that the number is forbidden."""


def tail_seconds(caller: Caller) -> float:
    """How long leg A stays to hear `disconnect_sound` once leg B has been cut."""
    return min(LONGEST_TAIL_SECONDS, seconds_of(caller.disconnect_sound()))


class CallOut:
    """One number that the caller wants to call."""

    def __init__(
        self,
        session: CallbackSession,
        caller: Caller,
        waiting: Waiting,
        services: Services,
        dialled: Dialled,
    ) -> None:
        self._session = session
        self._caller = caller
        self._waiting = waiting
        self._services = services
        self._dialled = dialled
        self._tail = tail_seconds(caller)

    async def dial(self) -> Party | Outcome | None:
        """The party that answered; None when nobody did, and the caller has been told why; or why
        the number was refused, in which case nothing was dialled.

        Raises Over as `Waiting.next` does.
        """
        session, caller = self._session, self._caller
        session.course.stage = Stage.OUTGOING
        refused = await self._permit() or await self._announce()
        if refused is not None:
            return self._refused(refused)
        try:
            caller.leg.play(caller.voice.ringback(), loop=True)
            dialler = Dialler(session, self._waiting, self._services)
            reached = await dialler.dial(
                self._dialled,
                self._shown,
                self._reserve,
                self._dialled_once,
                self._early_media,
            )
        finally:
            caller.leg.stop()
        if isinstance(reached, Refused):
            return self._refused(reached)
        session.course.numbers_dialled += 1
        if isinstance(reached, Party):
            return reached
        self._waiting.watch_alone(farewell_seconds(caller))
        outcome = session.course.fault = of_unanswered(reached.cause)
        caller.forget_typed()
        await caller.say(caller.phrase(_TOLD.get(outcome, Phrase.NOT_CONNECTED)))
        return None

    def _refused(self, refused: Refused) -> Outcome:
        self._session.tell(NumberRefused(self._dialled.e164, refused.why))
        if refused.reason in _AS_OUTCOME:
            return Outcome(refused.reason)
        return Outcome.FORBIDDEN_NUMBER

    async def _permit(self) -> Refused | None:
        """The verdict, taken again."""
        session, services = self._session, self._services
        extension, now = session.extension.id, services.clock.now()
        wanted = Outgoing(
            self._dialled.e164,
            session.origin.caller,
            self._caller.number,
            session.course.identified,
        )

        def work(tx: Connection) -> Refused | None:
            facts = of_outgoing_call(
                tx, services.guards, tree.load_extension(tx, extension), wanted, now
            )
            result = verdict(facts).result
            return result if isinstance(result, Refused) else None

        return await services.store.read(work)

    async def _announce(self) -> Refused | None:
        """How long the credit lasts to this number, where credit is limited."""
        session, caller = self._session, self._caller
        if not session.setup.announce_duration:
            return None
        rings = UNTIL_RINGING_SECONDS + session.setup.answer_timeout_seconds

        def work(money: Money) -> float | Refused:
            paying = self._payers(money)
            if isinstance(paying, Refused):
                return paying
            return money.lasts(paying, money.now + rings, self._tail)

        seconds = await self._waiting.funds.read(work)
        if isinstance(seconds, Refused):
            return seconds
        if not 0 < seconds < math.inf:
            return None  # it will be refused, and nothing is promised; or it lasts for ever
        seconds = min(seconds, session.setup.max_call_seconds)
        session.tell(DurationTold(int(seconds)))
        await caller.say([*caller.phrase(Phrase.YOU_CAN_TALK_FOR), *caller.voice.duration(seconds)])
        return None

    def _payers(self, money: Money) -> Sequence[PayerRate] | Refused:
        session = self._session
        try:
            accounts = levels.of_extension(money.tx, session.extension.id)
            return payers(money.tx, accounts, session.payer_id, self._dialled.e164, money.now)
        except NoRate as error:
            return Refused(Reason.NO_RATE, str(error))

    def _reserve(self, money: Money, leg_id: str, latest_answer: Instant) -> str | Refused:
        """Both legs reserved, and the number remembered for `#`: the number."""
        paying = self._payers(money)
        if isinstance(paying, Refused):
            return paying
        shortage = money.open_b(leg_id, paying, latest_answer, self._tail)
        if shortage is not None:
            return Refused(Reason.NO_CREDIT, str(shortage))
        if self._session.payer_id is not None:
            records.remember_number(money.tx, self._session.payer_id, self._dialled.e164)
        return self._dialled.e164

    def _dialled_once(self, number: str) -> None:
        self._session.course.last_number = number

    def _shown(self, trunk: Trunk) -> Shown:
        session, course = self._session, self._session.course
        who, caller = course.identified, session.origin.caller
        proven = course.pin_given and who is not None and who.number == caller
        return shown_to_callee(
            session.setup,
            session.extension.contact_name,
            session.extension.public_number,
            Presented(
                caller,
                session.origin.caller_name,
                is_own=proven or self._caller.number == caller,
            ),
            trunk,
        )

    def _early_media(self, party: Party) -> None:
        """The sound of the called party's network takes the place of our ringback, one way."""
        self._caller.leg.stop()
        self._caller.leg.bridge(party.leg, early=True)
        self._session.tell(EarlySound(party.number.e164))
