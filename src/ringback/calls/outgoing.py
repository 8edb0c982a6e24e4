"""The outgoing call and the conversation (spec section 4, steps 8 to 10)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.calls import decision, records
from ringback.calls.dialling import UNTIL_RINGING_SECONDS, Dialler
from ringback.calls.inbox import LegEvent, Message
from ringback.calls.line import CutOff, Line
from ringback.calls.number import Dialled
from ringback.calls.outcome import Outcome, Stage, of_unanswered
from ringback.calls.party import Party
from ringback.calls.permission import decision_again, forbidden_reason
from ringback.calls.presentation import Caller, shown_to_callee
from ringback.charging import ledger, payers
from ringback.charging.ledger import InsufficientCredit
from ringback.charging.meter import Step
from ringback.charging.packages import allowances_of
from ringback.charging.payers import NoRate
from ringback.clock import Instant
from ringback.config import Trunk
from ringback.sounds.phrases import Phrase
from ringback.telephony.port import Digit, Ended, Shown
from ringback.telephony.port import Outcome as LegOutcome

LONGEST_TAIL_SECONDS = 15.0
"""At most so much of `disconnect_sound` is reserved for and played."""

DOUBLE_STAR_SECONDS = 1.0
"""Two `*` within so long end leg B."""

_TOLD = {
    Outcome.BUSY: Phrase.BUSY,
    Outcome.NO_ANSWER: Phrase.NO_ANSWER,
}


class Refused(Exception):
    """The number may not be called, or nobody can pay for it: another may be dialled."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome = outcome


async def call_out(line: Line, dialled: Dialled) -> None:
    """Dial a number, and if it answers stay with the conversation until leg B has ended.

    Raises Refused when nothing was dialled; Over as `Line.next` does; CutOff when leg B was ended
    for lack of money or at its limit.
    """
    line.stage = Stage.OUTGOING
    await line.sliced()
    await _permit(line, dialled)
    call = _OutgoingCall(line, dialled)
    party = await call.dial()
    if party is not None:
        await _converse(line, party)


async def _permit(line: Line, dialled: Dialled) -> None:
    refused = await line.services.store.read(lambda tx: _refusal(tx, line, dialled))
    if refused is not None:
        line.step("number refused", number=dialled.e164, reason=refused.reason)
        locked = refused.outcome is Outcome.REFUSED_LOCKED_OUT
        raise Refused(Outcome.LOCKED_OUT if locked else Outcome.FORBIDDEN_NUMBER, refused.reason)


def _refusal(tx: Connection, line: Line, dialled: Dialled) -> decision.Refused | None:
    """Why leg B must not be dialled now: the decision taken again, and the guards."""
    assert line.a is not None
    extension = tree.load_extension(tx, line.extension.id)
    returned_to = line.a.number.e164
    decided = decision_again(tx, extension, line.origin.caller, returned_to, line.now())
    if isinstance(decided, decision.Refused):
        return decided
    who = line.identified
    if who is not None:  # he may have claimed a number that did not trigger
        listed = tree.find_caller_id(tx, extension.id, who.number)
        if listed is None or not listed.enabled:
            return decision.Refused(
                Outcome.REFUSED_DISABLED, f"the callerID {who.number} is disabled", returned_to
            )
    reason = forbidden_reason(
        tx,
        line.services,
        extension,
        None if who is None else who.id,
        dialled.e164,
    )
    if reason is None:
        return None
    return decision.Refused(Outcome.REFUSED_FORBIDDEN_NUMBER, f"it is {reason}", dialled.e164)


