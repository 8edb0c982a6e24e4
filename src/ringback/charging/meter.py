"""The meter: the money of one session, in memory (spec section 6, "Reserve, then settle").

Pure: it asks no clock and no database. It works out a step, the ledger reserves its holds, and
the meter is then told with `applied`. Within a unit of work all of this happens to a copy, which
the session's own meter adopts once the unit is committed (`funds`): until then nothing has changed.

Unlimited credit and rates without a price are metered like all others: the ledger grants the
next minute and takes nothing for it. So a credit that is unlimited no more is noticed at the next
slice, and a leg always has an instant at which it ends without us.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType

from ringback.amounts import to_millionths
from ringback.charging.holds import Hold, Post, Role
from ringback.charging.packages import Allowance, allowances_of
from ringback.charging.payers import PayerRate
from ringback.charging.rating import SECOND, charge, microseconds
from ringback.charging.shares import NEVER, Minutes, PaidLeg, Share
from ringback.clock import Instant

SLICE_SECONDS = 60
"""So much is reserved at a time, in whole blocks."""

LONGEST_SECONDS = 366 * 86400
"""Credit that lasts longer than this is no limit to a call."""

_NO_MINUTES: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be reserved and released in one go. Without holds: nothing more can be had."""

    number: int
    """Steps are numbered: see `Meter.applied`."""
    holds: tuple[Hold, ...] = ()
    releases: tuple[Post, ...] = ()
    trims: tuple[Hold, ...] = ()
    """Reservations that are to be less from now on."""
    # For `Meter.applied`:
    shares: Mapping[str, Sequence[Share]] = field(default_factory=dict)
    """By leg id."""
    legs: Mapping[Role, PaidLeg] = field(default_factory=dict)
    tail: int | None = None


