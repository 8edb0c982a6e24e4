"""The outgoing call: permitted, announced, dialled, answered (spec section 4, step 8)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from ringback.accounts import tree
from ringback.calls import records, spending
from ringback.calls.caller import Caller, seconds_of
from ringback.calls.causes import causes
from ringback.calls.course import CallbackSession
from ringback.calls.dialling import Dialled, Dialler
from ringback.calls.events import DurationTold, EarlySound, FoundOutOfUse, NumberRefused
from ringback.calls.facts import Outgoing, of_outgoing_call
from ringback.calls.outcome import Outcome, Reason, Stage, of_unanswered
from ringback.calls.party import Party
from ringback.calls.presentation import Presented, shown_to_callee
from ringback.calls.returning import farewell_seconds
from ringback.calls.services import Services
from ringback.calls.verdict import Refused, verdict
from ringback.calls.waiting import Waiting
from ringback.charging.holds import RINGS_AT_LEAST_SECONDS
from ringback.charging.money import Money
from ringback.charging.payers import NoRate, payers
from ringback.charging.steps import Terms
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


def tail_seconds(caller: Caller) -> float:
    """How long leg A stays to hear `disconnect_sound` once leg B has been cut."""
    return min(LONGEST_TAIL_SECONDS, seconds_of(caller.disconnect_sound()))


@dataclass(frozen=True, slots=True)
class Unfunded(Refused):
    """Refused, because somebody has too little money."""

    ledger_id: str = ""


@dataclass(frozen=True, slots=True)
class _Offer:
    """A call that may be made, unless the money for it goes meanwhile."""

    terms: Terms
    lasts: Callable[[Instant], float] | None
    """See `Money.outlook`; None where nobody is told."""


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

    async def dial(self) -> Party | Refused | None:
        """The party that answered; None when nobody did, and the caller has been told why; or why
        the number was refused, in which case nothing was dialled.

        Raises Over as `Waiting.next` does, and where what the session uses is out of use.
        """
        session, caller = self._session, self._caller
        session.course.stage = Stage.OUTGOING
        offer = await self._offer()
        if isinstance(offer, Refused):
            return self._refused(offer)
        try:
            await self._announce(offer)
            caller.leg.play(caller.voice.ringback(), loop=True)
            dialler = Dialler(session, self._waiting, self._services, caller.next)
            reached = await dialler.dial(
                self._dialled,
                self._shown,
                self._reserve,
                self._dialled_once,
                self._early_media,
                keeps=RINGS_AT_LEAST_SECONDS + offer.terms.first_seconds + offer.terms.tail,
            )
        finally:
            caller.leg.stop()
        if isinstance(reached, Party):
            session.course.numbers_dialled += 1
            return reached
        self._waiting.watch_alone(farewell_seconds(caller))
        if isinstance(reached, Refused):
            return self._refused(reached)
        session.course.numbers_dialled += 1
        outcome = session.course.fault = of_unanswered(reached.cause)
        caller.forget_typed()
        await caller.say(caller.phrase(_TOLD.get(outcome, Phrase.NOT_CONNECTED)))
        return None

    def _refused(self, refused: Refused) -> Refused:
        if refused.out_of_use is not None:
            self._waiting.order_end(FoundOutOfUse.by(refused.out_of_use))
        for cause in causes(refused):
            self._session.tell(cause)
        self._session.tell(NumberRefused(self._dialled.e164, refused.why))
        return refused

    async def _offer(self) -> _Offer | Refused:
        """Whether the call may be made, who would pay, and how long they could."""
        announced = self._session.setup.announce_duration

        def work(money: Money) -> _Offer | Refused:
            terms = self._terms(money)
            if isinstance(terms, Refused):
                return terms
            return _Offer(terms, money.outlook(terms) if announced else None)

        return await self._waiting.funds.read(work)

    async def _announce(self, offer: _Offer) -> None:
        """How long the credit will last to this number when that has been said, where credit is
        limited."""
        session, caller = self._session, self._caller
        if offer.lasts is None:
            return
        begins, spoken = self._services.clock.now(), 0.0
        while True:
            lasts = offer.lasts(begins + spoken)
            if not 0 < lasts < math.inf:
                return  # it will be refused, and nothing is promised; or it lasts for ever
            seconds = min(lasts, session.setup.max_call_seconds)
            told = caller.voice.time_left(seconds)
            if seconds_of(told) <= spoken:
                break
            spoken = seconds_of(told)  # to say less may take longer
        session.tell(DurationTold(int(seconds)))
        await caller.say(told)

    def _terms(self, money: Money) -> Terms | Refused:
        """The verdict, taken again, and who pays."""
        session, course = self._session, self._session.course
        extension = tree.load_extension(money.tx, session.extension.id)
        wanted = Outgoing(
            self._dialled.e164,
            session.origin.calling,
            self._caller.number,
            course.triggering,
            course.identified,
        )
        facts = of_outgoing_call(money.tx, self._services.guards, extension, wanted, money.now)
        result = verdict(facts).result
        if isinstance(result, Refused):
            return result
        try:
            paying = payers(
                money.tx, extension.levels, session.payer_id, self._dialled.e164, money.now
            )
        except NoRate as error:
            return Refused(Reason.NO_RATE, str(error))
        paying = spending.counted(paying, spending.of_session(session, [money.now]))
        return Terms(paying, self._tail, session.setup.max_call_seconds)

    def _reserve(self, money: Money, leg_id: str, latest_answer: Instant) -> str | Refused:
        """The verdict once more, since the announcement takes a while; both legs reserved, and the
        number remembered for `#`: the number."""
        terms = self._terms(money)
        if isinstance(terms, Refused):
            return terms
        shortage = money.open_b(leg_id, terms, latest_answer)
        if shortage is not None:
            dialled = [self._caller.dialled, money.now]
            reached = spending.tightest(money.tx, self._session, shortage.ledger_id, dialled)
            if reached is not None:
                return Refused(Reason.OVER_LIMIT, reached.explained(), reached=reached)
            return Unfunded(Reason.NO_CREDIT, str(shortage), ledger_id=shortage.ledger_id)
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
