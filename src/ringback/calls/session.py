"""A callback session, from the moment its return call is due to goodbye.

It reads top to bottom as the spec's section 4 does. Before it comes the trigger call (`triggers`).
"""

from __future__ import annotations

import traceback
from functools import partial

from ringback.calls import records
from ringback.calls.caller import Caller
from ringback.calls.conversation import converse
from ringback.calls.course import CallbackSession, outcome_of
from ringback.calls.dialling import Dialled
from ringback.calls.events import AnswerUnfunded, CutOff, GuardReached, ReturnUnfunded, SessionEnded
from ringback.calls.identify import charge_leg_a, identify
from ringback.calls.insisting import insist
from ringback.calls.menu import menu
from ringback.calls.number import Asking
from ringback.calls.outcome import Outcome, Reason
from ringback.calls.outgoing import CallOut, Unfunded, tail_seconds
from ringback.calls.party import Party, settle, settle_undialled
from ringback.calls.returning import return_call
from ringback.calls.services import Services
from ringback.calls.spending import ended_by
from ringback.calls.verdict import Refused
from ringback.calls.waiting import ConversationOver, LeftOpen, OutOfCredit, Over, Waiting
from ringback.calls.watch import CUT_LEAD_SECONDS
from ringback.charging.money import Money
from ringback.clock import Instant
from ringback.sounds.phrases import Phrase
from ringback.store import StoreError
from ringback.telephony.port import Sound

_AS_OUTCOME = frozenset({Reason.LOCKED_OUT, Reason.NO_CREDIT, Reason.NO_RATE, Reason.OVER_LIMIT})
"""The reasons that a session may end with; any other says that the number is forbidden."""


async def run_session(session: CallbackSession, waiting: Waiting, services: Services) -> None:
    """The whole session. It always closes: both legs ended, everything settled, the record
    written; while the store does not take that, it is tried again. Only a server that stops leaves
    a request open whose return call was not dialled."""
    try:
        outcome = await _session(session, waiting, services)
    except LeftOpen:
        return
    except StoreError as error:
        session.chronicle.trouble(f"interrupted: {error}")
        outcome = Outcome.INTERRUPTED
    except Exception as error:  # noqa: BLE001  a fault of ours must not leave a call unsettled
        trace = "".join(traceback.format_exception(error))
        session.chronicle.trouble(f"interrupted by a fault of Ringback: {trace}")
        outcome = Outcome.INTERRUPTED
    await waiting.hang_up()
    await _tell_guard(session, waiting)
    await _close(session, waiting, services, outcome)


async def _session(session: CallbackSession, waiting: Waiting, services: Services) -> Outcome:
    caller = await return_call(session, waiting, services)
    if isinstance(caller, Outcome):
        return caller
    try:
        await identify(session, caller, services)
        await charge_leg_a(session, caller, waiting)
        await menu(session, caller, services)
        await _calls(session, caller, waiting, services)
        await caller.say(caller.phrase(Phrase.GOODBYE))
    except ConversationOver:
        await _cut_off(session, caller, waiting, services)
    except OutOfCredit:
        await _out_of_credit(session, caller, waiting)
    except Over:
        pass
    return outcome_of(session.course)


async def _calls(
    session: CallbackSession, caller: Caller, waiting: Waiting, services: Services
) -> None:
    """One number after the other, until the caller has had enough. Where the access number leads
    on to a number, there is that one only."""
    destination = session.origin.destination
    while session.course.numbers_dialled < session.setup.calls_per_session:
        asking = Asking(session, caller, services.clock)
        dialled = Dialled("B", destination, destination) if destination else await asking.number()
        destination = None
        while dialled is not None:
            reached = await CallOut(session, caller, waiting, services, dialled).dial()
            if not isinstance(reached, Refused):
                break
            await _tell(session, caller, asking, reached)
            dialled = None if session.origin.leads_on else await asking.number()
        else:
            return
        if reached is not None:
            await converse(session, caller, waiting, services.clock, reached)
        if session.origin.leads_on:
            return


async def _tell(session: CallbackSession, caller: Caller, asking: Asking, refused: Refused) -> None:
    """Why the number that was asked for is not called."""
    if isinstance(refused, Unfunded):
        session.course.fault = Outcome.NO_CREDIT
        caller.forget_typed()
        told = _not_funded(session, caller, refused.ledger_id)
        await caller.say(told or caller.phrase(Phrase.NO_CREDIT))
    else:
        as_outcome = refused.reason in _AS_OUTCOME
        await asking.refuse(Outcome(refused.reason) if as_outcome else Outcome.FORBIDDEN_NUMBER)


