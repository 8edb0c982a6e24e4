"""The return calls of the last hour, as one value that stays small however many they are. Pure.

Up to `EXACT` of them are told apart. Then those of each minute are kept as if all had been dialled
at its end, so that a guard may refuse for up to a minute too long, and never for too short.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby

from ringback.clock import Instant

HOUR = 3600.0
MINUTE = 60.0
EXACT = 64

Recent = Sequence[Sequence[float]]
"""Pairs of an instant and how many return calls were dialled then, the oldest first."""


def calls_in_last_hour(recent: Recent, now: Instant) -> int:
    """How many return calls were dialled in the hour before `now`."""
    return sum(int(calls) for at, calls in recent if at > now - HOUR)


def with_call(recent: Recent, now: Instant) -> Recent:
    """The same with one more that is dialled at `now`, and without those of longer ago."""
    kept = [(at, calls) for at, calls in recent if at > now - HOUR]
    if len(kept) >= EXACT:
        kept = _by_minute(kept)
    return [*kept, (now, 1)]


def _by_minute(recent: Recent) -> list[tuple[float, float]]:
    return [
        (end, sum(calls for _, calls in each))
        for end, each in groupby(recent, key=lambda pair: math.ceil(pair[0] / MINUTE) * MINUTE)
    ]
