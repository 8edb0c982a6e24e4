"""The caller on an answered leg A: what is said to them, and what they press."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from ringback.calls.course import CallbackSession
from ringback.calls.events import Prompted
from ringback.calls.inbox import LegEvent, TriggeredAgain
from ringback.calls.keypad import Entry, Key, Keypad
from ringback.calls.party import Party
from ringback.calls.waiting import Waiting
from ringback.clock import Clock, Instant
from ringback.sounds.announcer import Announcer
from ringback.sounds.library import OwnSounds
from ringback.sounds.phrases import Phrase
from ringback.telephony.port import CallLeg, Digit, PlaybackFinished, Sound


class Caller:
    """Whoever took the return call."""

    def __init__(
        self,
        party: Party,
        session: CallbackSession,
        waiting: Waiting,
        clock: Clock,
        voice: Announcer,
        sounds: OwnSounds,
    ) -> None:
        self._party = party
        self._session = session
        self._waiting = waiting
        self._clock = clock
        self.voice = voice
        self._sounds = sounds
        self._keypad = Keypad()
        self._heard: Key | None = None
        """The key that `next` has just returned."""
        self._typed: deque[Key] = deque()
        """Keys that nobody has asked for yet."""

    @property
    def leg(self) -> CallLeg:
        return self._party.leg

    @property
    def number(self) -> str:
        """E.164 of the number that was called back."""
        return self._party.number.e164

    @property
    def dialled(self) -> Instant:
        """When the return call was dialled, whose rate holds to its end."""
        return self._party.started

    # What is said

    def phrase(self, phrase: Phrase) -> list[Sound]:
        """A built-in prompt, or what an owner put in its place."""
        return self.voice.phrase(phrase)

    def no_credit_sound(self) -> list[Sound]:
        return self._own_sound(self._session.setup.no_credit_sound)

    def disconnect_sound(self) -> list[Sound]:
        return self._own_sound(self._session.setup.disconnect_sound)

    def _own_sound(self, path: str | None) -> list[Sound]:
        sound = None if path is None else self._sounds.by_path.get(path)
        return [] if sound is None else [sound]

    async def say(self, sounds: Sequence[Sound], until: Instant = math.inf) -> bool:
        """Say something to the caller; a digit interrupts it. True when it was said whole."""
        if not sounds:
            return True
        if self._typed:
            return False
        playback = self._play(sounds)
        # An engine that loses the end of a playback must not hold the session up.
        late = self._clock.now() + seconds_of(sounds) + 2.0
        while True:
            match await self.next(min(late, until)):
                case None:
                    return True
                case LegEvent(leg=leg, event=PlaybackFinished(playback=finished)) if (
                    leg is self.leg and finished == playback
                ):
                    return True
                case LegEvent(leg=leg, event=Digit()) if leg is self.leg:
                    assert self._heard is not None
                    self._typed.append(self._heard)
                    self.leg.stop()
                    return False
                case _:
                    continue

    async def say_last(self, sounds: Sequence[Sound], ends_by: Instant) -> None:
        """Say something that no digit interrupts, until `ends_by` at the latest."""
        if not self._party.talking or not sounds:
            return
        playback = self._play(sounds)
        while True:
            match await self._waiting.next(ends_by):
                case None:
                    return
                case LegEvent(leg=leg, event=PlaybackFinished(playback=finished)) if (
                    leg is self.leg and finished == playback
                ):
                    return
                case _:
                    continue

    def _play(self, sounds: Sequence[Sound]) -> int:
        self._session.tell(Prompted(" ".join(sound.words for sound in sounds)))
        return self.leg.play(sounds)

    # What is pressed

    async def next(self, until: Instant = math.inf) -> LegEvent | TriggeredAgain | None:
        """As `Waiting.next`, without the `#` that belongs to an entry that ended before it."""
        while True:
            message = await self._waiting.next(until)
            match message:
                case LegEvent(leg=leg, event=Digit(digit=digit, at=at)) if leg is self.leg:
                    self._heard = self._keypad.hear(digit, at)
                    if self._heard is not None:
                        return message
                case _:
                    return message

    async def ask(
        self, sounds: Sequence[Sound], full: int, until: Instant = math.inf
    ) -> Entry | None:
        """Say something and take an entry, which may be empty; None when `until` has come."""
        await self.say(sounds, until)
        self._keypad.begin(full, self._clock.now())
        while True:
            ends_at = self._keypad.ends_at
            key = await self._key(min(ends_at, until))
            if key is not None:
                entry = self._keypad.press(key)
                if entry is not None:
                    return entry
            elif until <= ends_at:
                return None
            else:
                return self._keypad.timed_out(self._clock.now())

    async def pause(self, until: Instant) -> None:
        """Say nothing until then. A digit interrupts this and what is said next."""
        key = await self._key(until)
        if key is not None:
            self._typed.append(key)

    async def key(self, until: Instant) -> str | None:
        """One key, or None when none came by `until`."""
        key = await self._key(until)
        return None if key is None else key.digit

    @property
    def typed_ahead(self) -> bool:
        """Whether a key was pressed that nobody has asked for yet."""
        return bool(self._typed)

    def forget_typed(self) -> None:
        """What was pressed before does not answer what is said next."""
        self._typed.clear()

    async def _key(self, until: Instant) -> Key | None:
        while not self._typed:
            match await self.next(until):
                case None:
                    return None
                case LegEvent(leg=leg, event=Digit()) if leg is self.leg:
                    return self._heard
                case _:
                    continue
        return self._typed.popleft()


def seconds_of(sounds: Sequence[Sound]) -> float:
    """How long it takes to play them."""
    return sum(sound.seconds for sound in sounds)