def _not_funded(session: CallbackSession, caller: Caller, ledger_id: str) -> list[Sound]:
    """What is said where this ledger account has too little for a call."""
    who = session.course.identified
    if who is not None and who.ledger_id == ledger_id:
        return caller.no_credit_sound()
    return caller.phrase(Phrase.NOT_NOW)


async def _cut_off(
    session: CallbackSession, caller: Caller, waiting: Waiting, services: Services
) -> None:
    """B goes; then `disconnect_sound` is played to A; then A goes, before its own instant."""
    session.course.cut_off = True
    session.tell(CutOff())
    _part(caller, waiting)
    # A little more, in which the far end gets the last of it; and never after leg A's own instant.
    ends_by = services.clock.now() + tail_seconds(caller) + CUT_LEAD_SECONDS / 2
    own = waiting.funds.funded_a() - CUT_LEAD_SECONDS / 2
    await _last_words(caller, waiting, caller.disconnect_sound(), min(ends_by, own))


async def _out_of_credit(session: CallbackSession, caller: Caller, waiting: Waiting) -> None:
    """Leg A cannot go on, or not so long that leg B, which rings, may still be answered."""
    session.course.fault = Outcome.NO_CREDIT
    sound = caller.no_credit_sound()
    if waiting.b is None:
        session.tell(ReturnUnfunded())
    else:
        shortage = waiting.funds.shortage
        session.tell(AnswerUnfunded(waiting.b.number.e164))
        if shortage is not None:
            sound = _not_funded(session, caller, shortage.ledger_id)
        sound = sound or caller.phrase(Phrase.NO_CREDIT)
    _part(caller, waiting)
    await _last_words(caller, waiting, sound, waiting.funds.funded_a() - CUT_LEAD_SECONDS)


def _part(caller: Caller, waiting: Waiting) -> None:
    """Leg B is ended, ringing or not, and leg A is alone."""
    if waiting.b is not None:
        waiting.b.leg.hang_up()
    caller.leg.unbridge()


async def _last_words(
    caller: Caller, waiting: Waiting, sound: list[Sound], ends_by: Instant
) -> None:
    waiting.stop_watching()  # these are the last deadlines
    try:
        await caller.say_last(sound, ends_by)
    except Over:
        return  # the caller left while it was played


async def _tell_guard(session: CallbackSession, waiting: Waiting) -> None:
    """Tell of the guard that ended a call, before what it holds is settled."""
    course = session.course
    if not course.cut_off and course.fault is not Outcome.NO_CREDIT:
        return
    legs = [(party.number.e164, party.started) for party in _parties(waiting)]
    try:
        reached = await session.chronicle.read(lambda tx: ended_by(tx, session, legs))
    except StoreError:
        return  # the end of the session must not wait for it
    if reached is not None:
        session.tell(GuardReached.by(reached))


async def _close(
    session: CallbackSession, waiting: Waiting, services: Services, outcome: Outcome
) -> None:
    """Charges settled once, the record written.

    A fault of ours must not leave the session open, or its number could not trigger any more: the
    legs are then settled by what is stored, and if that fails too the record alone is written.
    """
    now, course = services.clock.now(), session.course
    legs = [party.as_ended(now) for party in _parties(waiting)]
    undialled, stage, accepted = tuple(course.undialled), course.stage, course.accepted
    caller_id = session.payer_id

    def record(money: Money) -> None:
        records.session_ended(
            money.tx, session.id, outcome, stage, now, accepted=accepted, caller_id=caller_id
        )

    def everything(money: Money) -> None:
        for leg in legs:
            settle(money, leg)
        settle_undialled(money.tx, undialled, now)
        record(money)

    run = partial(session.chronicle.run, telling=lambda done: [SessionEnded(outcome, stage)])
    for work in (everything, everything, record):  # after a failure the legs are in doubt
        try:
            await insist(
                session.chronicle,
                services.clock,
                "the end of the session",
                partial(waiting.funds.change, work, run),
            )
        except Exception as error:  # noqa: BLE001
            session.chronicle.trouble(f"the end failed by a fault of Ringback: {error!r}")
        else:
            return


def _parties(waiting: Waiting) -> list[Party]:
    """The legs that are not settled yet, B first."""
    return [party for party in (waiting.b, waiting.a) if party is not None]
