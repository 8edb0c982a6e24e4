"""PINs made at random, none that is guessed first."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

SHORTEST, LONGEST = 4, 12
_STRAIGHT = "01234567890123456789"


@dataclass(frozen=True, slots=True)
class Slip:
    """A PIN for somebody, told once."""

    number: str
    name: str | None
    pin: str = field(repr=False)


def make_pin(chance: random.Random, length: int, number: str) -> str:
    """A PIN of so many digits for the callerID of a number. In production `chance` is
    `random.SystemRandom()`."""
    while True:
        pin = "".join(chance.choices("0123456789", k=length))
        if not guessed(pin, number):
            return pin


def guessed(pin: str, number: str) -> bool:
    """Whether a PIN is among the first that somebody tries: digits in a row, a pattern that is
    repeated, a year, or a part of one's own number."""
    period = next(
        size for size in range(1, len(pin) + 1) if pin == (pin[:size] * len(pin))[: len(pin)]
    )
    year = len(pin) == SHORTEST and pin[:2] in ("19", "20")
    straight = pin in _STRAIGHT or pin[::-1] in _STRAIGHT
    return period <= len(pin) // 2 or year or straight or pin in number
