"""Rating as spec section 6 words it, slowly and with nothing shared with the product: every block
is walked through, prices are exact fractions, and rounding comes last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil


@dataclass(frozen=True)
class Line:
    """A line of a rate deck, prices as texts."""

    prefix: str
    setup: str
    first_block: int
    first_price: str | None
    next_block: int
    price_per_minute: str
    valid_from: float | None
    valid_to: float | None


@dataclass(frozen=True)
class Rated:
    """What a call came to."""

    millionths: int
    billed_seconds: int
    free_seconds: int


def line_for(deck: Sequence[Line], number: str, dialled: float) -> Line | None:
    best = None
    for line in deck:
        if line.valid_from is not None and dialled < line.valid_from:
            continue
        if line.valid_to is not None and dialled >= line.valid_to:
            continue
        if not number.startswith("+" + line.prefix):
            continue
        if best is None or len(line.prefix) > len(best.prefix):
            best = line
    return best


def rated(
    line: Line, microseconds: int, free_seconds: int = 0, *, first_paid: bool = False
) -> Rated:
    """An answered call of so many microseconds, with so many free seconds left for it; with
    `first_paid` they only came to be left after its first block had been reserved."""
    cost = Fraction(line.setup)
    free = 0
    at = 0
    number = 0
    while number == 0 or at * 1_000_000 < microseconds:
        length = line.first_block if number == 0 else line.next_block
        price = Fraction(length) * Fraction(line.price_per_minute) / 60
        if number == 0 and line.first_price is not None:
            price = Fraction(line.first_price)
        if free_seconds - free >= length and not (number == 0 and first_paid):
            free += length
        else:
            cost += price
        at += length
        number += 1
    return Rated(ceil(cost * 1_000_000), at, free)