class _OutgoingCall:
    """One number dialled for leg B."""

    def __init__(self, line: Line, dialled: Dialled) -> None:
        self._line = line
        self._dialled = dialled
        self._tail = min(
            LONGEST_TAIL_SECONDS, sum(clip.seconds for clip in line.disconnect_sound())
        )

    async def dial(self) -> Party | None:
        """The party that answered, or None when none did: the caller has been told why."""
        line = self._line
        assert line.a is not None
        try:
            await self._announce()
            line.a.leg.play(line.voice.ringback(), loop=True)
            party = await Dialler(
                line,
                "B",
                self._dialled.e164,
                self._dialled.received,
                self._shown,
                self._reserve,
                self._early_media,
            ).dial()
        except InsufficientCredit as error:
            raise Refused(Outcome.NO_CREDIT, str(error)) from error
        except NoRate as error:
            raise Refused(Outcome.NO_RATE, str(error)) from error
        finally:
            line.a.leg.stop()
        line.numbers_dialled += 1
        if isinstance(party, Party):
            return party
        outcome = of_unanswered(party)
        line.fault(outcome)
        line.typed.clear()
        await line.say(line.phrase(_TOLD.get(outcome, Phrase.NOT_CONNECTED)))
        return None

    async def _announce(self) -> None:
        """How long the credit lasts to this number, where credit is limited."""
        line = self._line
        if not line.setup.announce_duration:
            return
        now = line.now()

        def work(tx: Connection) -> float:
            paying = self._payers(tx, now)
            ids = {payer.ledger_id for payer in paying}.union(line.meter.ledger_ids())
            available, left = ledger.available(tx, ids), self._left(tx, paying)
            latest = now + UNTIL_RINGING_SECONDS + line.setup.answer_timeout_seconds
            opening = line.meter.open_b("", paying, latest, self._tail, left)
            if not line.meter.affords(opening, available):
                return 0  # it will be refused: nothing is promised
            return line.meter.longest(paying, now, self._tail, available, left)

        seconds = await line.services.store.read(work)
        if 0 < seconds < math.inf:
            seconds = min(seconds, line.setup.max_call_seconds)
            line.step("duration told", seconds=int(seconds))
            await line.say([*line.phrase(Phrase.YOU_CAN_TALK_FOR), *line.voice.duration(seconds)])

    def _payers(self, tx: Connection, at: Instant) -> list[payers.PayerRate]:
        line = self._line
        who = None if line.identified is None else line.identified.id
        return payers.payers(tx, line.extension.id, who, self._dialled.e164, at)

    def _reserve(self, tx: Connection, leg_id: str, latest_answer: Instant) -> Step:
        line, now = self._line, self._line.now()
        if line.identified is not None:
            records.remember_number(tx, line.identified.id, self._dialled.e164)
        line.last_number = self._dialled.e164
        paying = self._payers(tx, now)
        left = self._left(tx, paying)
        return line.meter.open_b(leg_id, paying, latest_answer, self._tail, left)

    def _left(self, tx: Connection, paying: Sequence[payers.PayerRate]) -> dict[str, int]:
        """The free minutes that leg B and leg A may use."""
        return ledger.free_left(tx, [*self._line.meter.allowances(), *allowances_of(paying)])

    def _shown(self, trunk: Trunk) -> Shown:
        line = self._line
        assert line.a is not None
        caller = Caller(
            line.origin.caller,
            line.origin.caller_name,
            is_own=line.a.number.e164 == line.origin.caller
            or (
                line.pin_given
                and line.identified is not None
                and line.identified.number == line.origin.caller
            ),
        )
        return shown_to_callee(
            line.setup,
            line.extension.contact_name,
            line.extension.public_number,
            caller,
            trunk,
        )

    def _early_media(self, party: Party) -> None:
        """The sound of the called party's network takes the place of our ringback, one way."""
        assert self._line.a is not None
        self._line.a.leg.stop()
        self._line.a.leg.bridge(party.leg, early=True)


async def _converse(line: Line, b: Party) -> None:
    """Audio both ways, until leg B ends or the caller ends it with two `*`."""
    a = line.a
    assert a is not None and b.answered is not None
    line.stage = Stage.CONVERSATION
    line.course.talked, line.course.cut_off, line.course.fault = True, False, None
    line.typed.clear()
    a.leg.bridge(b.leg)
    line.watch_conversation(b.answered)
    line.step("conversation", number=b.number.e164)
    star: Instant = -math.inf
    while b.ended is None:
        message = await line.next()
        match message:
            case LegEvent(leg=leg, event=Digit(digit=digit, at=at)) if leg is a.leg:
                if digit == "*" and at - star <= DOUBLE_STAR_SECONDS:
                    break
                star = at if digit == "*" else -math.inf
                b.leg.send_digits(digit)
            case LegEvent(leg=leg, event=Digit(digit=digit)) if leg is b.leg:
                a.leg.send_digits(digit)
            case LegEvent(leg=leg, event=Ended(cause=cause)) if leg is b.leg:
                if cause.outcome is LegOutcome.LIMIT:
                    raise CutOff
            case _:
                continue
    await finish_b(line)


async def finish_b(line: Line) -> None:
    """End leg B, charge it, and leave leg A on its own."""
    b = line.b
    if b is None:
        return
    if line.a is not None:
        line.a.leg.unbridge()
    await end_party(line, b)
    await line.sliced()
    now = line.now()
    await line.services.store.run(lambda tx: b.settle(tx, line.meter, now))
    line.b = None
    line.step("outgoing call ended", number=b.number.e164, cause=b.cause and b.cause.code)
    if line.a is not None and line.a.talking:
        line.stage = Stage.NUMBER
        line.watch_alone()


async def end_party(line: Line, party: Party) -> None:
    """Hang up and wait for the far end's confirmation, which is our own at the latest after the
    32 s of SIP's timer F: `Ended` always comes."""
    if party.ended is not None:
        return
    party.leg.hang_up()
    meanwhile: list[Message] = []
    while party.ended is None:
        message = await line.inbox.get()
        if isinstance(message, LegEvent):
            line.note(message)
        if message is not None and not (isinstance(message, LegEvent) and message.leg is party.leg):
            meanwhile.append(message)
    for message in meanwhile:  # an order, or the other leg's end: it is looked at next
        line.inbox.put(message)
