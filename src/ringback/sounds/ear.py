"""The ear: it recognises recordings in the sound that comes over the wire.

A virtual phone has no other way to know what was said to it. Each recording is encoded as it would
be on the wire, and cut into short windows. A window that is found in the sound heard, at any
offset, is a sign of its recording. Windows that are silent, or too much alike, are not used.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

WINDOW = 24
"""Samples in a window: 3 ms."""
STRIDE = 40
"""Samples from the start of one window of a recording to the start of the next."""
_LEAST_DISTINCT = 6
_WHOLE = 0.6
"""The share of a recording's windows that must be heard for the whole recording to count as
heard."""
_PART = 0.15
_QUIET_SAMPLES = 4800
"""Seconds after its last window at which a recording is over: longer than any pause within one."""


@dataclass(frozen=True, slots=True)
class Said:
    """One recording was heard."""

    words: str
    whole: bool
    """False if the recording was cut short, or if only a part of it came through."""
    at: float
    """Seconds of sound from the beginning of the stream to the recording's first window."""


class Ear:
    """Listens to one stream. Feed it payloads in their order; a lost one is simply left out."""

    def __init__(
        self, recordings: Iterable[tuple[str, bytes]], on_said: Callable[[Said], None]
    ) -> None:
        """`recordings` are pairs of words and the sound of them, encoded as the stream is.
        `on_said` is called with each recording that was heard."""
        self._on_said = on_said
        self._of: dict[bytes, int] = {}
        self._words: list[str] = []
        self._windows: list[int] = []
        for words, sound in recordings:
            self._learn(words, sound)
        self._tail = b""
        self._heard = 0
        self._current = -1
        self._hits = 0
        self._since = 0
        self._last = 0
        self._rivals: Counter[int] = Counter()

    def _learn(self, words: str, sound: bytes) -> None:
        number, count = len(self._words), 0
        for start in range(0, len(sound) - WINDOW, STRIDE):
            window = sound[start : start + WINDOW]
            if len(set(window)) >= _LEAST_DISTINCT:
                count += 1
                self._of.setdefault(window, number)
        self._words.append(words)
        self._windows.append(max(1, count))

    def hear(self, payload: bytes) -> None:
        """Listen to the next 20 ms or so of sound."""
        sound = self._tail + payload
        of = self._of
        for start in range(len(sound) - WINDOW + 1):
            number = of.get(sound[start : start + WINDOW])
            if number is not None:
                self._hit(number, self._heard - len(self._tail) + start)
        self._tail = sound[-(WINDOW - 1) :]
        self._heard += len(payload)
        if self._current >= 0 and self._heard - self._last > _QUIET_SAMPLES:
            self._finish()

    def end(self) -> None:
        """The stream is over: report what was being heard."""
        if self._current >= 0:
            self._finish()

    def _hit(self, number: int, at: int) -> None:
        if number == self._current:
            self._hits += 1
            self._last = at
            self._rivals.clear()
            return
        # One or two windows of another recording may be chance; three are not.
        self._rivals[number] += 1
        if self._current >= 0 and self._rivals[number] < 3:
            return
        if self._current >= 0:
            self._finish()
        self._current, self._hits = number, self._rivals[number]
        self._since = self._last = at
        self._rivals.clear()

    def _finish(self) -> None:
        share = self._hits / self._windows[self._current]
        if share >= _PART:
            self._on_said(Said(self._words[self._current], share >= _WHOLE, self._since / 8000))
        self._current = -1
