"""Asking for a number to call (spec section 4, step 7)."""

from __future__ import annotations

from ringback.calls.caller import Caller
from ringback.calls.course import CallbackSession
from ringback.calls.dialling import Dialled
from ringback.calls.events import NoNumberDialled, NumberImpossible
from ringback.calls.keypad import NUMBER_DIGITS, Entry
from ringback.calls.outcome import Outcome, Stage
from ringback.clock import Clock, Instant
from ringback.guards.fixed import connects_to_emergency
from ringback.numbering import BadNumber, read_typed
from ringback.sounds.phrases import Phrase


class Asking:
    """The asking for one number. The clock of `dial_within_seconds` starts when the prompt was
    first said or interrupted, and runs on over numbers that cannot be called."""

    def __init__(self, session: CallbackSession, caller: Caller, clock: Clock) -> None:
        self._session = session
        self._caller = caller
        self._clock = clock
        self._until: Instant | None = None

    async def number(self) -> Dialled | None:
        """The next number, possible but not yet known to be allowed; None when the time is up."""
        session, caller = self._session, self._caller
        session.course.stage = Stage.NUMBER
        while True:
            if self._until is None:
                await caller.say(caller.phrase(Phrase.DIAL))
                self._until = self._clock.now() + session.setup.dial_within_seconds
                entry = await caller.ask([], NUMBER_DIGITS, self._until)
            else:
                entry = await caller.ask(caller.phrase(Phrase.DIAL), NUMBER_DIGITS, self._until)
            if entry is None:
                session.tell(NoNumberDialled())
                return None
            try:
                dialled = self._meaning(entry)
            except BadNumber:
                session.tell(NumberImpossible(session.extension.country))
                await self.refuse(Outcome.FORBIDDEN_NUMBER)
                continue
            if dialled is not None:
                return dialled
            if self._clock.now() >= self._until:
                return None

    def _meaning(self, entry: Entry) -> Dialled | None:
        """None for an entry that means nothing. Raises BadNumber for an impossible number."""
        who, digits = self._session.course.identified, entry.digits
        if not digits:
            redial = None if who is None else self._session.course.last_number or who.last_number
            return None if redial is None or not entry.by_hash else Dialled("B", redial, "")
        if who is not None and entry.by_hash and len(digits) <= 2:
            speed = who.speed_dials.get(digits)
            if speed is not None:
                return Dialled("B", speed, digits)
        country = self._session.extension.country
        if connects_to_emergency(digits, country):
            raise BadNumber("an emergency number")
        return Dialled("B", read_typed(digits, country), digits)

    async def refuse(self, why: Outcome) -> None:
        """Say that a number cannot be called; the caller may dial another."""
        self._session.course.fault = why
        self._caller.forget_typed()
        await self._caller.say(self._caller.phrase(Phrase.NUMBER_REFUSED))