class Meter:
    """What is reserved for the legs of one session, and how long that lasts."""

    def __init__(self) -> None:
        self._legs: dict[Role, PaidLeg] = {}
        self._tail = 0
        self._steps = 0

    # Steps. `left` are the seconds of free minutes that each allowance of `allowances`, and of the
    # payers named, has left (`ledger.free_left`).

    def open_a(
        self, leg_id: str, payers: Sequence[PayerRate], left: Mapping[str, int] = _NO_MINUTES
    ) -> Step:
        """Leg A is to be dialled: its setup and first block with every payer."""
        leg = _opened(leg_id, payers, Minutes(left))
        return Step(self._steps, holds=_holds(leg.id, leg.shares), legs={"A": leg})

    def open_b(
        self,
        leg_id: str,
        payers: Sequence[PayerRate],
        latest_answer: Instant,
        tail: float,
        left: Mapping[str, int] = _NO_MINUTES,
    ) -> Step:
        """Leg B is to be dialled: its setup and first block with every payer, and leg A to the
        end of that block as if B answered at `latest_answer`, plus `tail` seconds, which is how
        long leg A stays to hear `disconnect_sound`."""
        minutes, a = Minutes(left), self._legs["A"]
        leg = _opened(leg_id, payers, minutes)
        first = min(payer.rate.first_block for payer in payers) * SECOND
        until = microseconds(latest_answer) + first + microseconds(tail)
        longer = a.lasting(until, minutes)
        return Step(
            self._steps,
            holds=(*_holds(leg.id, leg.shares), *_growth(a, longer)),
            shares={a.id: longer},
            legs={"B": leg},
            tail=microseconds(tail),
        )

    def change_payers_a(self, payers: Sequence[PayerRate], until: Instant = math.inf) -> Step:
        """Others pay leg A, from its answer to `until`, or as far as it is paid now. Who paid
        before and goes on keeps his rate, and gets back what is more; who does not gets back all
        that was reserved with him."""
        old = self._legs["A"]
        before = {share.payer.ledger_id: share for share in old.shares}
        leg = PaidLeg(old.id, [], old.answered)
        leg.shares = [
            before.pop(payer.ledger_id).above(payer.below_id)
            if payer.ledger_id in before
            else old.joined(payer)
            for payer in payers
        ]
        if old.answered is not None:
            end = min(old.paid_until(), NEVER if until == math.inf else microseconds(until))
            leg.shares = leg.lasting_exactly(end, Minutes({}))
        return Step(
            self._steps,
            holds=_holds(leg.id, leg.shares),
            trims=_holds(leg.id, leg.shares),
            releases=tuple(_release(leg, share) for share in before.values()),
            legs={"A": leg},
        )

    def trim(self) -> Step:
        """Leg A was paid as if leg B were to answer at the last moment: once it has, what leg A
        does not need to outlast leg B may be given back."""
        running = {leg.id: leg for leg, _ in self._running()}
        a, b = self._legs.get("A"), self._legs.get("B")
        if a is None or b is None or not running.keys() >= {a.id, b.id}:
            return Step(self._steps)
        return self._shorten(a, b.paid_until() + self._tail)

    def curtail(self, ledger_ids: Collection[str], now: Instant) -> Step:
        """These had no limit, and now have one: of the legs they pay only the blocks that have
        begun remain, and nothing is kept for the time after leg B."""
        at = microseconds(now)
        trims: list[Hold] = []
        shares: dict[str, list[Share]] = {}
        for leg in self._legs.values():
            if leg.ended or not any(share.payer.ledger_id in ledger_ids for share in leg.shares):
                continue
            duration = 0 if leg.answered is None else at - leg.answered
            shares[leg.id] = [share.shortened(duration) for share in leg.shares]
            trims += _shrinkage(leg, shares[leg.id])
        tail = 0 if trims else None
        return Step(self._steps, trims=tuple(trims), shares=shares, tail=tail)

    def slice(
        self, available: Mapping[str, Decimal], left: Mapping[str, int] = _NO_MINUTES
    ) -> Step:
        """The next 60 s for all answered legs in whole blocks, or the whole blocks that there
        are. `available` is what each account of `ledger_ids` has left (`ledger.available`)."""
        running, budget = self._running(), _millionths(available)
        if not running:
            return Step(self._steps)
        funded = _funded(running)
        until = _last(
            funded,
            funded + SLICE_SECONDS * SECOND,
            lambda at: _within(budget, _needs(_ends(running, at), Minutes(left))),
        )
        minutes = Minutes(left)
        longer = [(leg, leg.lasting(end, minutes)) for leg, end in _ends(running, until)]
        return Step(
            self._steps,
            holds=tuple(hold for leg, shares in longer for hold in _growth(leg, shares)),
            shares={leg.id: shares for leg, shares in longer},
        )

    def copy(self) -> Meter:
        """A meter that goes its own way from here."""
        other = Meter()
        other._legs = {role: replace(leg) for role, leg in self._legs.items()}
        other._tail, other._steps = self._tail, self._steps
        return other

    def adopt(self, other: Meter) -> None:
        """Take what a copy holds now. Whether a leg was answered or has ended is known here: it
        may have come to be known meanwhile."""
        for role, leg in other._legs.items():
            own = self._legs.get(role)
            if own is not None and own.id == leg.id:
                leg.answered, leg.ended = own.answered, own.ended or leg.ended
        self._legs, self._tail, self._steps = other._legs, other._tail, other._steps

    def applied(self, step: Step) -> None:
        """The step has been reserved. It must be the one worked out last."""
        assert step.number == self._steps, "two steps of a meter were under way at once"
        self._steps += 1
        for leg in self._legs.values():
            leg.shares = list(step.shares.get(leg.id, leg.shares))
        self._legs = {**self._legs, **step.legs}
        if step.tail is not None:
            self._tail = step.tail

    # The course of the legs

    def answered(self, role: Role, at: Instant) -> None:
        """The leg's time begins."""
        self._legs[role].answered = microseconds(at)

    def ended(self, role: Role) -> None:
        """The leg is over: it counts no more for what is funded or sliced."""
        if role in self._legs:
            self._legs[role].ended = True

    def settle(self, role: Role, ended: Instant) -> list[Post]:
        """The leg is over: what each of its payers owes. Its time ended at `ended`, or at its
        funded instant if that is earlier. It may be asked again, should the store have failed."""
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

    def leg_ids(self) -> list[str]:
        """The open legs."""
        return [leg.id for leg in self._legs.values() if not leg.ended]

    def all_leg_ids(self) -> list[str]:
        """Those that have ended, too."""
        return [leg.id for leg in self._legs.values()]

    def allowances(self) -> list[Allowance]:
        """The free minutes that the open legs may use."""
        return allowances_of(
            share.payer for leg in self._legs.values() if not leg.ended for share in leg.shares
        )

    def affords(self, step: Step, available: Mapping[str, Decimal]) -> bool:
        """Whether the step could be reserved of what each of its payers has left."""
        held = {
            (leg.id, share.payer.ledger_id): share.cost()
            for leg in self._legs.values()
            for share in leg.shares
        }
        needs: dict[str, int] = {}
        for hold in step.holds:
            more = to_millionths(hold.total) - held.get((hold.leg_id, hold.ledger_id), 0)
            needs[hold.ledger_id] = needs.get(hold.ledger_id, 0) + more
        return _within(_millionths(available), needs)

    def longest(
        self,
        payers: Sequence[PayerRate],
        now: Instant,
        tail: float,
        available: Mapping[str, Decimal],
        left: Mapping[str, int] = _NO_MINUTES,
    ) -> float:
        """For how many seconds after an answer at `now` the credit would last for a leg B with
        these payers, leg A and the tail included: what leg A holds beyond that is given back
        (`trim`). math.inf where nobody's credit limits it; 0 where it is not enough for the first
        block."""
        budget, answer, after = _millionths(available), microseconds(now), microseconds(tail)
        leg_a = self._legs["A"]

        def lasts(seconds: int) -> bool:
            end, minutes = answer + seconds, Minutes(left)
            leg_b = _opened("", payers, minutes)
            leg_b.answered = answer
            shares_a = leg_a.lasting_exactly(end + after, minutes)
            shares_b = leg_b.lasting(end, minutes)
            return _within(budget, _costs((*shares_a, *shares_b), leg_a.shares))

        if lasts(LONGEST_SECONDS * SECOND):
            return math.inf
        return _last(0, LONGEST_SECONDS * SECOND, lasts) / SECOND

    def _shorten(self, leg: PaidLeg, until: int) -> Step:
        """Give back what the leg does not need to last until then: money before free minutes."""
        assert leg.answered is not None
        shorter = [share.shortened(until - leg.answered) for share in leg.shares]
        return Step(self._steps, trims=_shrinkage(leg, shorter), shares={leg.id: shorter})

    def _running(self) -> _Ends:
        """The legs whose time runs, each with how long it stays after the funded instant."""
        legs = self._legs
        tail = self._tail if "B" in legs and not legs["B"].ended else 0
        return [
            (leg, tail if role == "A" else 0)
            for role, leg in legs.items()
            if leg.answered is not None and not leg.ended
        ]


