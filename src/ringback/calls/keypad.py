"""Entries typed on a telephone keypad (spec section 4, steps 5 and 7).

An entry ends with `#`, when it is full, or `END_SECONDS` after its last digit, never at the
length of what is expected; `*` clears it. A `#` within `STRAY_HASH_SECONDS` after an entry that
ended without one belongs to that entry and is dropped. So is a `#` alone within `REPEAT_SECONDS`
after any other key: a far end may send a key twice, and `#` alone is a choice that costs money.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ringback.clock import Instant

SECRET_DIGITS = 12
"""A password or PIN is full at so many digits."""

NUMBER_DIGITS = 32
"""A number is full at so many digits: more than any number with its prefixes has."""

EMPTY_SECONDS = 10.0
"""Nothing typed for so long, since it was asked or cleared, is an empty entry."""

END_SECONDS = 5.0
STRAY_HASH_SECONDS = 2.0
REPEAT_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Key:
    """A key that was pressed."""

    digit: str
    at: Instant
    alone: bool = True
    """Whether no other came shortly before it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was typed. `by_hash`: `#` ended it, and not time or its length."""

    digits: str
    by_hash: bool


class Keypad:
    """Turns digits into entries. One a leg, so that it knows how the last entry ended."""

    def __init__(self) -> None:
        self._digits = ""
        self._last: Instant = -math.inf
        """When the last key came; before it, when the entry began."""
        self._full = SECRET_DIGITS
        self._open_ended: Instant | None = None
        self._heard: Instant = -math.inf
        """When a key came last, in an entry or not."""

    def hear(self, digit: str, at: Instant) -> Key | None:
        """A key has come, which somebody may ask for later; None for a `#` that belongs to the
        entry before. To be called once a key."""
        alone, self._heard = at - self._heard >= REPEAT_SECONDS, at
        open_ended, self._open_ended = self._open_ended, None
        if digit == "#" and open_ended is not None and at - open_ended <= STRAY_HASH_SECONDS:
            return None
        return Key(digit, at, alone)

    def begin(self, full: int, at: Instant) -> None:
        """Begin an entry that is full at `full` digits."""
        self._digits = ""
        self._last = at
        self._full = full

    @property
    def ends_at(self) -> Instant:
        """When the entry ends by itself, unless another key comes first."""
        return self._last + (END_SECONDS if self._digits else EMPTY_SECONDS)

    def press(self, key: Key) -> Entry | None:
        """Take one key; returns the entry when this key ends it."""
        digit, at = key.digit, key.at
        if digit == "#":
            return Entry(self._digits, by_hash=True) if self._digits or key.alone else None
        if digit == "*":
            self._digits, self._last = "", at
            return None
        if digit not in "0123456789":
            return None  # A to D are on no telephone that people have
        self._digits += digit
        self._last = at
        return self._end_open(at) if len(self._digits) >= self._full else None

    def timed_out(self, at: Instant) -> Entry:
        """The entry, ended by time."""
        return self._end_open(at)

    def _end_open(self, at: Instant) -> Entry:
        self._open_ended = at
        return Entry(self._digits, by_hash=False)
