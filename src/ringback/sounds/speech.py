"""The built-in voice: sentences put together from recordings. No file is opened while a call waits,
since the manifest gives the name and length of each recording."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path

from ringback.sounds.english import VOCABULARY, amount_words, duration_words
from ringback.sounds.phrases import Phrase
from ringback.telephony.port import Sound

_RECORDINGS = Path(__file__).parent
BUILT_IN = _RECORDINGS / "en"
PROMPTS = frozenset({*Phrase, *(f"word-{word}" for word in VOCABULARY)})
"""The names of all that is said, by which owners put sounds of their own in their place."""


def recording(name: str) -> Path:
    """The file of a built-in sound, by a name such as `en/pin`."""
    return _RECORDINGS / f"{name}.wav"


@cache
def built_in() -> Mapping[str, Sound]:
    """All prompts, by their names."""
    voice = Voice(BUILT_IN, lambda name: None)
    return {name: sound for name in PROMPTS if (sound := voice.sound(name)) is not None}


class Voice:
    """One language's recordings."""

    def __init__(self, folder: Path, missing: Callable[[str], None]) -> None:
        """`missing` is called with the name of each recording that does not exist. It is skipped,
        since a missing sound must never end a call."""
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self._sounds = {
            name: Sound(f"{folder.name}/{name}", entry["seconds"], entry["words"])
            for name, entry in manifest.items()
        }
        self._missing = missing

    def phrase(self, phrase: Phrase) -> list[Sound]:
        return self.of([phrase.value])

    def amount(self, amount: Decimal, currency: str) -> list[Sound]:
        """An amount of money in words."""
        return self.of(amount_names(amount, currency))

    def duration(self, seconds: float) -> list[Sound]:
        """A duration in words."""
        return self.of(duration_names(seconds))

    def beep(self) -> list[Sound]:
        return self.of(["beep"])

    def ringback(self) -> list[Sound]:
        """The ringing tone that a caller hears while the far end rings; play it in a loop."""
        return self.of(["ringback"])

    def sounds(self) -> list[Sound]:
        """Every recording."""
        return list(self._sounds.values())

    def sound(self, name: str) -> Sound | None:
        """The recording of a prompt, if there is one."""
        return self._sounds.get(name)

    def of(self, names: Iterable[str]) -> list[Sound]:
        """The recordings of these names, without those that do not exist."""
        sounds = []
        for name in names:
            if name in self._sounds:
                sounds.append(self._sounds[name])
            else:
                self._missing(name)
        return sounds


def amount_names(amount: Decimal, currency: str) -> list[str]:
    """The names of the recordings that say an amount."""
    return [f"word-{word}" for word in amount_words(amount, currency)]


def duration_names(seconds: float) -> list[str]:
    """The names of the recordings that say a duration."""
    return [f"word-{word}" for word in duration_words(seconds)]
