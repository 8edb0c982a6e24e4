"""Accepting the return call, and who pays it from then on (spec section 3 "Who is calling",
section 4 step 5, section 6 "Who pays")."""

from __future__ import annotations

from functools import partial

from sqlalchemy import Connection

from ringback import levels
from ringback.accounts.callback import AcceptPrompt, ReturnCalls
from ringback.calls import records, spending
from ringback.calls.caller import Caller
from ringback.calls.course import CallbackSession, Course
from ringback.calls.entries import Entries
from ringback.calls.events import Authenticated, GuardReached, LegAUnpaid, NotAccepted
from ringback.calls.outcome import Outcome, Reason, Stage
from ringback.calls.returning import farewell_seconds
from ringback.calls.services import Services
from ringback.calls.verdict import Refused
from ringback.calls.waiting import Over, Waiting
from ringback.charging.money import Money
from ringback.charging.payers import NoRate, payers
from ringback.clock import Clock, Instant
from ringback.guards import counts
from ringback.guards.reached import Reached
from ringback.sounds.phrases import Phrase

ACCEPT_SECONDS = 20.0
"""The accept prompt is said for at most so long."""

_PAUSE_SECONDS = 1.5
"""Between one saying of the accept prompt and the next."""

UNTIL_SLICED_SECONDS = 10.0
"""Who comes to pay leg A pays so far ahead at first: what they have may not be enough for all that
others had reserved."""


async def identify(session: CallbackSession, caller: Caller, services: Services) -> None:
    """Take the caller from the answer to the end of authentication.

    Returns when the caller may go on; raises Over, with the session's course saying why, otherwise.
    """
    course, setup = session.course, session.setup
    course.stage = Stage.AUTHENTICATE
    asks_password = session.extension.password_mac is not None
    asks_pin = _asks_pin(session)
    if setup.accept_prompt is AcceptPrompt.ALWAYS or (
        setup.accept_prompt is AcceptPrompt.AUTO and not asks_password and not asks_pin
    ):
        await _accept(session, caller, services.clock)
    entries = Entries(session, caller, services)
    if asks_password:
        await entries.password()
    if asks_pin:
        await entries.pin()
    elif setup.return_calls is not ReturnCalls.FIXED:
        course.identified = course.triggering
    who = course.identified
    course.accepted = True
    session.tell(Authenticated(None if who is None else who.number))
    reached = await session.chronicle.run(
        partial(_accepted, session.id, course, services.clock.now())
    )
    if reached is not None:
        course.fault = Outcome.OVER_LIMIT
        session.tell(GuardReached.by(reached))
        await caller.say(caller.phrase(Phrase.GOODBYE))
        raise Over


def _accepted(session: str, course: Course, now: Instant, tx: Connection) -> Reached | None:
    """Write that a person has taken the call. Whoever was claimed counts from here on: with a guard
    of theirs that is reached the session goes no further. A unit of work."""
    who, triggering = course.identified, course.triggering
    records.session_accepted(tx, session, None if who is None else who.id)
    if who is None or (triggering is not None and triggering.id == who.id):
        return None
    claimed = [who.guarded]
    found = counts.load(tx, claimed, lock=True)
    reached = counts.sessions_reached(claimed, found) or counts.calls_reached(claimed, found, now)
    if reached is None:
        records.session_counts_for(tx, session, [who.id])
        counts.return_call_dialled(tx, found, now)
    return reached


def _asks_pin(session: CallbackSession) -> bool:
    """With `require_caller_pin` everybody is asked, except a triggering callerID that has no PIN,
    which needs none (but in `fixed` mode only a right PIN identifies)."""
    if not session.setup.require_caller_pin:
        return False
    if session.setup.return_calls is ReturnCalls.FIXED:
        return True
    triggering = session.course.triggering
    return triggering is None or triggering.pin_mac is not None


async def _accept(session: CallbackSession, caller: Caller, clock: Clock) -> None:
    until = clock.now() + ACCEPT_SECONDS
    while clock.now() < until:
        await caller.say(caller.phrase(Phrase.ACCEPT), until)
        key = await caller.key(min(until, clock.now() + _PAUSE_SECONDS))
        if key == "1":
            return
    session.course.fault = Outcome.NOT_ACCEPTED
    session.tell(NotAccepted())
    raise Over


async def charge_leg_a(session: CallbackSession, caller: Caller, waiting: Waiting) -> None:
    """Leg A is paid by the callerID who was identified, from its answer, in place of whoever paid
    so far. Raises Over, after `no_credit_sound`, where that callerID cannot pay."""
    who, triggering = session.course.identified, session.course.triggering
    if who is None or (triggering is not None and triggering.id == who.id):
        return
    extension, number, dialled = session.extension.id, caller.number, caller.dialled

    def work(money: Money) -> Refused | None:
        try:
            paying = payers(
                money.tx, levels.of_account(money.tx, extension), who.id, number, dialled
            )
        except NoRate as error:
            return Refused(Reason.NO_RATE, str(error))
        paying = spending.counted(paying, spending.of_session(session, [dialled]))
        shortage = money.change_payers_a(paying, money.now + UNTIL_SLICED_SECONDS)
        return None if shortage is None else Refused(Reason.NO_CREDIT, str(shortage))

    refused = await waiting.funds.change(work, keeps=UNTIL_SLICED_SECONDS)
    if refused is not None:
        session.course.fault = Outcome(refused.reason)
        session.tell(LegAUnpaid(refused.why))
        await caller.say(caller.no_credit_sound())
        raise Over
    waiting.watch_alone(farewell_seconds(caller))
