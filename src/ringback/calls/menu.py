"""The credit menu: press 1 to hear the credit, 2 to make a call (spec section 4, step 6)."""

from __future__ import annotations

from ringback.amounts import format_amount
from ringback.calls.caller import Caller
from ringback.calls.course import CallbackSession
from ringback.calls.events import CreditTold
from ringback.calls.keypad import EMPTY_SECONDS
from ringback.calls.outcome import Stage
from ringback.calls.services import Services
from ringback.calls.waiting import Over
from ringback.charging.money import spendable
from ringback.sounds.phrases import Phrase
from ringback.telephony.port import Sound

TIMES = 3
"""The menu is said at most so often."""


async def menu(session: CallbackSession, caller: Caller, services: Services) -> None:
    """Returns when the caller wants to make a call; raises Over when they never say so."""
    who = session.course.identified
    if not session.setup.credit_menu or who is None:
        return
    session.course.stage = Stage.MENU
    said = 0
    while caller.typed_ahead or said < TIMES:
        said += not caller.typed_ahead  # a key that was pressed already is taken without a word
        await caller.say(caller.phrase(Phrase.MENU))
        key = await caller.key(services.clock.now() + EMPTY_SECONDS)
        if key == "2":
            return
        if key == "1":
            await caller.say(await _credit(session, caller, services, who.ledger_id))
    await caller.say(caller.phrase(Phrase.GOODBYE))
    raise Over


async def _credit(
    session: CallbackSession, caller: Caller, services: Services, ledger_id: str
) -> list[Sound]:
    credit = await services.store.read(lambda tx: spendable(tx, ledger_id))
    if credit is None:
        return caller.phrase(Phrase.CREDIT_UNLIMITED)
    session.tell(CreditTold(format_amount(credit)))
    return caller.voice.credit(credit, services.currency)
