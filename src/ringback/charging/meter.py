"""The meter: the money of one session, in memory (spec section 6, "Reserve, then settle").

Pure: it asks no clock and no database. It works out a step, the ledger reserves its holds, and
when that is committed the meter is told with `applied`; until then nothing has changed. A step
may therefore be dropped when the store fails, and worked out again. It may be worked out in the
thread of the store, where a unit of work runs, while the event loop reports an answer.

Unlimited credit and rates without a price are metered like all others: the ledger grants the
next minute and takes nothing for it. So a credit that is unlimited no more is noticed at the next
slice, and a leg always has an instant at which it ends without us.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from ringback.amounts import to_millionths
from ringback.charging.holds import Hold, Post, reservation_id
from ringback.charging.payers import PayerRate
from ringback.charging.rating import SECOND, charge, microseconds
from ringback.clock import Instant

Role = Literal["A", "B"]

SLICE_SECONDS = 60
"""So much is reserved at a time, in whole blocks."""

LONGEST_SECONDS = 366 * 86400
"""Credit that lasts longer than this is no limit to a call."""

_NEVER = 2**62
"""Microseconds, later than any instant."""


@dataclass(slots=True)
class _Share:
    """One payer's part in a leg: its blocks after the first are reserved up to `blocks`."""

    payer: PayerRate
    blocks: int = 0


