"""Rating: what a leg costs. Pure arithmetic on whole millionths and whole microseconds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from ringback.amounts import (
    LARGEST,
    ZERO,
    format_amount,
    from_millionths,
    parse_amount,
    to_millionths,
)
from ringback.clock import Instant

SECOND = 1_000_000
"""Microseconds. Durations are whole ones, so that a block's end is an exact place in time."""


def microseconds(instant: Instant) -> int:
    """An instant, or a number of seconds, in whole microseconds, as the database keeps it."""
    return round(instant * SECOND)


@dataclass(frozen=True, slots=True)
class Free:
    """The blocks of a leg that free minutes pay (spec section 6, "Free minutes")."""

    first: bool = False
    blocks: int = 0
    """Of those after the first."""

    def used(self, blocks: int) -> Free:
        """What of it a leg with so many blocks after the first uses: it goes before money."""
        return self if self.blocks <= blocks else Free(self.first, blocks)


NOTHING_FREE = Free()


@dataclass(frozen=True)
class Rate:
    """What calls to one prefix cost (spec section 6, "Charging plan").

    Raises ValueError for a block shorter than a second or a price below zero: blocks without
    length would make a call's charge endless; and for a first block that no amount could pay.
    """

    prefix: str
    """Leading digits of E.164 without plus; "" is every number."""
    setup: Decimal
    first_block: int
    """Seconds, charged whole at `first_price`."""
    first_price: Decimal | None
    """None: what its seconds cost at `price_per_minute`, unrounded as those of later blocks are."""
    next_block: int
    """Seconds; each block after the first, charged whole at `price_per_minute`."""
    price_per_minute: Decimal
    valid_from: Instant | None = None
    valid_to: Instant | None = None
    """The first instant at which it is valid no more."""

    def __post_init__(self) -> None:
        if self.first_block < 1 or self.next_block < 1:
            raise ValueError(f"rate {self.prefix!r}: blocks are at least 1 second")
        if min(self.setup, self.first_price or ZERO, self.price_per_minute) < 0:
            raise ValueError(f"rate {self.prefix!r}: prices are not negative")
        self._see_payable()

    def _see_payable(self) -> None:
        """Whether there can be an amount that pays the first block."""
        first, minute = self.first_price, self.price_per_minute
        sixtieths = self.first_block * minute if first is None else 60 * first
        if 60 * self.setup + sixtieths <= 60 * LARGEST:
            return
        told = f"{self.first_block} s at price_per_minute {minute}"
        if first is not None:
            told = f"first_price {first}"
        raise ValueError(
            f"setup {self.setup} and {told} are together above the largest amount, {LARGEST}: "
            "lower one of them"
        )

    def valid(self, at: Instant) -> bool:
        """Whether a leg dialled at `at` may be charged by it."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_to is None or at < self.valid_to
        )

    def blocks(self, duration: int) -> int:
        """How many blocks after the first have begun in `duration` microseconds. A block that
        would begin at the very end has not: 60.000000 s are one block of 60."""
        return max(0, -((self.first_block * SECOND - duration) // (self.next_block * SECOND)))

    def price(self, blocks: int, free: Free = NOTHING_FREE) -> Decimal:
        """What a leg costs with so many blocks after the first, some of them free."""
        return from_millionths(self.millionths(blocks, free))

    def millionths(self, blocks: int, free: Free = NOTHING_FREE) -> int:
        """`price` in whole millionths: worked out exactly and rounded once, up."""
        paid = blocks - free.blocks
        return self._setup - (-(self._begun(free) + paid * self._next) // 60)

    def lasts(self, blocks: int) -> int:
        """Microseconds from the answer to the end of so many blocks after the first."""
        return (self.first_block + blocks * self.next_block) * SECOND

    def affordable(self, amount: Decimal, free: Free = NOTHING_FREE) -> int | None:
        """The most blocks after the first whose price is within `amount`; None: any number.
        Below the price of the first block the answer is negative."""
        left = (to_millionths(amount) - self._setup) * 60 - self._begun(free)
        if left < 0:
            return -1
        return None if self._next == 0 else free.blocks + left // self._next

    def free_seconds(self, free: Free) -> int:
        """What the free blocks take of an allowance."""
        return free.first * self.first_block + free.blocks * self.next_block

    def explain(self, blocks: int, free: Free = NOTHING_FREE) -> str:
        """What is charged for, as "setup 0.05, 60 s at 0.02, 3 × 10 s at 0.02/min". The prefix is
        not said: it may be a whole number, and explanations stay longer than people's numbers."""
        first_block, at_first_price, next_block, at_next_price = self._told
        told = first_block + (" free" if free.first else at_first_price)
        if free.blocks:
            told += f", {free.blocks}{next_block} free"
        if paid := blocks - free.blocks:
            told += f", {paid}{next_block}{at_next_price}"
        return told

    @cached_property
    def _told(self) -> tuple[str, str, str, str]:
        """The parts of its explanations: amounts in words are half the work of a charge."""
        setup = f"setup {format_amount(self.setup)}, " if self.setup else ""
        a_minute = f" at {format_amount(self.price_per_minute)}/min"
        first = a_minute if self.first_price is None else f" at {format_amount(self.first_price)}"
        return (
            f"{setup}{self.first_block} s",
            first,
            f" × {self.next_block} s",
            a_minute,
        )

    def _begun(self, free: Free) -> int:
        """Sixtieths of a millionth for the first block."""
        return 0 if free.first else self._first

    @cached_property
    def _setup(self) -> int:
        """Millionths."""
        return to_millionths(self.setup)

    # Blocks are priced in sixtieths of a millionth, in which a second's price has no fraction.

    @cached_property
    def _first(self) -> int:
        if self.first_price is None:
            return self.first_block * to_millionths(self.price_per_minute)
        return 60 * to_millionths(self.first_price)

    @cached_property
    def _next(self) -> int:
        """One block after the first."""
        return self.next_block * to_millionths(self.price_per_minute)

    def as_json(self) -> dict[str, Any]:
        """For the reservation, so that a restart can charge by it."""
        return {
            "prefix": self.prefix,
            "setup": format_amount(self.setup),
            "first_block": self.first_block,
            "first_price": None if self.first_price is None else format_amount(self.first_price),
            "next_block": self.next_block,
            "price_per_minute": format_amount(self.price_per_minute),
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Rate:
        """The inverse of `as_json`; the period of validity, which is over with, is left out."""
        first_price = document["first_price"]
        return cls(
            document["prefix"],
            parse_amount(document["setup"]),
            document["first_block"],
            None if first_price is None else parse_amount(first_price),
            document["next_block"],
            parse_amount(document["price_per_minute"]),
        )


@dataclass(frozen=True, slots=True)
class Charge:
    """What one payer owes for one answered leg."""

    amount: Decimal
    billed_seconds: int
    """The length of the blocks charged."""
    explanation: str
    free: Free = NOTHING_FREE
    """The blocks that free minutes paid."""


def charge(rate: Rate, duration: int, free: Free = NOTHING_FREE) -> Charge:
    """The charge of an answered leg that lasted `duration` microseconds (spec section 6, "Charge
    of a leg"): setup + first_price + n x next_block x price_per_minute / 60, without the blocks
    that free minutes pay.

    Blocks are charged when begun. The first begins with the answer itself, so a leg that was
    answered and ended in the same microsecond costs setup and first block. A leg that was never
    answered costs nothing and has no charge: do not ask for one.
    """
    return charge_of_blocks(rate, rate.blocks(duration), free)


def charge_of_blocks(rate: Rate, blocks: int, free: Free = NOTHING_FREE) -> Charge:
    """The charge of an answered leg with so many blocks after the first."""
    used = free.used(blocks)
    return Charge(
        rate.price(blocks, used),
        rate.first_block + blocks * rate.next_block,
        rate.explain(blocks, used),
        used,
    )
