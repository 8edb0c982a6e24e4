"""Asking for a number to call (spec section 4, step 7)."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.calls.keypad import NUMBER_DIGITS, Entry
from ringback.calls.line import Line
from ringback.calls.outcome import Outcome, Stage
from ringback.clock import Instant
from ringback.guards.fixed import connects_to_emergency
from ringback.numbering import BadNumber, read_typed
from ringback.sounds.phrases import Phrase


@dataclass(frozen=True, slots=True)
class Dialled:
    """A number that the caller wants to call."""

    received: str
    """As it was typed, or what stood for it."""
    e164: str


class Asking:
    """The asking for one number. The clock of `dial_within_seconds` starts when the prompt was
    first said or interrupted, and runs on over numbers that cannot be called."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._until: Instant | None = None

    async def number(self) -> Dialled | None:
        """The next number, possible but not yet known to be allowed; None when the time is up."""
        line = self._line
        line.stage = Stage.NUMBER
        while True:
            if self._until is None:
                await line.say(line.phrase(Phrase.DIAL))
                self._until = line.now() + line.setup.dial_within_seconds
                entry = await line.ask([], NUMBER_DIGITS, self._until)
            else:
                entry = await line.ask(line.phrase(Phrase.DIAL), NUMBER_DIGITS, self._until)
            if entry is None:
                line.step("no number dialled in time")
                return None
            try:
                dialled = self._meaning(entry)
            except BadNumber:
                # Not what was typed: it may have been a PIN.
                line.step(f"number refused: none that can be dialled in {line.extension.country}")
                await self.refuse(Outcome.FORBIDDEN_NUMBER)
                continue
            if dialled is not None:
                return dialled
            if line.now() >= self._until:
                return None

    def _meaning(self, entry: Entry) -> Dialled | None:
        """None for an entry that means nothing. Raises BadNumber for an impossible number."""
        line = self._line
        who = line.identified
        digits = entry.digits
        if not digits:
            redial = None if who is None else line.last_number or who.last_number
            return None if redial is None or not entry.by_hash else Dialled("", redial)
        if who is not None and entry.by_hash and len(digits) <= 2:
            speed = who.speed_dials.get(digits)
            if speed is not None:
                return Dialled(digits, speed)
        country = line.extension.country
        if connects_to_emergency(digits, country):
            raise BadNumber("an emergency number")
        return Dialled(digits, read_typed(digits, country))

    async def refuse(self, why: Outcome) -> None:
        """Say that a number cannot be called; the caller may dial another."""
        line = self._line
        line.fault(why)
        line.typed.clear()
        await line.say(line.phrase(Phrase.NUMBER_REFUSED))
