"""Which rate holds for a number: pure rules over rates in memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from ringback.charging.rating import Rate
from ringback.clock import Instant


class Deck:
    """Rates by prefix, of which no two of one prefix hold at one time."""

    def __init__(self, rates: Iterable[Rate]) -> None:
        self._rates: dict[str, list[Rate]] = {}
        for rate in rates:
            self._rates.setdefault(rate.prefix, []).append(rate)
        self._lengths = sorted({len(prefix) for prefix in self._rates}, reverse=True)

    def choose(self, number: str, at: Instant) -> Rate | None:
        """The rate for a number (E.164 with its plus) dialled at `at`: of those that are valid
        then, the one with the longest prefix. None where there is none."""
        return next((rate for rate in self.fitting(number) if rate.valid(at)), None)

    def fitting(self, number: str) -> Iterator[Rate]:
        """The rates whose prefix the number begins with, valid or not, the longest first."""
        digits = number.removeprefix("+")
        for length in self._lengths:
            # A slice beyond the number's end would find a shorter prefix a second time.
            if length <= len(digits):
                yield from self._rates.get(digits[:length], ())


class Dated(Protocol):
    """What has a prefix and a period."""

    @property
    def prefix(self) -> str: ...
    @property
    def valid_from(self) -> Instant | None: ...
    @property
    def valid_to(self) -> Instant | None: ...


def overlaps(rates: Sequence[Dated]) -> Iterator[tuple[int, int]]:
    """Places of two rates of one prefix that hold at one time, the one that begins earlier first
    (spec section 6). Each rate that overlaps with one before it is named once."""
    order = sorted(range(len(rates)), key=lambda place: (rates[place].prefix, _begin(rates[place])))
    longest: int | None = None
    for place in order:
        if longest is not None and rates[longest].prefix == rates[place].prefix:
            if _begin(rates[place]) < _end(rates[longest]):
                yield longest, place
            if _end(rates[place]) <= _end(rates[longest]):
                continue
        longest = place


def ended_by_later(rates: Sequence[Rate]) -> list[Rate]:
    """The rates, of which one without an end ends where the next of its prefix begins, as in the
    files of carriers, who add a new price and leave the old (spec section 6)."""
    begins: dict[str, list[Instant]] = {}
    for rate in rates:
        if rate.valid_from is not None:
            begins.setdefault(rate.prefix, []).append(rate.valid_from)
    for found in begins.values():
        found.sort()
    return [_ended(rate, begins.get(rate.prefix, ())) for rate in rates]


def _ended(rate: Rate, begins: Sequence[Instant]) -> Rate:
    """`begins` are those of all rates of its prefix, in order."""
    later = bisect_right(begins, _begin(rate))
    if rate.valid_to is not None or later == len(begins):
        return rate
    return replace(rate, valid_to=begins[later])


def _begin(rate: Dated) -> Instant:
    return float("-inf") if rate.valid_from is None else rate.valid_from


def _end(rate: Dated) -> Instant:
    return float("inf") if rate.valid_to is None else rate.valid_to