@dataclass(slots=True)
class _Leg:
    """A leg and who pays it. Times in microseconds."""

    id: str
    shares: list[_Share]
    answered: int | None = None
    ended: bool = False

    def paid_until(self) -> int:
        """The last instant that every payer has reserved for."""
        if self.answered is None:
            return _NEVER
        lasts = min(share.payer.rate.lasts(share.blocks) for share in self.shares)
        return self.answered + lasts

    def lasting(self, until: int) -> list[tuple[_Share, int]]:
        """Each share with the blocks that it takes for the leg to last until then."""
        assert self.answered is not None
        duration = until - self.answered
        return [
            (share, max(share.blocks, share.payer.rate.blocks(duration))) for share in self.shares
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be reserved and released in one go. Without holds: nothing more can be had."""

    holds: tuple[Hold, ...] = ()
    releases: tuple[Post, ...] = ()
    trims: tuple[Hold, ...] = ()
    """Reservations that are to be less from now on."""
    # For `Meter.applied`:
    blocks: Mapping[str, int] = field(default_factory=dict)
    trimmed: Mapping[str, int] = field(default_factory=dict)
    legs: Mapping[Role, _Leg] = field(default_factory=dict)
    tail: int | None = None


class Meter:
    """What is reserved for the legs of one session, and how long that lasts."""

    def __init__(self) -> None:
        self._legs: dict[Role, _Leg] = {}
        self._tail = 0

    # Steps

    def open_a(self, leg_id: str, payers: Sequence[PayerRate]) -> Step:
        """Leg A is to be dialled: its setup and first block with every payer."""
        leg = _Leg(leg_id, [_Share(payer) for payer in payers])
        return Step(holds=_opening(leg), legs={"A": leg})

    def open_b(
        self, leg_id: str, payers: Sequence[PayerRate], latest_answer: Instant, tail: float
    ) -> Step:
        """Leg B is to be dialled: its setup and first block with every payer, and leg A to the
        end of that block as if B answered at `latest_answer`, plus `tail` seconds, which is how
        long leg A stays to hear `disconnect_sound`."""
        leg = _Leg(leg_id, [_Share(payer) for payer in payers])
        first = min(payer.rate.first_block for payer in payers) * SECOND
        until = microseconds(latest_answer) + first + microseconds(tail)
        longer = _growth([(self._legs["A"], until)])
        return Step(
            holds=(*_opening(leg), *(hold for hold, _ in longer)),
            blocks=_blocks(longer),
            legs={"B": leg},
            tail=microseconds(tail),
        )

    def change_payers_a(self, payers: Sequence[PayerRate]) -> Step:
        """Others pay leg A, from its answer and as far as it is paid now. Who paid before and
        goes on keeps his rate; who does not gets back all that was reserved with him."""
        old = self._legs["A"]
        before = {share.payer.ledger_id: share for share in old.shares}
        leg = _Leg(old.id, [], old.answered)
        leg.shares = [before.pop(payer.ledger_id, _Share(payer)) for payer in payers]
        if old.answered is not None:
            until = old.paid_until()
            leg.shares = [_Share(share.payer, blocks) for share, blocks in leg.lasting(until)]
        return Step(
            holds=tuple(_hold(leg, share, share.blocks) for share in leg.shares),
            releases=tuple(_release(leg, share) for share in before.values()),
            legs={"A": leg},
        )

    def trim(self) -> Step:
        """Leg B has answered. Leg A was paid as if that were to happen at the last moment: what
        it does not need to outlast leg B is given back, or the credit would end for leg B while
        leg A still held some of it."""
        a, b = self._legs["A"], self._legs["B"]
        assert a.answered is not None
        duration = b.paid_until() + self._tail - a.answered
        less = [
            (_hold(a, share, blocks), blocks)
            for share in a.shares
            if (blocks := share.payer.rate.blocks(duration)) < share.blocks
        ]
        return Step(trims=tuple(hold for hold, _ in less), trimmed=_blocks(less))

    def slice(self, available: Mapping[str, Decimal]) -> Step:
        """The next 60 s for all answered legs in whole blocks, or the whole blocks that there
        are. `available` is what each account of `ledger_ids` has left (`ledger.available`)."""
        running, budget = self._running(), _millionths(available)
        if not running:
            return Step()
        funded = _funded(running)
        until = _last(
            funded,
            funded + SLICE_SECONDS * SECOND,
            lambda at: _within(budget, _needs(_ends(running, at))),
        )
        longer = _growth(_ends(running, until))
        return Step(holds=tuple(hold for hold, _ in longer), blocks=_blocks(longer))

    def applied(self, step: Step) -> None:
        """The step has been reserved and committed."""
        for leg in self._legs.values():
            for share in leg.shares:
                name = reservation_id(leg.id, share.payer.ledger_id)
                share.blocks = step.trimmed.get(name, max(share.blocks, step.blocks.get(name, 0)))
        self._legs = {**self._legs, **step.legs}
        if step.tail is not None:
            self._tail = step.tail

    # The course of the legs

    def answered(self, role: Role, at: Instant) -> None:
        """The leg's time begins."""
        self._legs[role].answered = microseconds(at)

    def settle(self, role: Role, ended: Instant) -> list[Post]:
        """The leg is over: what each of its payers owes. Its time ended at `ended`, or at its
        funded instant if that is earlier. It may be asked again, should the store have failed;
        from now on the leg counts no more for what is funded or sliced."""
        leg = self._legs.get(role)
        if leg is None:
            return []
        leg.ended = True
        if leg.answered is None:
            return [_release(leg, share) for share in leg.shares]
        # Every block that is reserved begins before the funded instant, so the end of the leg's
        # own blocks comes to the same charge.
        end = min(microseconds(ended), leg.paid_until())
        return [_post(leg, share, max(0, end - leg.answered)) for share in leg.shares]

    # What it comes to

    def ledger_ids(self) -> list[str]:
        """The ledger accounts that pay for the open legs."""
        shares = (share for leg in self._legs.values() if not leg.ended for share in leg.shares)
        return list(dict.fromkeys(share.payer.ledger_id for share in shares))

    def funded(self) -> Instant:
        """The funded instant: the last at which every payer covers every open leg, leg A with
        the tail after it while there is a leg B. math.inf while no leg has been answered."""
        return _instant(_funded(self._running()))

    def funded_a(self) -> Instant:
        """Leg A's own instant, the last that is paid for: leg A must have ended by then. math.inf
        while it has not been answered."""
        leg = self._legs.get("A")
        return math.inf if leg is None else _instant(leg.paid_until())

    def longest(
        self,
        payers: Sequence[PayerRate],
        now: Instant,
        tail: float,
        available: Mapping[str, Decimal],
    ) -> float:
        """For how many seconds after an answer at `now` the credit would last for a leg B with
        these payers, leg A and the tail included. math.inf where nobody's credit limits it; 0
        where it is not enough for the first block."""
        budget, answer, after = _millionths(available), microseconds(now), microseconds(tail)
        leg_a = self._legs["A"]
        leg_b = _Leg("", [_Share(payer) for payer in payers], answer)
        opening = {payer.ledger_id: payer.rate.millionths(0) for payer in payers}

        def lasts(seconds: int) -> bool:
            end = answer + seconds
            return _within(budget, _needs([(leg_a, end + after), (leg_b, end)], opening))

        if lasts(LONGEST_SECONDS * SECOND):
            return math.inf
        return _last(0, LONGEST_SECONDS * SECOND, lasts) / SECOND

    def _running(self) -> _Ends:
        """The legs whose time runs, each with how long it stays after the funded instant."""
        legs = self._legs
        tail = self._tail if "B" in legs and not legs["B"].ended else 0
        return [
            (leg, tail if role == "A" else 0)
            for role, leg in legs.items()
            if leg.answered is not None and not leg.ended
        ]


_Ends = Sequence[tuple[_Leg, int]]
"""Legs, each with the instant that it is to last to."""


def _funded(running: _Ends) -> int:
    return min((leg.paid_until() - after for leg, after in running), default=_NEVER)


def _ends(running: _Ends, until: int) -> _Ends:
    """How long each leg must last for `until` to be the funded instant."""
    return [(leg, until + after) for leg, after in running]


def _growth(ends: _Ends) -> list[tuple[Hold, int]]:
    """What more is to be held for the legs to last so, each with the blocks that it pays."""
    return [
        (_hold(leg, share, blocks), blocks)
        for leg, until in ends
        for share, blocks in leg.lasting(until)
        if blocks > share.blocks
    ]


def _blocks(growth: Sequence[tuple[Hold, int]]) -> dict[str, int]:
    return {hold.reservation_id: blocks for hold, blocks in growth}


def _needs(ends: _Ends, opening: Mapping[str, int] | None = None) -> dict[str, int]:
    """Millionths that each ledger account must have left for the legs to last so, and for
    `opening`."""
    needs = dict(opening or {})
    for leg, until in ends:
        for share, blocks in leg.lasting(until):
            ledger_id, rate = share.payer.ledger_id, share.payer.rate
            more = rate.millionths(blocks) - rate.millionths(share.blocks)
            needs[ledger_id] = needs.get(ledger_id, 0) + more
    return needs


def _millionths(available: Mapping[str, Decimal]) -> dict[str, int | None]:
    """What each has left; None without a limit."""
    return {
        ledger_id: to_millionths(amount) if amount.is_finite() else None
        for ledger_id, amount in available.items()
    }


def _within(budget: Mapping[str, int | None], needs: Mapping[str, int]) -> bool:
    left = ((budget.get(ledger_id, 0), need) for ledger_id, need in needs.items())
    return all(amount is None or need <= amount for amount, need in left)


def _last(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The last whole number up to `high` for which `holds`, which from some number on it does no
    more; `low` where it holds for none above it."""
    return low + bisect_left(range(low + 1, high + 1), True, key=lambda at: not holds(at))


def _instant(time: int) -> Instant:
    return math.inf if time == _NEVER else time / SECOND


def _opening(leg: _Leg) -> tuple[Hold, ...]:
    return tuple(_hold(leg, share, 0) for share in leg.shares)


def _hold(leg: _Leg, share: _Share, blocks: int) -> Hold:
    payer = share.payer
    return Hold(leg.id, payer.ledger_id, payer.name, payer.rate.price(blocks), payer.rate)


def _release(leg: _Leg, share: _Share) -> Post:
    return Post(leg.id, share.payer.ledger_id, share.payer.name, answered=False)


def _post(leg: _Leg, share: _Share, duration: int) -> Post:
    payer = share.payer
    charged = charge(payer.rate, duration)
    return Post(
        leg.id,
        payer.ledger_id,
        payer.name,
        answered=True,
        price=charged.amount,
        billed_seconds=charged.billed_seconds,
        explanation=charged.explanation,
    )
