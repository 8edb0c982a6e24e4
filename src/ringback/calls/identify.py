"""Accepting the return call, and proving who one is (spec section 3 "Who is calling", section 4
step 5).

Wording and timing are the same whatever was wrong with an entry, locked included.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection

from ringback import levels
from ringback.accounts import lockout, tree
from ringback.accounts.callback import AcceptPrompt, ReturnCalls
from ringback.accounts.tree import CallerIdFacts
from ringback.calls import records
from ringback.calls.keypad import NUMBER_DIGITS, SECRET_DIGITS, Entry
from ringback.calls.line import Line, Over
from ringback.calls.outcome import Outcome, Stage
from ringback.charging import ledger, payers
from ringback.charging.ledger import InsufficientCredit
from ringback.charging.meter import Step
from ringback.charging.payers import NoRate
from ringback.numbering import BadNumber, read_typed
from ringback.sounds.phrases import Phrase

ACCEPT_SECONDS = 20.0
"""The accept prompt is said for at most so long."""

REACTION_SECONDS = 0.5
"""A wrong entry is answered so long after it ended: how long the store takes depends on what was
wrong with it."""

_PAUSE_SECONDS = 1.5
"""Between one saying of the accept prompt and the next."""


async def identify(line: Line) -> None:
    """Take the caller from the answer to the end of authentication.

    Returns when the caller may go on; raises Over, with `line.course` saying why, otherwise.
    """
    line.stage = Stage.AUTHENTICATE
    asks_password = line.extension.password_mac is not None
    asks_pin = _asks_pin(line)
    prompt = line.setup.accept_prompt
    if prompt is AcceptPrompt.ALWAYS or (
        prompt is AcceptPrompt.AUTO and not asks_password and not asks_pin
    ):
        await _accept(line)
    if asks_password or asks_pin:
        await _Entries(line).run(asks_password=asks_password, asks_pin=asks_pin)
    if not asks_pin and line.setup.return_calls is not ReturnCalls.FIXED:
        line.identified = line.triggering
    caller_id = None if line.identified is None else line.identified.id
    line.accepted = True
    await line.services.store.run(lambda tx: records.session_accepted(tx, line.id, caller_id))
    line.step(
        "authenticated" if line.identified else "accepted",
        caller_id=None if line.identified is None else line.identified.number,
    )


def _asks_pin(line: Line) -> bool:
    """With `require_caller_pin` everybody is asked, except a triggering callerID that has no PIN,
    which needs none (but in `fixed` mode only a right PIN identifies)."""
    if not line.setup.require_caller_pin:
        return False
    if line.setup.return_calls is ReturnCalls.FIXED:
        return True
    return line.triggering is None or line.triggering.pin_mac is not None


async def _accept(line: Line) -> None:
    until = line.now() + ACCEPT_SECONDS
    while line.now() < until:
        await line.say(line.phrase(Phrase.ACCEPT), until)
        key = await line.key(min(until, line.now() + _PAUSE_SECONDS))
        if key == "1":
            return
    line.fault(Outcome.NOT_ACCEPTED)
    line.step("not accepted")
    raise Over


class _Entries:
    """The entries of one call, of which `pin_attempts` may be wrong or empty."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._left = line.setup.pin_attempts
        self._entered = line.now()
        """When the latest entry ended."""

    async def run(self, *, asks_password: bool, asks_pin: bool) -> None:
        line = self._line
        if asks_password:
            assert line.extension.password_mac is not None
            assert line.a is not None
            key = lockout.password_key(line.extension.id, line.a.number.e164)
            while True:
                entry = await line.ask(line.phrase(Phrase.PASSWORD), SECRET_DIGITS)
                if await self._right(_digits(entry), line.extension.password_mac, [key]):
                    break
                await self._wrong()
        if asks_pin:
            await self._pin()

    async def _pin(self) -> None:
        """The PIN of the triggering number where it has one, else of a number that is claimed."""
        line = self._line
        assert line.a is not None
        own = await self._triggering_number()
        while True:
            claimed = own
            if own is None:
                typed = await line.ask(line.phrase(Phrase.YOUR_NUMBER), NUMBER_DIGITS)
                claimed = await self._listed(_digits(typed))
            entry = await line.ask(line.phrase(Phrase.PIN), SECRET_DIGITS)
            is_own_phone = own is not None and line.a.number.e164 == own.number
            if is_own_phone:
                assert own is not None
                keys = [lockout.pin_key(own.id)]
            else:
                keys = [lockout.claims_from_key(line.a.number.e164)]
                if claimed is not None:
                    keys.append(lockout.claim_key(claimed.id))
            mac = None if claimed is None else claimed.pin_mac
            # A callerID that is locked on its own phone is locked everywhere.
            also = [] if claimed is None else [lockout.pin_key(claimed.id)]
            if await self._right(_digits(entry), mac, keys, also):
                line.identified = claimed
                line.pin_given = True
                return
            await self._wrong()

    async def _triggering_number(self) -> CallerIdFacts | None:
        """The callerID of the triggering number, if it is enabled and has a PIN."""
        line = self._line
        listed = line.triggering
        if listed is None and line.origin.caller is not None:
            caller = line.origin.caller
            listed = await line.services.store.read(
                lambda tx: tree.find_caller_id(tx, line.extension.id, caller)
            )
        return listed if listed is not None and listed.enabled and listed.pin_mac else None

    async def _listed(self, typed: str) -> CallerIdFacts | None:
        """The callerID of a number typed, if it can be claimed."""
        line = self._line
        try:
            number = read_typed(typed, line.extension.country)
        except BadNumber:
            return None
        listed = await line.services.store.read(
            lambda tx: tree.find_caller_id(tx, line.extension.id, number)
        )
        return listed if listed is not None and listed.enabled and listed.pin_mac else None

    async def _right(
        self, entry: str, mac: str | None, keys: Collection[str], also: Collection[str] = ()
    ) -> bool:
        """Whether an entry is right and nothing that it stands under is locked: `keys`, which it
        lifts or counts for, and what else may be locked `also`."""
        line, now = self._line, self._line.now()
        self._entered = now
        matches = line.services.secrets.matches(entry, mac)

        def work(tx: Connection) -> tuple[bool, bool]:
            locks = lockout.load(tx, [*keys, *also])
            if any(lock.locked(now) for lock in locks.values()):
                return False, True
            for key in keys:
                lock = locks[key]
                if matches:
                    lockout.lift(tx, key)
                elif entry:
                    lockout.save(tx, key, lock.after_wrong(now))
            return matches, False

        right, locked = await line.services.store.run(work)
        if not right:
            line.fault(Outcome.LOCKED_OUT if locked else Outcome.WRONG_PASSWORD)
            why = "locked out after wrong entries before" if locked else "wrong or empty"
            line.step("entry refused", reason=f"{why}: see pin_attempts")
        return right

    async def _wrong(self) -> None:
        self._left -= 1
        line = self._line
        line.typed.clear()
        await line.pause(self._entered + REACTION_SECONDS)
        if self._left == 0:
            await line.say(line.phrase(Phrase.GOODBYE))
            raise Over
        await line.say(line.phrase(Phrase.WRONG_ENTRY))


