"""What strangers can cause any number of times is told seldom: once a minute of each kind (spec
section 11), and how often it came beside that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable

from ringback.calls.outcome import Outcome
from ringback.clock import Instant

QUIET_SECONDS = 60.0


class Seldom:
    """Tells a thing of each kind at most once a minute. The kinds must be few: reasons and trunks,
    never what a stranger wrote."""

    def __init__(self) -> None:
        self._told: dict[Hashable, Instant] = {}
        self._untold: Counter[Hashable] = Counter()

    def tell(self, kind: Hashable, what: str, now: Instant, report: Callable[[str], None]) -> None:
        """`what` has happened, which is one of its kind."""
        told = self._told.get(kind)
        if told is not None and now - told < QUIET_SECONDS:
            self._untold[kind] += 1
            return
        self._told[kind] = now
        untold = self._untold.pop(kind, 0)
        report(f"{what} (and {untold:,} more like it before)" if untold else what)


class UnprovenRefusals:
    """Refusals to which no ACK came: they are only counted, since the source may be forged (spec
    section 5, "Floods")."""

    def __init__(self) -> None:
        self._counted: Counter[Outcome] = Counter()
        self._told: Instant | None = None

    def count(self, outcome: Outcome) -> None:
        """One more."""
        self._counted[outcome] += 1

    def due(self, now: Instant) -> str | None:
        """A line about those of the last minute, where there were any, and it is over."""
        if self._told is None:
            self._told = now
        if not self._counted or now - self._told < QUIET_SECONDS:
            return None
        self._told, counted = now, self._counted
        self._counted = Counter()
        each = ", ".join(f"{outcome} {number:,}" for outcome, number in counted.most_common())
        return (
            f"{counted.total():,} refused triggers had no ACK to their rejection, and are not "
            f"recorded: {each}: their sources may be forged: check `sources` of the trunks, and "
            "who can send in their name"
        )
