"""Sound that is being played to one leg. (Imported by the worker.)"""

from __future__ import annotations

FRAME = 160
"""Samples in 20 ms."""


class Playback:
    """Encoded sound, its clips joined sample by sample, given out 20 ms at a time."""

    __slots__ = ("_loop", "_place", "_sound", "number")

    def __init__(self, number: int, sound: bytes, *, loop: bool) -> None:
        self.number = number
        self._loop = loop and bool(sound)
        # What is repeated is long enough that a frame wraps round at most once.
        self._sound = sound * -(-FRAME // len(sound)) if self._loop else sound
        self._place = 0

    def frame(self, silence: bytes) -> bytes | None:
        """The next 20 ms; only the last is filled up with `silence`. None when it is over."""
        if self._place >= len(self._sound):
            return None
        frame = self._sound[self._place : self._place + FRAME]
        self._place += FRAME
        if self._loop and self._place >= len(self._sound):
            self._place -= len(self._sound)
            frame += self._sound[: FRAME - len(frame)]
        return frame + silence * (FRAME - len(frame))

    def translate(self, table: bytes) -> None:
        """The codec changes in the midst of it."""
        self._sound = self._sound.translate(table)
