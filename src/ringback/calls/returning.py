"""The return call: when it is due, whether it is still to be made, and again after a failure
(spec sections 3 and 4, steps 3 and 4)."""

from __future__ import annotations

from sqlalchemy import Connection

from ringback.accounts import tree
from ringback.calls import records
from ringback.calls.decision import Refused
from ringback.calls.dialling import Dialler
from ringback.calls.inbox import TriggeredAgain
from ringback.calls.insisting import Pauses
from ringback.calls.line import Line, Ordered
from ringback.calls.outcome import FINAL, Outcome, Stage, of_unanswered
from ringback.calls.party import Party
from ringback.calls.permission import decision_again, lack_of_credit, return_refusal
from ringback.calls.presentation import shown_to_caller
from ringback.charging import ledger, payers
from ringback.charging.ledger import InsufficientCredit
from ringback.charging.meter import Step
from ringback.charging.packages import allowances_of
from ringback.charging.payers import NoRate
from ringback.clock import Instant
from ringback.store import StoreError
from ringback.telephony.port import Cause, Ending, Shown
from ringback.telephony.trunks import Trunk


class NotReached(Exception):
    """The return call was not made or not answered."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.value)
        self.outcome = outcome


async def return_call(line: Line, number: str) -> None:
    """Call `number` until it answers. Raises NotReached with the session's outcome.

    While the store takes nothing, nothing is dialled, and the call is put off."""
    line.stage = Stage.RETURN
    pauses = Pauses()
    try:
        while True:
            try:
                await _until_due(line)
                party = await _dial(line, number)
                if isinstance(party, Party):
                    line.watch_alone()
                    line.step("return call answered", number=number)
                    return
                await _again(line, number, party.cause)
            except StoreError as error:
                if line.was_answered:
                    raise
                line.services.journal.trouble(line.id, f"return call put off: {error}")
                line.due = max(line.due, line.now() + pauses.next())
    except Ordered as order:
        dialled = line.a is not None
        raise NotReached(Outcome.ENDED if dialled else Outcome.CANCELLED) from order


async def _until_due(line: Line) -> None:
    """Raises NotReached when the request expires first: a retry that would come later must not
    keep its number from triggering anew."""
    expires = line.origin.started + line.setup.request_expires_seconds
    while line.now() < line.due:
        if line.now() >= expires:
            raise NotReached(Outcome.EXPIRED)
        message = await line.next(min(line.due, expires))
        if isinstance(message, TriggeredAgain):
            await _move(line, message.at)
    if line.now() > expires:
        raise NotReached(Outcome.EXPIRED)


async def _move(line: Line, trigger_ended: Instant) -> None:
    """A further trigger of the same number: the return call comes after that one."""
    line.due = trigger_ended + line.setup.callback_delay_seconds
    line.triggered_again = None
    due, attempts = line.due, line.attempts
    await line.services.store.run(lambda tx: records.session_due(tx, line.id, due, attempts))


async def _dial(line: Line, number: str) -> Party | Ending:
    def shown(trunk: Trunk) -> Shown:
        return shown_to_caller(
            line.origin.access_number,
            line.extension.public_number,
            line.extension.contact_name,
            trunk,
        )

    def reserve(tx: Connection, leg_id: str, latest_answer: Instant) -> Step:
        _decide_again(tx, line, number)
        now = line.now()
        who = None if line.triggering is None else line.triggering.id
        paying = payers.payers(tx, line.extension.id, who, number, now)
        step = line.meter.open_a(leg_id, paying, ledger.free_left(tx, allowances_of(paying)))
        lacking = lack_of_credit(tx, line.extension, step.holds)
        if lacking is not None:
            raise InsufficientCredit(lacking)
        return step

    try:
        return await Dialler(line, "A", number, number, shown, reserve).dial()
    except InsufficientCredit as error:
        line.step("no credit for the return call", reason=str(error))
        raise NotReached(Outcome.NO_CREDIT) from error
    except NoRate as error:
        line.step("no rate for the return call", reason=str(error))
        raise NotReached(Outcome.REFUSED_NO_RATE) from error


def _decide_again(tx: Connection, line: Line, number: str) -> None:
    """The decision, taken again before the leg is dialled. Raises NotReached."""
    extension = tree.load_extension(tx, line.extension.id)
    now = line.now()
    decided = decision_again(tx, extension, line.origin.caller, number, now)
    if not isinstance(decided, Refused):
        refused = return_refusal(tx, line.services, extension, decided, now)
        decided = refused or decided
    if isinstance(decided, Refused):
        line.step("return call refused", reason=decided.reason)
        raise NotReached(decided.outcome)
    line.extension = extension
    line.triggering = listed = decided.caller_id
    language = (listed.language if listed else None) or extension.language
    line.voice = line.services.sounds.voice(language)
    setup = extension.setup
    line.sounds = line.services.sounds.load(
        tx,
        (extension.id, *extension.accounts),
        [path for path in (setup.disconnect_sound, setup.no_credit_sound) if path],
        language,
    )


async def _again(line: Line, number: str, cause: Cause) -> None:
    """Decide what follows an attempt that nobody answered: `line.due`, or NotReached."""
    outcome = of_unanswered(cause)
    if line.was_answered or cause in FINAL:
        raise NotReached(outcome)
    triggering_now = line.services.ringing.ringing(line.extension.id, number)
    ours = cause is Cause.BUSY and (triggering_now or line.triggered_again is not None)
    if not ours:
        line.attempts += 1
        if line.attempts >= line.setup.attempts:
            raise NotReached(outcome)
    if line.triggered_again is not None:
        await _move(line, line.triggered_again)
        return
    line.due = line.now() + line.setup.retry_after_seconds
    due, attempts = line.due, line.attempts
    await line.services.store.run(lambda tx: records.session_due(tx, line.id, due, attempts))
    line.step("return call again", seconds=line.setup.retry_after_seconds)
