"""Lines that say the same again and again: the log has one of them a minute, so that whoever rings
often neither fills the disk nor hides other reasons."""

from __future__ import annotations

QUIET_SECONDS = 60.0
MOST = 200
"""The most kinds of lines in that time."""


class Repeats:
    """Remembers which kinds of lines were written in the last minute."""

    def __init__(self) -> None:
        self._written: dict[tuple[str, ...], float] = {}
        self._left_out: dict[tuple[str, ...], int] = {}

    def left_out(self, kind: tuple[str, ...], now: float) -> int | None:
        """Of a line that is to be written now: how many of its kind were left out before. None:
        this one is left out too."""
        if kind not in self._written or now - self._written[kind] >= QUIET_SECONDS:
            self._forget(now)
            if len(self._written) < MOST:
                self._written[kind] = now
                return self._left_out.pop(kind, 0)
        if kind in self._left_out or len(self._left_out) < MOST:
            self._left_out[kind] = self._left_out.get(kind, 0) + 1
        return None

    def _forget(self, now: float) -> None:
        """Kinds that are written no more stay counted until they come again, or make room."""
        self._written = {kind: at for kind, at in self._written.items() if now - at < QUIET_SECONDS}
        if len(self._left_out) == MOST:
            counted = self._left_out.items()
            self._left_out = {kind: count for kind, count in counted if kind in self._written}
