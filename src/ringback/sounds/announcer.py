"""What one session says: built-in prompts, or what owners have put in their place.

A prompt that is missing in the session's language is said in the account's, then in English. One
announcement never mixes languages; numbers can be said in English only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ringback.sounds.phrases import Phrase
from ringback.sounds.speech import Voice, amount_names, duration_names
from ringback.telephony.port import Sound

ENGLISH = "en"


@dataclass(frozen=True, slots=True)
class Tongue:
    """What owners have put in place of prompts, in one language."""

    language: str
    sounds: Mapping[str, Sound]
    """By the name of the prompt, each from the nearest level that has it."""

    @property
    def is_english(self) -> bool:
        return base_of(self.language) == ENGLISH


class Announcer:
    """Puts announcements together."""

    def __init__(self, tongues: Sequence[Tongue], english: Voice) -> None:
        """`tongues`: the first wanted first; `english` is the built-in voice."""
        self._tongues = tongues
        self._english = english

    def phrase(self, phrase: Phrase) -> list[Sound]:
        for tongue in self._tongues:
            sound = self._in(tongue, phrase)
            if sound is not None:
                return [sound]
        return self._english.phrase(phrase)

    def credit(self, amount: Decimal, currency: str) -> list[Sound]:
        """How much credit there is."""
        return self._counted([Phrase.CREDIT, *amount_names(amount, currency)])

    def time_left(self, seconds: float) -> list[Sound]:
        """How long the caller can talk."""
        return self._counted([Phrase.YOU_CAN_TALK_FOR, *duration_names(seconds)])

    def beep(self) -> list[Sound]:
        return self._english.beep()

    def ringback(self) -> list[Sound]:
        return self._english.ringback()

    def _counted(self, names: Sequence[str]) -> list[Sound]:
        for tongue in self._tongues:
            if not tongue.is_english:
                continue
            found = [self._in(tongue, name) for name in names]
            whole = [sound for sound in found if sound is not None]
            if len(whole) == len(names):
                return whole
        return self._english.of(names)

    def _in(self, tongue: Tongue, name: str) -> Sound | None:
        sound = tongue.sounds.get(name)
        return self._english.sound(name) if sound is None and tongue.is_english else sound


def base_of(language: str) -> str:
    """The language without its region: `en` of `en-GB`."""
    return language.partition("-")[0]
