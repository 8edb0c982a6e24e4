"""Which lines the log has of triggers whose source is not proven, of which strangers can send any
number.

Of each kind there are LINES_A_MINUTE at most, and the others are counted. A line about a trigger
that turns out to be a real one gives its place back, so that those are written however many there
are; but once so many are unproven at a time that lines were passed over, the minute has no more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ringback.clock import Instant

LINES_A_MINUTE = 20


class Crowds:
    """The lines of the last minute."""

    def __init__(self) -> None:
        self._since: Instant | None = None
        self._written: Counter[str] = Counter()
        self._by_session: dict[str, list[str]] = {}
        self._passed_over: Counter[str] = Counter()

    def proven(self, session: str) -> None:
        """The trigger of a session has turned out to be a real one."""
        if not self._passed_over:
            for written in self._by_session.pop(session, ()):
                self._written[written] -= 1

    def admits(self, session: str, crowd: str) -> bool:
        """Whether a line of this kind is written about a session."""
        if self._written[crowd] >= LINES_A_MINUTE:
            self._passed_over[crowd] += 1
            return False
        self._written[crowd] += 1
        self._by_session.setdefault(session, []).append(crowd)
        return True

    def passed_over(self, now: Instant) -> Iterator[str]:
        """A minute later, a line for each kind of which lines were passed over."""
        if self._since is None:
            self._since = now
        if now - self._since < 60.0:
            return
        passed_over, self._passed_over = self._passed_over, Counter()
        self._since = now
        self._written.clear()
        self._by_session.clear()
        for crowd, number in passed_over.items():
            yield f"{number:,} more like it in the minute before, not written: {crowd}"