def _digits(entry: Entry | None) -> str:
    return "" if entry is None else entry.digits


UNTIL_SLICED_SECONDS = 10.0
"""Who comes to pay leg A pays so far ahead at first: what he has may not be enough for all that
others had reserved."""


async def charge_leg_a(line: Line) -> None:
    """Leg A is paid by the callerID who was identified, from its answer, in place of whoever
    paid so far; if he cannot, `no_credit_sound` and the end (spec section 6, "Who pays")."""
    who = line.identified
    if who is None or (line.triggering is not None and line.triggering.id == who.id):
        return
    assert line.a is not None
    number, dialled, now = line.a.number.e164, line.a.started, line.now()

    def work(tx: Connection) -> Step:
        paying = payers.payers(
            tx, levels.of_extension(tx, line.extension.id), who.id, number, dialled
        )
        step = line.meter.change_payers_a(paying, now + UNTIL_SLICED_SECONDS)
        ledger.trim(tx, step.trims)
        ledger.reserve(tx, step.holds)
        ledger.settle(tx, step.releases, now)
        return step

    await line.sliced()
    try:
        line.meter.applied(await line.services.store.run(work))
    except (InsufficientCredit, NoRate) as error:
        line.fault(Outcome.NO_CREDIT if isinstance(error, InsufficientCredit) else Outcome.NO_RATE)
        line.step("leg A cannot be paid", reason=str(error))
        await line.say(line.no_credit_sound())
        raise Over from error
    line.watch_alone()
