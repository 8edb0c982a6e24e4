"""Patterns of digits, as number plans describe their ranges, followed digit by digit.

A regular expression tells whether a whole number matches. A guard must also know how far a number
follows a pattern: whether it has passed a complete match, or may still become one.

The patterns are those of the library `phonenumbers`: digits, `\\d`, `[...]`, `(?:...)`, `|`, `?`,
`{n}` and `{n,m}`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

_TOKEN = re.compile(r"(\[[0-9-]+\]|\\d|[0-9])|(\(\?:|[|)])|\{(\d+)(?:,(\d+))?\}|\?")

PatternState = frozenset[int]


@dataclass(frozen=True, slots=True)
class Along:
    """How far a number follows some patterns."""

    digits: int
    """How many of its first digits are the beginning of a match."""
    matched: bool
    """Whether those digits contain a complete match."""


class Patterns:
    """Several patterns as one automaton. A transition is worked out when a number first takes it,
    and kept."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._automaton = automaton = _Automaton()
        self._end = automaton.state()
        starts = [_parse(pattern).before(automaton, self._end) for pattern in patterns]
        self._start = automaton.closure(starts)
        self._after: dict[tuple[PatternState, str], PatternState] = {}

    def along(self, number: str) -> Along:
        """How far the number follows any of the patterns."""
        state, matched = self._start, False
        for count, digit in enumerate(number):
            state = self._step(state, digit)
            if not state:
                return Along(count, matched)
            matched = matched or self._end in state
        return Along(len(number), matched)

    def begin_with(self, digits: str) -> bool:
        """Whether any match begins with the digits."""
        return bool(self._start) and self.along(digits).digits == len(digits)

    def _step(self, state: PatternState, digit: str) -> PatternState:
        found = self._after.get((state, digit))
        if found is None:
            found = self._after[state, digit] = self._automaton.after(state, digit)
        return found


class _Automaton:
    """The states have numbers. From a state leads either one edge that takes a digit, or edges that
    take none."""

    def __init__(self) -> None:
        self._edge: list[tuple[frozenset[str], int] | None] = []
        self._free: list[Sequence[int]] = []

    def state(
        self, edge: tuple[frozenset[str], int] | None = None, free: Sequence[int] = ()
    ) -> int:
        self._edge.append(edge)
        self._free.append(free)
        return len(self._edge) - 1

    def closure(self, states: Iterable[int]) -> PatternState:
        found: set[int] = set()
        todo = list(states)
        while todo:
            state = todo.pop()
            if state not in found:
                found.add(state)
                todo += self._free[state]
        return frozenset(found)

    def after(self, state: PatternState, digit: str) -> PatternState:
        edges = (self._edge[each] for each in state)
        return self.closure(edge[1] for edge in edges if edge is not None and digit in edge[0])


class _Part(Protocol):
    def before(self, automaton: _Automaton, after: int) -> int:
        """Add the states of this part; returns the one from which a match leads to the state
        `after`."""


@dataclass(frozen=True, slots=True)
class _OneOf:
    digits: frozenset[str]

    def before(self, automaton: _Automaton, after: int) -> int:
        return automaton.state(edge=(self.digits, after))


@cache
def _one_of(token: str) -> _OneOf:
    """A class such as `[2-9]`; kept, since there are few different ones."""
    return _OneOf(frozenset(re.findall(token, "0123456789")))


@dataclass(frozen=True, slots=True)
class _Row:
    parts: Sequence[_Part]

    def before(self, automaton: _Automaton, after: int) -> int:
        for part in reversed(self.parts):
            after = part.before(automaton, after)
        return after


@dataclass(frozen=True, slots=True)
class _Choice:
    ways: Sequence[_Part]

    def before(self, automaton: _Automaton, after: int) -> int:
        return automaton.state(free=[way.before(automaton, after) for way in self.ways])


@dataclass(frozen=True, slots=True)
class _Repeated:
    part: _Part
    least: int
    most: int

    def before(self, automaton: _Automaton, after: int) -> int:
        end = after
        for _ in range(self.most - self.least):
            after = automaton.state(free=(self.part.before(automaton, after), end))
        return _Row([self.part] * self.least).before(automaton, after)


def _parse(pattern: str) -> _Part:
    """Raises ValueError if the pattern is of another kind."""
    tokens = list(_TOKEN.finditer(pattern))
    if "".join(token[0] for token in tokens) != pattern:
        raise ValueError(f"not a pattern of digits: {pattern}")
    tokens.reverse()
    return _choice(tokens)


def _choice(tokens: list[re.Match[str]]) -> _Part:
    ways = [_row(tokens)]
    while tokens and tokens.pop()[0] == "|":  # otherwise a group has ended
        ways.append(_row(tokens))
    return _Choice(ways)


def _row(tokens: list[re.Match[str]]) -> _Part:
    parts: list[_Part] = []
    while tokens and tokens[-1][0] not in ("|", ")"):
        token = tokens.pop()
        digits, group, least, most = token.groups()
        if digits is not None:
            parts.append(_one_of(digits))
        elif group is not None:
            parts.append(_choice(tokens))
        elif least is not None:
            parts.append(_Repeated(parts.pop(), int(least), int(most or least)))
        else:
            parts.append(_Repeated(parts.pop(), 0, 1))
    return _Row(parts)
