"""Password and PIN: asked, held against what is stored, counted towards a lock-out (spec section 4,
step 5).

Wording and timing are the same whatever was wrong with an entry, locked included.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from ringback.accounts import lockout, standing, tree
from ringback.accounts.tree import CallerIdFacts
from ringback.calls.caller import Caller
from ringback.calls.course import CallbackSession
from ringback.calls.events import EntryRefused
from ringback.calls.keypad import NUMBER_DIGITS, SECRET_DIGITS, Entry
from ringback.calls.outcome import Outcome
from ringback.calls.services import Services
from ringback.calls.waiting import Over
from ringback.numbering import BadNumber, read_typed
from ringback.sounds.phrases import Phrase

REACTION_SECONDS = 0.5
"""A wrong entry is answered so long after it ended: how long the store takes depends on what was
wrong with it."""


@dataclass(frozen=True, slots=True)
class _Claim:
    """Whose PIN is asked for."""

    number: str | None
    """E.164; None: none was typed, or none that can be read."""
    listed: CallerIdFacts | None
    """Of that number, if it can be claimed."""


@dataclass(frozen=True, slots=True)
class _Proof:
    """What an entry is held against."""

    owner: str
    """The id of whose secret it is."""
    mac: str | None
    """None: no entry is right."""
    counts_for: tuple[str, ...]
    """The locks that it stands under, which a right entry lifts and a wrong one counts for."""
    locked_by: tuple[str, ...] = ()
    """What else may be locked."""
    claimed: str | None = None
    """Stands for the number that is claimed with it, listed or not."""


@dataclass(frozen=True, slots=True)
class _Judged:
    right: bool
    locked: bool = False


class Entries:
    """The entries of one call, of which `pin_attempts` may be wrong or empty."""

    def __init__(self, session: CallbackSession, caller: Caller, services: Services) -> None:
        self._session = session
        self._caller = caller
        self._services = services
        self._left = session.setup.pin_attempts

    async def password(self) -> None:
        """Ask for the extension's password until it is right. Raises Over."""
        extension, caller = self._session.extension, self._caller
        key = lockout.password_key(extension.id, caller.number)
        proof = _Proof(extension.id, extension.password_mac, (key,))
        while not await self._entered(Phrase.PASSWORD, proof):
            pass

    async def pin(self) -> None:
        """Ask for the PIN of the triggering number where it has one, else of a number that is
        claimed, until it is right. Raises Over."""
        own = await self._triggering_number()
        while True:
            claim = await self._claim() if own is None else _Claim(own.number, own)
            if await self._entered(Phrase.PIN, self._proof(claim)):
                self._session.course.identified = claim.listed
                self._session.course.pin_given = True
                return

    def _proof(self, claim: _Claim) -> _Proof:
        listed, number = claim.listed, self._caller.number
        if listed is not None and listed.number == number:  # typed on the callerID's own phone
            return _Proof(listed.id, listed.pin_mac, (lockout.pin_key(listed.id),))
        from_here = lockout.claims_from_key(number)
        claimed = None
        if claim.number is not None:
            extension = self._session.extension.id
            claimed = self._services.secrets.mac(extension, claim.number)
        if listed is None:
            return _Proof("", None, (), (from_here,), claimed)
        # A callerID that is locked on its own phone is locked everywhere.
        locked_by = from_here, lockout.pin_key(listed.id)
        return _Proof(
            listed.id, listed.pin_mac, (lockout.claim_key(listed.id),), locked_by, claimed
        )

    async def _triggering_number(self) -> CallerIdFacts | None:
        """The callerID of the triggering number, if it is enabled and has a PIN."""
        triggering = self._session.course.triggering
        caller = self._session.origin.caller
        if triggering is None and caller is not None:
            return await self._listed(caller)
        return self._claimable(triggering)

    async def _claim(self) -> _Claim:
        """The callerID of a number that the caller types, if it can be claimed."""
        caller, country = self._caller, self._session.extension.country
        typed = await caller.ask(caller.phrase(Phrase.YOUR_NUMBER), NUMBER_DIGITS)
        try:
            number = read_typed(_digits(typed), country)
        except BadNumber:
            return _Claim(None, None)
        return _Claim(number, await self._listed(number))

    async def _listed(self, number: str) -> CallerIdFacts | None:
        extension = self._session.extension.id
        return self._claimable(
            await self._services.store.read(lambda tx: tree.find_caller_id(tx, extension, number))
        )

    def _claimable(self, listed: CallerIdFacts | None) -> CallerIdFacts | None:
        if listed is None or listed.pin_mac is None:
            return None
        zone, now = self._session.extension.time_zone, self._services.clock.now()
        return listed if standing.of_caller_id(listed, zone, now) is None else None

    async def _entered(self, prompt: Phrase, proof: _Proof) -> bool:
        """Ask once. Raises Over when no entry is left."""
        caller, clock = self._caller, self._services.clock
        entry = _digits(await caller.ask(caller.phrase(prompt), SECRET_DIGITS))
        entered = clock.now()
        judged = await self._judge(entry, proof)
        if judged.right:
            return True
        self._session.course.fault = Outcome.LOCKED_OUT if judged.locked else Outcome.WRONG_PASSWORD
        why = "locked out after wrong entries before" if judged.locked else "wrong or empty"
        self._session.tell(EntryRefused(f"{why}: see pin_attempts"))
        self._left -= 1
        caller.forget_typed()
        await caller.pause(entered + REACTION_SECONDS)
        if self._left == 0:
            await caller.say(caller.phrase(Phrase.GOODBYE))
            raise Over
        await caller.say(caller.phrase(Phrase.WRONG_ENTRY))
        return False

    async def _judge(self, entry: str, proof: _Proof) -> _Judged:
        """Whether an entry is right and nothing that it stands under is locked."""
        now, here = self._services.clock.now(), self._caller.number
        matches = self._services.secrets.matches(proof.owner, entry, proof.mac)
        empty = not entry

        def work(tx: Connection) -> _Judged:
            locks = lockout.load(tx, [*proof.counts_for, *proof.locked_by])
            if any(lock.locked(now) for lock in locks.values()):
                return _Judged(right=False, locked=True)
            for key in proof.counts_for:
                if matches:
                    lockout.lift(tx, key)
                elif not empty:
                    lockout.save(tx, key, locks[key].after_wrong(now))
            if proof.claimed is not None and not matches and not empty:
                lockout.claimed_wrongly(tx, here, proof.claimed, now)
            return _Judged(right=matches)

        return await self._session.chronicle.run(work)


def _digits(entry: Entry | None) -> str:
    return "" if entry is None else entry.digits
