"""What the meter asks of the ledger: holds to reserve, posts to settle; and who may lack money."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ringback.amounts import ZERO, format_amount
from ringback.charging.packages import Allowance
from ringback.charging.rating import NOTHING_FREE, Free, Rate

RINGS_AT_LEAST_SECONDS = 5.0
"""A leg B whose answer is covered for less time than this is not dialled."""

Role = Literal["A", "B"]
"""Of a leg: the return call, the outgoing call."""


def reservation_id(leg_id: str, ledger_id: str) -> str:
    """The id of what one payer has reserved for one leg."""
    return f"{leg_id}/{ledger_id}"


@dataclass(frozen=True, slots=True)
class Hold:
    """So much is to be reserved in all for one leg with one payer.

    A hold names the total, not what is added, which makes it its own id: the same hold again,
    and one that is overtaken by a larger, change nothing.
    """

    leg_id: str
    ledger_id: str
    payer: str
    """Name of the account, or number of the callerID."""
    total: Decimal
    rate: Rate
    free: Free = NOTHING_FREE
    """The blocks among those held that free minutes pay: `total` is for the others."""
    allowance: Allowance | None = None
    """What these are reserved of; None where another payer's hold does that, or nothing is."""
    below_id: str | None = None
    """Ledger id of the payer below, whose charge for the leg is this one's income."""
    spends: tuple[str, ...] = ()
    """The guarded spending that it is part of."""

    @property
    def free_seconds(self) -> int:
        """What is held of the allowance in all."""
        return 0 if self.allowance is None else self.rate.free_seconds(self.free)

    @property
    def reservation_id(self) -> str:
        return reservation_id(self.leg_id, self.ledger_id)


@dataclass(frozen=True, slots=True)
class Post:
    """The end of one payer's reservation for one leg: what was used is posted, the rest
    released. Of a leg that was not answered everything is released, and nothing is entered."""

    leg_id: str
    ledger_id: str
    payer: str
    answered: bool
    price: Decimal = ZERO
    billed_seconds: int = 0
    explanation: str = ""
    free: Free = NOTHING_FREE
    """The blocks that free minutes paid."""

    @property
    def reservation_id(self) -> str:
        return reservation_id(self.leg_id, self.ledger_id)


@dataclass(frozen=True, slots=True)
class Shortage:
    """What was to be reserved cannot be. Nothing was reserved with anybody."""

    payer: str
    """Name of the account, or number of the callerID."""
    ledger_id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.payer}: {self.reason}"

    @classmethod
    def of(cls, payer: str, ledger_id: str, needed: Decimal, available: Decimal) -> Shortage:
        """Somebody has too little."""
        reason = (
            f"{format_amount(needed)} is to be reserved, {format_amount(available)} is available"
        )
        return cls(payer, ledger_id, reason)
