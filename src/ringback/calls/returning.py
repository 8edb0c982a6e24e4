"""The return call: when it is due, whether it is still to be made, and again after a failure
(spec sections 3 and 4, steps 3 and 4)."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.accounts import tree
from ringback.accounts.tree import CallerIdFacts, ExtensionFacts
from ringback.calls import records
from ringback.calls.caller import Caller, seconds_of
from ringback.calls.causes import causes
from ringback.calls.course import CallbackSession
from ringback.calls.dialling import Dialled, Dialler
from ringback.calls.events import ReturnAgain, ReturnAnswered, ReturnRefused
from ringback.calls.facts import of_return_call
from ringback.calls.inbox import TriggeredAgain
from ringback.calls.insisting import Pauses
from ringback.calls.outcome import FINAL, Outcome, Reason, of_unanswered
from ringback.calls.party import Party
from ringback.calls.presentation import shown_to_caller
from ringback.calls.services import Services
from ringback.calls.verdict import Accepted, Refused, verdict
from ringback.calls.waiting import NotAgain, Ordered, Waiting
from ringback.charging.money import Money
from ringback.clock import Instant
from ringback.guards import counts
from ringback.sounds.library import OwnSounds
from ringback.store import StoreError
from ringback.telephony.port import Cause, Ending, Shown
from ringback.telephony.trunks import Trunk


async def return_call(
    session: CallbackSession, waiting: Waiting, services: Services
) -> Caller | Outcome:
    """Call back until somebody answers: the caller, or what became of the session.

    While the store takes nothing, nothing is dialled, and the call is put off. Raises LeftOpen
    where the server stops first.
    """
    returning = _Returning(session, waiting, services)
    pauses = Pauses()
    try:
        while True:
            try:
                reached = await returning.once()
            except StoreError as error:
                if session.course.answered:
                    raise
                session.chronicle.trouble(f"return call put off: {error}")
                session.course.due = max(session.course.due, services.clock.now() + pauses.next())
            else:
                if reached is not None:
                    return reached
    except Ordered:
        return Outcome.CANCELLED if waiting.a is None else Outcome.ENDED
    except NotAgain:
        return session.course.met


@dataclass(frozen=True, slots=True)
class _Permitted:
    """The return call may be dialled: what holds from now on."""

    extension: ExtensionFacts
    triggering: CallerIdFacts | None
    sounds: OwnSounds


class _Returning:
    """The attempts of one return call."""

    def __init__(self, session: CallbackSession, waiting: Waiting, services: Services) -> None:
        self._session = session
        self._waiting = waiting
        self._services = services
        self._sounds = OwnSounds()
        self._counted = False
        """The attempt under way has its place among the calls of this hour."""

    async def once(self) -> Caller | Outcome | None:
        """Wait until the call is due and make it once; None: again, at `course.due`."""
        session = self._session
        if session.course.answered:
            raise NotAgain
        if await self._expired():
            return Outcome.EXPIRED
        dialled = await self._dial()
        match dialled:
            case Refused():
                outcome = Outcome(dialled.reason)
                for cause in causes(dialled):
                    session.tell(cause)
                session.tell(ReturnRefused(outcome, dialled.why))
                return outcome
            case Party():
                caller = self._caller(dialled)
                self._waiting.watch_alone(farewell_seconds(caller))
                session.tell(ReturnAnswered(caller.number))
                return caller
            case Ending(cause=cause):
                return await self._again(cause)

    async def _expired(self) -> bool:
        """Wait until the call is due; True when the request expires first. A retry that would come
        later must not keep its number from triggering anew."""
        session, clock = self._session, self._services.clock
        course = session.course
        expires = session.origin.started + session.setup.request_expires_seconds
        while clock.now() < course.due:
            if clock.now() >= expires:
                return True
            message = await self._waiting.next(min(course.due, expires))
            if isinstance(message, TriggeredAgain):
                await self._move(message.at)
        return clock.now() > expires

    async def _move(self, trigger_ended: Instant) -> None:
        """A further trigger of the same number: the return call comes after that one."""
        self._session.course.triggered_again = None
        await self._put_off(trigger_ended + self._session.setup.callback_delay_seconds)

    async def _put_off(self, due: Instant) -> None:
        session, course = self._session, self._session.course
        course.due = due
        attempts = course.attempts
        await session.chronicle.run(lambda tx: records.session_due(tx, session.id, due, attempts))

    # One attempt

    async def _dial(self) -> Party | Ending | Refused:
        session = self._session

        def shown(trunk: Trunk) -> Shown:
            return shown_to_caller(
                session.origin.access_number,
                session.extension.public_number,
                session.extension.contact_name,
                trunk,
            )

        dialler = Dialler(session, self._waiting, self._services, self._waiting.next)
        self._counted = False
        return await dialler.dial(
            Dialled("A", session.return_number, session.return_number),
            shown,
            self._reserve,
            self._permitted,
        )

    def _reserve(self, money: Money, leg_id: str, latest_answer: Instant) -> _Permitted | Refused:
        """The verdict taken again, and leg A reserved."""
        session, services = self._session, self._services
        extension = tree.load_extension(money.tx, session.extension.id)
        found = of_return_call(
            money.tx,
            services.guards,
            extension,
            session.id,
            session.origin.calling,
            money.now,
            accepted_for=session.return_number,
            counted=self._counted,
        )
        result = verdict(found.facts).result
        if not isinstance(result, Accepted):
            assert isinstance(result, Refused)  # its own session is no duplicate
            return result
        shortage = money.open_a(leg_id, found.payers)
        if shortage is not None:
            return Refused(Reason.NO_CREDIT, str(shortage))
        if not self._counted:
            counts.return_call_dialled(money.tx, found.counts, money.now)
        setup = extension.setup
        sounds = services.sounds.load(
            money.tx,
            extension.chain,
            [path for path in (setup.disconnect_sound, setup.no_credit_sound) if path],
            _languages(extension, result.caller_id),
        )
        return _Permitted(extension, result.caller_id, sounds)

    def _permitted(self, permitted: _Permitted) -> None:
        self._counted = True
        self._session.extension = permitted.extension
        self._session.course.triggering = permitted.triggering
        self._sounds = permitted.sounds
        self._services.sounds.tell_missing(permitted.sounds)

    def _caller(self, party: Party) -> Caller:
        session, services = self._session, self._services
        voice = services.sounds.announcer(self._sounds)
        return Caller(party, session, self._waiting, services.clock, voice, self._sounds)

    # After one

    async def _again(self, cause: Cause) -> Outcome | None:
        """What follows an attempt that nobody answered: None for another, at `course.due`."""
        session, course = self._session, self._session.course
        outcome = course.met = of_unanswered(cause)
        if course.answered or cause in FINAL:
            return outcome
        triggering = self._services.triggering.includes(session.extension.id, session.return_number)
        # The caller's line was busy with the trigger call itself.
        ours = cause is Cause.BUSY and (triggering or course.triggered_again is not None)
        if not ours:
            course.attempts += 1
            if course.attempts >= session.setup.attempts:
                return outcome
        if course.triggered_again is not None:
            await self._move(course.triggered_again)
            return None
        seconds = session.setup.retry_after_seconds
        await self._put_off(self._services.clock.now() + seconds)
        session.tell(ReturnAgain(seconds))
        return None


def _languages(extension: ExtensionFacts, listed: CallerIdFacts | None) -> tuple[str, str]:
    """The callerID's own, else that of the setup or the account; and the account's."""
    own = (listed.language if listed else None) or extension.language
    return own, extension.levels[0].language


def farewell_seconds(caller: Caller) -> float:
    """How long before the end of leg A's money `no_credit_sound` is begun; 0: there is none."""
    sound = caller.no_credit_sound()
    return seconds_of(sound) + 0.2 if sound else 0.0
