"""The line: the live state of a session and the one place where it waits.

Whatever the session is doing, `next` watches over it: the caller hanging up, an order to end, and
the deadlines of the money all leave it as an exception, so that the steps of a session can be
written as if nothing ever went wrong.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from ringback.accounts.callback import CallbackSetup
from ringback.accounts.tree import CallerIdFacts, ExtensionFacts
from ringback.calls.inbox import Credited, End, Inbox, LegEvent, TriggeredAgain, Woken
from ringback.calls.keypad import Entry, Keypad
from ringback.calls.outcome import Course, Outcome, Stage
from ringback.calls.party import Party, doubt
from ringback.calls.services import Services
from ringback.calls.slices import Slices
from ringback.calls.watch import Task, Watch
from ringback.charging.meter import Meter
from ringback.clock import Instant
from ringback.sounds.library import OwnSounds
from ringback.sounds.phrases import Phrase
from ringback.sounds.speech import Voice
from ringback.telephony.port import (
    Answered,
    Cause,
    Digit,
    Ended,
    Event,
    Leg,
    PlaybackFinished,
    Sound,
)

ALONE_SECONDS = 180.0
"""Outside a conversation leg A lives at most so long in a row (spec section 4)."""


class Over(Exception):
    """The session ends here; what is left is to close it."""


class CallerLeft(Over):
    """Leg A has ended."""


class Ordered(Over):
    """Somebody ordered the end."""


class CutOff(Over):
    """A conversation has come to the end of its money or to its absolute limit."""


class OutOfCredit(Over):
    """Leg A alone cannot go on for lack of credit."""


class AloneTooLong(Over):
    """Leg A has been without a conversation for too long."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a session came from."""

    access_number: str | None
    caller: str | None
    """The triggering number, E.164; None when hidden."""
    caller_name: str | None
    destination: str | None
    """A number to dial without asking."""
    started: Instant


