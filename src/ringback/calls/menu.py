"""The credit menu: press 1 to hear the credit, 2 to make a call (spec section 4, step 6)."""

from __future__ import annotations

from ringback.amounts import format_amount
from ringback.calls.keypad import EMPTY_SECONDS
from ringback.calls.line import Line, Over
from ringback.calls.outcome import Stage
from ringback.charging import ledger
from ringback.sounds.phrases import Phrase
from ringback.telephony.port import Sound

TIMES = 3
"""The menu is said at most so often."""


async def menu(line: Line) -> None:
    """Returns when the caller wants to make a call; raises Over when he never says so."""
    who = line.identified
    if not line.setup.credit_menu or who is None:
        return
    line.stage = Stage.MENU
    said = 0
    while line.typed or said < TIMES:
        said += not line.typed  # a key that was pressed already is taken without a word
        await line.say(line.phrase(Phrase.MENU))
        key = await line.key(line.now() + EMPTY_SECONDS)
        if key == "2":
            return
        if key == "1":
            await line.say(await _credit(line, who.ledger_id))
    await line.say(line.phrase(Phrase.GOODBYE))
    raise Over


async def _credit(line: Line, ledger_id: str) -> list[Sound]:
    """What is left to the caller. What this very call has reserved is not taken off, or he would
    hear less each time he asks."""
    balance = await line.services.store.read(lambda tx: ledger.balance(tx, ledger_id))
    if balance.unlimited:
        return line.phrase(Phrase.CREDIT_UNLIMITED)
    line.step("credit told", credit=format_amount(balance.spendable))
    return [
        *line.phrase(Phrase.CREDIT),
        *line.voice.amount(balance.spendable, line.services.currency),
    ]
