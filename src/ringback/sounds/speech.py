"""The built-in voice: sentences put together from recordings. No file is opened while a call waits,
since the manifest gives the name and length of each recording."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

from ringback.sounds.english import amount_words, duration_words
from ringback.sounds.phrases import Phrase
from ringback.telephony.port import Sound

_RECORDINGS = Path(__file__).parent
BUILT_IN = _RECORDINGS / "en"


def recording(name: str) -> Path:
    """The file of a built-in sound, by a name such as `en/pin`."""
    return _RECORDINGS / f"{name}.wav"


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
        return self._of([phrase.value])

    def amount(self, amount: Decimal, currency: str) -> list[Sound]:
        """An amount of money in words."""
        return self._of(f"word-{word}" for word in amount_words(amount, currency))

    def duration(self, seconds: float) -> list[Sound]:
        """A duration in words."""
        return self._of(f"word-{word}" for word in duration_words(seconds))

    def beep(self) -> list[Sound]:
        return self._of(["beep"])

    def ringback(self) -> list[Sound]:
        """The ringing tone that a caller hears while the far end rings; play it in a loop."""
        return self._of(["ringback"])

    def sounds(self) -> list[Sound]:
        """Every recording."""
        return list(self._sounds.values())

    def _of(self, names: Iterable[str]) -> list[Sound]:
        sounds = []
        for name in names:
            if name in self._sounds:
                sounds.append(self._sounds[name])
            else:
                self._missing(name)
        return sounds
