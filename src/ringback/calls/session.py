"""A callback session, from the moment its return call is due to goodbye.

It reads top to bottom as the spec's section 4 does. Before it comes the trigger call (`trigger`);
what it needs of the outside is in its `Line`.
"""

from __future__ import annotations

import traceback

from sqlalchemy import Connection

from ringback.calls import records
from ringback.calls.identify import charge_leg_a, identify
from ringback.calls.insisting import insist
from ringback.calls.line import CutOff, Line, OutOfCredit, Over
from ringback.calls.menu import menu
from ringback.calls.number import Asking, Dialled
from ringback.calls.outcome import Outcome, of_answered
from ringback.calls.outgoing import LONGEST_TAIL_SECONDS, Refused, call_out, end_party
from ringback.calls.party import doubt, settle_undialled
from ringback.calls.returning import NotReached, return_call
from ringback.calls.watch import CUT_LEAD_SECONDS
from ringback.clock import Instant
from ringback.sounds.phrases import Phrase
from ringback.store import StoreError
from ringback.telephony.port import Sound


async def run_session(line: Line, return_number: str) -> None:
    """The whole session. It always closes: both legs ended, everything settled, the record
    written; while the store does not take that, it is tried again."""
    try:
        outcome = await _session(line, return_number)
    except StoreError as error:
        doubt(line.a, line.b)
        line.services.journal.trouble(line.id, f"interrupted: {error}")
        outcome = Outcome.INTERRUPTED
    except Exception as error:  # noqa: BLE001  a fault of ours must not leave a call unsettled
        doubt(line.a, line.b)
        trace = "".join(traceback.format_exception(error))
        line.services.journal.trouble(line.id, f"interrupted by a fault of Ringback: {trace}")
        outcome = Outcome.INTERRUPTED
    finally:
        await _hang_up(line)
    await _close(line, outcome)


async def _session(line: Line, return_number: str) -> Outcome:
    try:
        await return_call(line, return_number)
    except NotReached as reason:
        return reason.outcome
    try:
        await identify(line)
        await charge_leg_a(line)
        await menu(line)
        await _calls(line)
        await line.say(line.phrase(Phrase.GOODBYE))
    except CutOff:
        await _cut_off(line)
    except OutOfCredit:
        await _out_of_credit(line)
    except Over:
        pass
    return of_answered(line.course)


async def _calls(line: Line) -> None:
    """One number after the other, until the caller has had enough."""
    destination = line.origin.destination
    while line.numbers_dialled < line.setup.calls_per_session:
        asking = Asking(line)
        dialled = Dialled(destination, destination) if destination else await asking.number()
        destination = None
        while dialled is not None:
            try:
                await call_out(line, dialled)
                break
            except Refused as refused:
                await _tell(line, asking, refused)
                dialled = await asking.number()
        if dialled is None:
            return


async def _tell(line: Line, asking: Asking, refused: Refused) -> None:
    if refused.outcome is Outcome.NO_CREDIT:
        line.fault(Outcome.NO_CREDIT)
        line.step("no credit for this call")
        line.typed.clear()
        await line.say(line.no_credit_sound() or line.phrase(Phrase.NO_CREDIT))
    else:
        await asking.refuse(refused.outcome)


async def _cut_off(line: Line) -> None:
    """B goes; then `disconnect_sound` is played to A; then A goes, before its own instant."""
    line.course.cut_off = True
    line.step("cut off")
    if line.b is not None:
        line.b.leg.hang_up()
    if line.a is not None:
        line.a.leg.unbridge()
    sound = line.disconnect_sound()
    length = min(LONGEST_TAIL_SECONDS, sum(clip.seconds for clip in sound))
    # A little more, in which the far end gets the last of it; and never after leg A's own instant.
    ends_by = line.now() + length + CUT_LEAD_SECONDS / 2
    await _last_words(line, sound, min(ends_by, line.meter.funded_a() - CUT_LEAD_SECONDS / 2))


async def _out_of_credit(line: Line) -> None:
    line.fault(Outcome.NO_CREDIT)
    line.step("no credit left for the return call")
    if line.b is not None:  # it rings, and is not to be answered any more
        line.b.leg.hang_up()
    if line.a is not None:
        line.a.leg.unbridge()
    await _last_words(line, line.no_credit_sound(), line.meter.funded_a() - CUT_LEAD_SECONDS)


async def _last_words(line: Line, sound: list[Sound], ends_by: Instant) -> None:
    line.watch = None  # these are its last deadlines
    try:
        await line.say_last(sound, ends_by)
    except Over:
        return  # the caller left while it was played


async def _hang_up(line: Line) -> None:
    """End what is left of both legs: B within 250 ms of A."""
    for party in (line.b, line.a):
        if party is not None and party.ended is None:
            party.leg.hang_up()
    for party in (line.b, line.a):
        if party is not None:
            await end_party(line, party)


async def _close(line: Line, outcome: Outcome) -> None:
    """Charges settled once, the record written."""
    await line.sliced()
    now = line.now()

    def work(tx: Connection) -> None:
        for party in (line.b, line.a):
            if party is not None:
                party.settle(tx, line.meter, now)
        settle_undialled(tx, line.undialled, now)
        records.session_ended(
            tx,
            line.id,
            outcome,
            line.stage,
            now,
            accepted=line.accepted,
            caller_id=None if line.identified is None else line.identified.id,
        )

    await insist(line.services, line.id, "the end of the session", work)
    line.step("ended", outcome=outcome.value, stage=line.stage.value)
