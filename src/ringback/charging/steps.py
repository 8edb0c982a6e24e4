"""Steps of a meter: what the ledger is to reserve and release in one go."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ringback.charging.holds import Hold, Post, Role
from ringback.charging.payers import PayerRate
from ringback.charging.rating import charge, microseconds
from ringback.charging.shares import PaidLeg, Share


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be reserved, given back and released, all or nothing. One without any changes
    nothing: there is nothing more to be had, or no need of it."""

    number: int
    """Steps are numbered: see `Meter.applied`."""
    trims: tuple[Hold, ...] = ()
    """Reservations that are to be less from now on."""
    holds: tuple[Hold, ...] = ()
    """What every reservation is to be at least, once the others are less."""
    releases: tuple[Post, ...] = ()
    # For `Meter.applied`:
    shares: Mapping[str, Sequence[Share]] = field(default_factory=dict)
    """By leg id."""
    legs: Mapping[Role, PaidLeg] = field(default_factory=dict)
    tail: Tail | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What a leg B is reserved for."""

    payers: Sequence[PayerRate]
    tail: float
    """Seconds that leg A stays after it to hear `disconnect_sound`."""
    longest: float = math.inf
    """Seconds after which it is ended in any case."""

    @property
    def first_seconds(self) -> float:
        """It lasts so long once it is answered, if nobody hangs up: its shortest first block."""
        return min(self.longest, *(payer.rate.first_block for payer in self.payers))


@dataclass(frozen=True, slots=True)
class Tail:
    """How long leg A is to outlast something. Microseconds."""

    wanted: int = 0
    """After leg B."""
    held: int = 0
    """What of it is reserved: all, or nothing once credit was taken away."""
    first: int = 0
    """So long leg B lasts at least, once it is answered."""

    @classmethod
    def of(cls, terms: Terms) -> Tail:
        after = microseconds(terms.tail)
        return cls(after, after, microseconds(terms.first_seconds))


def holds_of(leg: PaidLeg, shares: Sequence[Share]) -> tuple[Hold, ...]:
    """What the leg's shares hold in all."""
    return tuple(
        Hold(
            leg.id,
            share.payer.ledger_id,
            share.payer.name,
            share.payer.rate.price(share.blocks, share.free),
            share.payer.rate,
            share.free,
            share.payer.allowance if share.payer.debited else None,
            share.payer.below_id,
            share.payer.spends,
        )
        for share in shares
    )


def changed(
    number: int,
    after: Sequence[tuple[PaidLeg, Sequence[Share]]],
    *,
    legs: Mapping[Role, PaidLeg] | None = None,
    tail: Tail | None = None,
) -> Step:
    """The step by which the shares of these legs become those, and `legs` are opened."""
    opened = legs or {}
    if not opened and all(list(shares) == leg.shares for leg, shares in after):
        return Step(number, tail=tail)
    fewer = [
        (leg, [new for old, new in zip(leg.shares, shares, strict=True) if new.blocks < old.blocks])
        for leg, shares in after
    ]
    held = [*after, *((leg, leg.shares) for leg in opened.values())]
    return Step(
        number,
        trims=tuple(hold for leg, shares in fewer for hold in holds_of(leg, shares)),
        holds=tuple(hold for leg, shares in held for hold in holds_of(leg, shares)),
        shares={leg.id: shares for leg, shares in after},
        legs=opened,
        tail=tail,
    )


def release(leg: PaidLeg, share: Share) -> Post:
    """The end of a share of which nothing was used."""
    return Post(leg.id, share.payer.ledger_id, share.payer.name, answered=False)


def post(leg: PaidLeg, share: Share, duration: int) -> Post:
    """The end of a share of a leg that lasted `duration` microseconds from its answer."""
    payer = share.payer
    charged = charge(payer.rate, duration, share.free)
    return Post(
        leg.id,
        payer.ledger_id,
        payer.name,
        answered=True,
        price=charged.amount,
        free=charged.free,
        billed_seconds=charged.billed_seconds,
        explanation=charged.explanation,
    )
