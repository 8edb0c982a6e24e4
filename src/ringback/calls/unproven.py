"""Refusals to which no ACK came: they are only counted, since the source may be forged (spec
section 5, "Floods")."""

from __future__ import annotations

from collections import Counter

from ringback.calls.outcome import Outcome
from ringback.clock import Instant

TOLD_SECONDS = 60.0


class UnprovenRefusals:
    """How many there were since they were last told of."""

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
        if not self._counted or now - self._told < TOLD_SECONDS:
            return None
        self._told, counted = now, self._counted
        self._counted = Counter()
        each = ", ".join(f"{outcome} {number:,}" for outcome, number in counted.most_common())
        return (
            f"{counted.total():,} refused triggers had no ACK to their rejection, and are not "
            f"recorded: {each}: their sources may be forged: check `sources` of the trunks, and "
            "who can send in their name"
        )
