"""The conversation, and the end of leg B (spec section 4, step 9)."""

from __future__ import annotations

import math

from ringback.calls.caller import Caller
from ringback.calls.course import CallbackSession
from ringback.calls.events import OutgoingEnded, Talking, Warned
from ringback.calls.inbox import LegEvent
from ringback.calls.outcome import Stage
from ringback.calls.party import Party, settle
from ringback.calls.returning import farewell_seconds
from ringback.calls.waiting import ConversationOver, Waiting
from ringback.clock import Clock, Instant
from ringback.telephony.port import Cause, Digit

DOUBLE_STAR_SECONDS = 1.0
"""Two `*` within so long end leg B."""


async def converse(
    session: CallbackSession, caller: Caller, waiting: Waiting, clock: Clock, b: Party
) -> None:
    """Audio both ways, until leg B ends or the caller ends it with two `*`.

    Raises ConversationOver when leg B was ended for lack of money or at its limit, and Over as
    `Waiting.next` does.
    """
    assert b.answered is not None  # or there was nobody to talk to
    course = session.course
    course.stage = Stage.CONVERSATION
    course.talked, course.cut_off, course.fault = True, False, None
    caller.forget_typed()
    caller.leg.bridge(b.leg)

    def warn(seconds_left: float) -> None:
        caller.leg.play(caller.voice.beep())
        session.tell(Warned(round(seconds_left)))

    waiting.watch_conversation(b.answered + session.setup.max_call_seconds, warn)
    session.tell(Talking(b.number.e164))
    await _until_over(caller, b)
    await _finish(session, caller, waiting, clock, b)


async def _until_over(caller: Caller, b: Party) -> None:
    star: Instant = -math.inf
    while b.ended is None:
        match await caller.next():
            case LegEvent(leg=leg, event=Digit(digit=digit, at=at)) if leg is caller.leg:
                if digit == "*" and at - star <= DOUBLE_STAR_SECONDS:
                    return
                star = at if digit == "*" else -math.inf
                b.leg.send_digits(digit)
            case LegEvent(leg=leg, event=Digit(digit=digit)) if leg is b.leg:
                caller.leg.send_digits(digit)
            case _:
                continue
    if b.ending is not None and b.ending.cause is Cause.LIMIT:
        raise ConversationOver


async def _finish(
    session: CallbackSession, caller: Caller, waiting: Waiting, clock: Clock, b: Party
) -> None:
    """End leg B, charge it, and leave leg A on its own."""
    caller.leg.unbridge()
    await waiting.end(b)
    leg = b.as_ended(clock.now())
    await waiting.funds.change(lambda money: settle(money, leg))
    waiting.b = None
    session.tell(OutgoingEnded(b.number.e164, b.code))
    if not waiting.caller_gone:
        session.course.stage = Stage.NUMBER
        waiting.watch_alone(farewell_seconds(caller))
