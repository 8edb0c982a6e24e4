"""Sound that is being played to one leg. (Imported by the worker.)"""

from __future__ import annotations

FRAME = 160
"""Samples in 20 ms."""


class Playback:
    """Encoded sound, its clips joined sample by sample, handed out in frames of 20 ms."""

    __slots__ = ("_loop", "_place", "_sound", "number")

    def __init__(self, number: int, sound: bytes, *, loop: bool) -> None:
        self.number = number
        self._loop = loop and bool(sound)
        # Sound that repeats is made so long that a frame wraps round at most once.
        self._sound = sound * -(-FRAME // len(sound)) if self._loop else sound
        self._place = 0

    def frame(self, silence: bytes) -> bytes | None:
        """The next 20 ms; the last frame is filled up with `silence`. None if the sound is over."""
        if self._place >= len(self._sound):
            return None
        frame = self._sound[self._place : self._place + FRAME]
        self._place += FRAME
        if self._loop and self._place >= len(self._sound):
            self._place -= len(self._sound)
            frame += self._sound[: FRAME - len(frame)]
        return frame + silence * (FRAME - len(frame))

    def translate(self, table: bytes) -> None:
        """The codec changes while it plays."""
        self._sound = self._sound.translate(table)
