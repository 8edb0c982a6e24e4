"""Which numbers are triggering right now."""

from __future__ import annotations

from collections import Counter


class TriggeringNumbers:
    """The return numbers of the trigger calls that are not over, by extension."""

    def __init__(self) -> None:
        self._now: Counter[tuple[str, str]] = Counter()

    def began(self, extension: str, number: str) -> None:
        self._now[extension, number] += 1

    def ended(self, extension: str, number: str) -> None:
        self._now[extension, number] -= 1
        if not self._now[extension, number]:
            del self._now[extension, number]

    def includes(self, extension: str, number: str) -> bool:
        return (extension, number) in self._now