class Line:
    """A session's state, shared by its steps."""

    def __init__(
        self, services: Services, session: str, extension: ExtensionFacts, origin: Origin
    ) -> None:
        self.services = services
        self.id = session
        self.extension = extension
        self.origin = origin
        self.inbox = Inbox(services.clock)
        self.meter = Meter()
        self.voice: Voice = services.sounds.voice(extension.language)
        self.sounds = OwnSounds()
        self.course = Course()
        self.stage = Stage.TRIGGER
        self.a: Party | None = None
        self.b: Party | None = None
        self.triggering: CallerIdFacts | None = None
        """The authorized callerID whose number triggered, where the mode counts it."""
        self.identified: CallerIdFacts | None = None
        self.pin_given = False
        self.accepted: bool | None = None
        self.undialled: list[str] = []
        """Attempts whose commit failed, and may have been kept all the same."""
        self.watch: Watch | None = None
        self.typed: deque[Digit] = deque()
        self.triggered_again: Instant | None = None
        """When the latest further trigger of the same number ended."""
        self.last_number: str | None = None
        """E.164 of the last number dialled in this session."""
        self.numbers_dialled = 0
        self.caller_gone = False
        """Leg A has ended, which the session may have yet to learn."""
        self.was_answered = False
        """The return call was answered once: it is never made again."""
        self.due: Instant = origin.started
        """When the return call is dialled."""
        self.attempts = 0
        """Return calls that counted against `attempts` of the setup."""
        self._keypad = Keypad()
        self._slices = Slices(services, session, self.meter, lambda: doubt(self.a, self.b))
        self._alone_until: Instant | None = None
        """Leg A lives no longer without a conversation; None during one."""

    @property
    def setup(self) -> CallbackSetup:
        return self.extension.setup

    def now(self) -> Instant:
        return self.services.clock.now()

    def step(self, step: str, **facts: object) -> None:
        self.services.journal.step(self.id, step, **facts)

    def fault(self, outcome: Outcome) -> None:
        """Remember what kept the caller from a conversation."""
        self.course.fault = outcome

    # Waiting

    def listen(self, leg: Leg, event: Event) -> None:
        """Where the events of the legs go. When the caller has gone, leg B is ended at once,
        whatever the session is waiting for just then."""
        if isinstance(event, Ended) and self.a is not None and leg is self.a.leg:
            self.caller_gone = True
            if self.b is not None:
                self.b.leg.hang_up()
        self.inbox.put(LegEvent(leg, event))

    async def next(self, until: Instant = math.inf) -> LegEvent | TriggeredAgain | None:
        """The next event of the session's legs, or None when none came by `until`.

        Raises a kind of Over when the session cannot go on.
        """
        while True:
            watched, task = self.watch.due() if self.watch else (math.inf, None)
            if task is not None and watched <= self.now():
                self._tend(task)
                continue
            wake = min(watched, until)
            message = await self.inbox.get(None if wake == math.inf else wake)
            match message:
                case None if until <= self.now():
                    return None
                case None | Woken():
                    continue
                case Credited():
                    self._slices.curtail(self._credit_changed)
                case End():
                    self.course.ended_by_order = True
                    raise Ordered
                case TriggeredAgain():
                    return message
                case LegEvent(event=event):
                    party = self.note(message)
                    if party is None:
                        continue  # a leg that was given up
                    if party is self.a and party.answered is not None and not party.withdrawn:
                        if isinstance(event, Ended):
                            self._caller_left(event)
                        if isinstance(event, Digit) and self._keypad.is_stray(
                            event.digit, event.at
                        ):
                            continue
                    return message

    def note(self, message: LegEvent) -> Party | None:
        """Let the party of an event take note of it; None where it is neither A nor B."""
        for party in (self.a, self.b):
            if party is not None and party.leg is message.leg:
                party.note(message.event, self.now())
                if isinstance(message.event, Answered):
                    # Whatever the session does with it: its time runs, and it must end by itself.
                    self.meter.answered(party.role, message.event.at)
                    self.set_limits()
                return party
        return None

    def _caller_left(self, event: Ended) -> None:
        if event.ending.cause is Cause.LOST:
            self.course.interrupted = True
        elif event.ending.cause is Cause.LIMIT:
            self.course.cut_off = self.stage is Stage.CONVERSATION
            if not self.course.cut_off:
                self.fault(Outcome.NO_CREDIT)
        else:
            self.course.hung_up = True
        raise CallerLeft

    # The watch

    def watch_alone(self) -> None:
        """Leg A is on its own: it lives while it is paid, and for ALONE_SECONDS since it last was
        in a conversation."""
        if self._alone_until is None:
            self._alone_until = self.now() + ALONE_SECONDS
        sound = self.no_credit_sound()
        self.watch = Watch(
            funded=self.meter.funded_a(),
            limit=self._alone_until,
            farewell_seconds=sum(clip.seconds for clip in sound) + 0.2 if sound else 0.0,
        )
        self.set_limits()

    def watch_conversation(self, answered: Instant) -> None:
        """Both legs live while they are paid, and for `max_call_seconds` from the answer."""
        self._alone_until = None
        self.watch = Watch(
            funded=self.meter.funded(),
            limit=answered + self.setup.max_call_seconds,
            warn_seconds=self.setup.warn_before_end_seconds,
        )
        self.set_limits()

    def funds_changed(self) -> None:
        """Something was reserved beside the slices: the watch learns of it."""
        if self.watch is not None:
            self.watch.funded = self._funded()
        self.set_limits()

    def _funded(self) -> Instant:
        """Until when the present stage is paid: a conversation, or leg A alone."""
        if self.stage is Stage.CONVERSATION:
            return self.meter.funded()
        return self.meter.funded_a()

    def set_limits(self) -> None:
        """Tell whoever carries the legs when to end them without us."""
        if self.a is not None and self.a.talking:
            self.a.leg.limit(_finite(self.meter.funded_a()))
        if self.b is not None and self.b.talking:
            self.b.leg.limit(_finite(self.meter.funded()))

    def _tend(self, task: Task) -> None:
        assert self.watch is not None
        match task:
            case Task.SLICE:
                self.watch.slicing()
                self._slices.reserve(self._sliced)
            case Task.WARN:
                self.watch.warned()
                if self.a is not None and self.stage is Stage.CONVERSATION:
                    self.a.leg.play(self.voice.beep())
                    self.step("warned", seconds_left=round(self.watch.end - self.now()))
            case Task.SAY_NO_CREDIT:
                raise OutOfCredit
            case Task.CUT:
                if self.stage is Stage.CONVERSATION:
                    raise CutOff
                raise OutOfCredit if self.watch.funded <= self.watch.limit else AloneTooLong

    def _sliced(self) -> None:
        """The next slice has been reserved, or nothing more could be."""
        if self.watch is not None:
            self.watch.sliced(self._funded(), self.now())
        self._reserved()

    def _credit_changed(self) -> None:
        """What was to be taken off has been: the watch looks again at what can be had."""
        if self.watch is not None:
            self.watch.credit_changed(self._funded(), self.now())
        self._reserved()

    def _reserved(self) -> None:
        self.set_limits()
        self.inbox.put(Woken())

    async def sliced(self) -> None:
        """Wait until nothing is being reserved, so that the meter may be changed."""
        await self._slices.idle()

    # Talking with the caller

    def phrase(self, phrase: Phrase) -> list[Sound]:
        shadow = self.sounds.shadows.get(phrase)
        return self.voice.phrase(phrase) if shadow is None else [shadow]

    def no_credit_sound(self) -> list[Sound]:
        return self._own_sound(self.setup.no_credit_sound)

    def disconnect_sound(self) -> list[Sound]:
        return self._own_sound(self.setup.disconnect_sound)

    def _own_sound(self, path: str | None) -> list[Sound]:
        clip = None if path is None else self.sounds.by_path.get(path)
        return [] if clip is None else [clip]

    async def say(self, clips: Sequence[Sound], until: Instant = math.inf) -> bool:
        """Say something to the caller; a digit interrupts it. True when it was said whole."""
        if self.a is None or not clips:
            return True
        if self.typed:
            return False
        playback = self.a.leg.play(clips)
        # An engine that loses the end of a playback must not hold the session up.
        late = self.now() + sum(clip.seconds for clip in clips) + 2.0
        while True:
            message = await self.next(min(late, until))
            match message:
                case None:
                    return True
                case LegEvent(leg=leg, event=PlaybackFinished(playback=finished)) if (
                    leg is self.a.leg and finished == playback
                ):
                    return True
                case LegEvent(leg=leg, event=Digit() as digit) if leg is self.a.leg:
                    self.typed.append(digit)
                    self.a.leg.stop()
                    return False
                case _:
                    continue

    async def say_last(self, clips: Sequence[Sound], ends_by: Instant) -> None:
        """Say something that no digit interrupts, until `ends_by` at the latest."""
        if self.a is None or not self.a.talking or not clips:
            return
        playback = self.a.leg.play(clips)
        while True:
            match await self.next(ends_by):
                case None:
                    return
                case LegEvent(leg=leg, event=PlaybackFinished(playback=finished)) if (
                    leg is self.a.leg and finished == playback
                ):
                    return
                case _:
                    continue

    async def ask(
        self, clips: Sequence[Sound], full: int, until: Instant = math.inf
    ) -> Entry | None:
        """Say something and take an entry, which may be empty; None when `until` has come."""
        await self.say(clips, until)
        self._keypad.begin(full, self.now())
        while True:
            ends_at = self._keypad.ends_at
            digit = await self._digit(min(ends_at, until))
            if digit is not None:
                entry = self._keypad.press(digit.digit, digit.at)
                if entry is not None:
                    return entry
            elif until <= ends_at:
                return None
            else:
                return self._keypad.timed_out(self.now())

    async def pause(self, until: Instant) -> None:
        """Say nothing until then. A digit interrupts this and what is said next."""
        digit = await self._digit(until)
        if digit is not None:
            self.typed.append(digit)

    async def key(self, until: Instant) -> str | None:
        """One key, or None when none came by `until`."""
        digit = await self._digit(until)
        return None if digit is None else digit.digit

    async def _digit(self, until: Instant) -> Digit | None:
        while not self.typed:
            message = await self.next(until)
            match message:
                case None:
                    return None
                case LegEvent(leg=leg, event=Digit() as digit) if (
                    self.a is not None and leg is self.a.leg
                ):
                    return digit
                case _:
                    continue
        return self.typed.popleft()


def _finite(instant: Instant) -> Instant | None:
    return None if instant == math.inf else instant
