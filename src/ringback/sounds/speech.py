"""The built-in voice: recordings put together. No file is opened while a call waits: a clip is a
path with its length, both known from the manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path

from ringback.sounds.english import amount_words, duration_words
from ringback.sounds.phrases import Phrase
from ringback.telephony.port import Clip

BUILT_IN = Path(__file__).parent / "en"


class Voice:
    """One language's recordings."""

    def __init__(self, folder: Path, missing: Callable[[str], None]) -> None:
        """`missing` is told the name of a recording that is not there: it is skipped, since a
        missing sound never drops a call."""
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        self._clips = {
            name: Clip(folder / f"{name}.wav", entry["seconds"], entry["words"])
            for name, entry in manifest.items()
        }
        self._missing = missing

    def phrase(self, phrase: Phrase) -> list[Clip]:
        return self._of([phrase.value])

    def amount(self, amount: Decimal, currency: str) -> list[Clip]:
        """An amount of money, in words."""
        return self._of(f"word-{word}" for word in amount_words(amount, currency))

    def duration(self, seconds: float) -> list[Clip]:
        """How long something lasts, in words."""
        return self._of(f"word-{word}" for word in duration_words(seconds))

    def beep(self) -> list[Clip]:
        return self._of(["beep"])

    def ringback(self) -> list[Clip]:
        """What a caller hears while the far end rings; to be looped."""
        return self._of(["ringback"])

    def clips(self) -> list[Clip]:
        """Every recording."""
        return list(self._clips.values())

    def _of(self, names: Iterable[str]) -> list[Clip]:
        clips = []
        for name in names:
            if name in self._clips:
                clips.append(self._clips[name])
            else:
                self._missing(name)
        return clips