_Ends = Sequence[tuple[PaidLeg, int]]
"""Legs, each with the instant that it is to last to."""


def _funded(running: _Ends) -> int:
    return min((leg.paid_until() - after for leg, after in running), default=NEVER)


def _ends(running: _Ends, until: int) -> _Ends:
    """How long each leg must last for `until` to be the funded instant."""
    return [(leg, until + after) for leg, after in running]


def _opened(leg_id: str, payers: Sequence[PayerRate], minutes: Minutes) -> PaidLeg:
    """A new leg with its first block."""
    shares = [Share(payer, 0, minutes.open(leg_id, payer)) for payer in payers]
    return PaidLeg(leg_id, shares)


def _growth(leg: PaidLeg, shares: Sequence[Share]) -> tuple[Hold, ...]:
    """What more is to be held for the leg's shares to become these."""
    return _holds(
        leg.id,
        [new for old, new in zip(leg.shares, shares, strict=True) if new.blocks > old.blocks],
    )


def _shrinkage(leg: PaidLeg, shares: Sequence[Share]) -> tuple[Hold, ...]:
    """What is to be held from now on where it is less than it was."""
    return _holds(
        leg.id,
        [new for old, new in zip(leg.shares, shares, strict=True) if new.blocks < old.blocks],
    )


def _needs(ends: _Ends, minutes: Minutes) -> dict[str, int]:
    """Millionths that each ledger account must have left for the legs to last so."""
    after = [share for leg, until in ends for share in leg.lasting(until, minutes)]
    return _costs(after, [share for leg, _ in ends for share in leg.shares])


def _costs(after: Iterable[Share], before: Iterable[Share]) -> dict[str, int]:
    """Millionths that these shares cost each ledger account more than those before."""
    costs: dict[str, int] = {}
    for sign, shares in ((1, after), (-1, before)):
        for share in shares:
            ledger_id = share.payer.ledger_id
            costs[ledger_id] = costs.get(ledger_id, 0) + sign * share.cost()
    return costs


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
    return math.inf if time == NEVER else time / SECOND


def _holds(leg_id: str, shares: Sequence[Share]) -> tuple[Hold, ...]:
    return tuple(
        Hold(
            leg_id,
            share.payer.ledger_id,
            share.payer.name,
            share.payer.rate.price(share.blocks, share.free),
            share.payer.rate,
            share.free,
            share.payer.allowance if share.payer.debited else None,
            share.payer.below_id,
        )
        for share in shares
    )


def _release(leg: PaidLeg, share: Share) -> Post:
    return Post(leg.id, share.payer.ledger_id, share.payer.name, answered=False)


def _post(leg: PaidLeg, share: Share, duration: int) -> Post:
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
