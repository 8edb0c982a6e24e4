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
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from ringback.charging.holds import RINGS_AT_LEAST_SECONDS, Post, Role, Shortage
from ringback.charging.means import NO_MINUTES, Means, last
from ringback.charging.packages import Allowance, allowances_of
from ringback.charging.payers import PayerRate
from ringback.charging.rating import SECOND, microseconds
from ringback.charging.shares import NEVER, Minutes, PaidLeg, Share
from ringback.charging.steps import Step, Tail, Terms, changed, holds_of, post, release
from ringback.clock import Instant

SLICE_SECONDS = 60
"""So much is reserved at a time, in whole blocks."""

LONGEST_SECONDS = 366 * 86400
"""Credit that lasts longer than this is no limit to a call."""


class Meter:
    """What is reserved for the legs of one session, and how long that lasts."""

    def __init__(self) -> None:
        self._legs: dict[Role, PaidLeg] = {}
        self._tail = Tail()
        self._steps = 0

    # Steps

    def open_a(
        self, leg_id: str, payers: Sequence[PayerRate], left: Mapping[str, int] = NO_MINUTES
    ) -> Step:
        """Leg A is to be dialled: its setup and first block with every payer. `left` as in
        `Means`."""
        leg = _opened(leg_id, payers, Minutes(left))
        return Step(self._steps, holds=holds_of(leg, leg.shares), legs={"A": leg})

    def open_b(
        self,
        leg_id: str,
        terms: Terms,
        now: Instant,
        latest: Instant,
        means: Means,
        keeps: Instant = -math.inf,
    ) -> Step | Shortage:
        """Leg B is to be dialled: its setup and first block with every payer, and leg A for as
        long as that takes if it is answered at the latest instant up to `latest` that there is
        enough for (`latest_answer`). What leg A holds beyond that it gives back, though nothing up
        to `keeps`. Shortage: leg B could ring for less than 5 s."""
        tail, a = Tail.of(terms), self._legs["A"]
        if a.lapsed is not None:
            payer = a.shares[0].payer
            return Shortage(payer.name, payer.ledger_id, "what was reserved for leg A has ended")
        kept = -NEVER if keeps == -math.inf else min(microseconds(keeps), a.paid_until())

        def shares(answer: int) -> tuple[list[Share], PaidLeg]:
            until = max(kept, answer + tail.first + tail.held)
            return _beside(a, until, leg_id, terms.payers, means.minutes())

        def affordable(answer: int) -> bool:
            after_a, b = shares(answer)
            return means.afford((*after_a, *b.shares), a.shares)

        soonest = min(microseconds(latest), microseconds(now + RINGS_AT_LEAST_SECONDS))
        if not affordable(soonest):
            after_a, b = shares(soonest)
            return means.shortage((*b.shares, *after_a), a.shares)
        after_a, b = shares(last(soonest, microseconds(latest), affordable))
        return changed(self._steps, [(a, after_a)], legs={"B": b}, tail=tail)

    def extend_ringing(self, latest: Instant, means: Means) -> Step | Shortage:
        """Leg B may be answered later, up to `latest`, if there is enough for that. Shortage: it
        may not."""
        a, tail = self._legs.get("A"), replace(self._tail, held=self._tail.wanted)
        if a is None or a.ended or a.lapsed is not None or not self._ringing:
            return Step(self._steps)
        before, after = self._latest_answer(), tail.first + tail.held

        def shares(answer: int) -> list[Share]:
            return a.lasting(answer + after, means.minutes())

        def affordable(answer: int) -> bool:
            return means.afford(shares(answer), a.shares)

        if microseconds(latest) <= before:
            return Step(self._steps)
        until = last(before, microseconds(latest), affordable)
        if until == before and not (tail != self._tail and affordable(before)):
            return means.shortage(shares(before + 1), a.shares)
        return changed(self._steps, [(a, shares(until))], tail=tail)

    def slice(self, means: Means) -> Step:
        """The next 60 s for all answered legs in whole blocks, or the whole blocks that there
        are. What leg A holds beyond that it gives back, or the credit would end for leg B while
        leg A still held some of it. Nothing while leg B rings, which has its own (`open_b`), and
        nothing once the funded instant has passed."""
        running, number = self._running(), self._steps
        if not running or self._ringing or any(leg.lapsed is not None for leg in running.values()):
            return Step(number)
        tail = replace(self._tail, held=self._tail.wanted) if "B" in running else self._tail
        before = [share for leg in running.values() for share in leg.shares]

        def shares(until: int) -> list[tuple[PaidLeg, list[Share]]]:
            minutes = means.minutes()
            return [
                (leg, leg.lasting_exactly(until + self._after(role, tail), minutes))
                if role == "A"
                else (leg, leg.lasting(until, minutes))
                for role, leg in running.items()
            ]

        def affordable(until: int) -> bool:
            return means.afford((each for _, all in shares(until) for each in all), before)

        funded = self._funded()
        if not affordable(funded):
            return Step(number)  # not even the tail that was given back
        until = last(funded, funded + SLICE_SECONDS * SECOND, affordable)
        return changed(number, shares(until), tail=tail)

    def change_payers_a(self, payers: Sequence[PayerRate], until: Instant = math.inf) -> Step:
        """Others pay leg A, from its answer to `until`, or as far as it is paid now. Who paid
        before and goes on keeps his rate, and gets back what is more; who does not gets back all
        that was reserved with him."""
        old = self._legs["A"]
        before = {share.payer.ledger_id: share for share in old.shares}
        leg = replace(old)
        leg.shares = [
            before.pop(payer.ledger_id).above(payer.below_id)
            if payer.ledger_id in before
            else old.joined(payer)
            for payer in payers
        ]
        if old.answered is not None:
            end = min(old.paid_until(), NEVER if until == math.inf else microseconds(until))
            leg.shares = leg.lasting_exactly(end, Minutes({}))
        holds = holds_of(leg, leg.shares)
        releases = tuple(release(leg, share) for share in before.values())
        return Step(self._steps, trims=holds, holds=holds, releases=releases, legs={"A": leg})

    def curtail(self, ledger_ids: Collection[str], at: Instant) -> Step:
        """These had no limit, and now have one: of the legs they pay only the blocks that have
        begun at `at` remain, and nothing is kept for the time after leg B."""
        after: list[tuple[PaidLeg, Sequence[Share]]] = []
        for leg in self._legs.values():
            if leg.ended or not any(share.payer.ledger_id in ledger_ids for share in leg.shares):
                continue
            duration = 0 if leg.answered is None else microseconds(at) - leg.answered
            after.append((leg, [share.shortened(duration) for share in leg.shares]))
        step = changed(self._steps, after)
        # Holds would be had anew, of a credit that has ended.
        return replace(step, holds=(), tail=replace(self._tail, held=0) if step.trims else None)

    def copy(self) -> Meter:
        """A meter that goes its own way from here."""
        other = Meter()
        other._legs = {role: replace(leg) for role, leg in self._legs.items()}
        other._tail, other._steps = self._tail, self._steps
        return other

    def adopt(self, other: Meter) -> None:
        """Take what a copy holds now. Whether a leg was answered, has ended or lapsed is known
        here: it may have come to be known meanwhile."""
        for role, leg in other._legs.items():
            own = self._legs.get(role)
            if own is not None and own.id == leg.id:
                leg.answered, leg.ended = own.answered, own.ended or leg.ended
                leg.given_up = own.given_up
                leg.lapsed = own.lapsed if leg.lapsed is None else leg.lapsed
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

    def given_up(self, role: Role) -> None:
        """The leg is being withdrawn: it rings no more, though an answer may still come."""
        self._legs[role].given_up = True

    def ended(self, role: Role) -> None:
        """The leg is over: it counts no more for what is funded or sliced."""
        if role in self._legs:
            self._legs[role].ended = True

    def lapse(self, now: Instant) -> None:
        """What has come to its funded instant by `now`, and was not extended before, has lapsed:
        nothing that is reserved later extends it. (The server may have been stopped.)"""
        at, running, funded = microseconds(now), self._running(), self._funded()
        for role, leg in running.items():
            until = funded if role == "B" else leg.paid_until()
            if until < at:
                leg.lapsed = until

    def time_ended(self, role: Role, ended: Instant) -> Instant:
        """When the leg's time ended, which is over: at `ended`, or at its funded instant if that is
        earlier."""
        leg = self._legs.get(role)
        return ended if leg is None else min(ended, _instant(leg.paid_until()))

    def settle(self, role: Role, ended: Instant) -> list[Post]:
        """The leg is over: what each of its payers owes. It may be asked again, should the store
        have failed."""
        leg = self._legs.get(role)
        if leg is None:
            return []
        leg.ended = True
        if leg.answered is None:
            return [release(leg, share) for share in leg.shares]
        # Every block that is reserved begins before the funded instant, so the end of the leg's
        # own blocks comes to the same charge.
        end = min(microseconds(ended), leg.paid_until())
        return [post(leg, share, max(0, end - leg.answered)) for share in leg.shares]

    # What it comes to

    def ledger_ids(self) -> list[str]:
        """The ledger accounts that pay for the open legs."""
        shares = (share for leg in self._legs.values() if not leg.ended for share in leg.shares)
        return list(dict.fromkeys(share.payer.ledger_id for share in shares))

    def funded(self) -> Instant:
        """The funded instant: the last at which every payer covers every open leg, leg A with
        the tail after it while there is a leg B. math.inf while no leg has been answered."""
        return _instant(self._funded())

    def funded_a(self) -> Instant:
        """Leg A's own instant, the last that is paid for: leg A must have ended by then. math.inf
        while it has not been answered."""
        leg = self._legs.get("A")
        return math.inf if leg is None else _instant(leg.paid_until())

    def least_a(self) -> Instant:
        """Leg A's own instant once it has given back what it does not need beside leg B."""
        return min(self.funded_a(), _instant(self._funded() + self._after("A", self._tail)))

    def latest_answer(self) -> Instant:
        """While leg B rings: the last instant at which an answer is funded. math.inf otherwise."""
        return _instant(self._latest_answer()) if self._ringing else math.inf

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

    def longest(self, terms: Terms, answer: Instant, means: Means) -> float:
        """For how many seconds after an answer at `answer` the credit would last for a leg B, leg A
        and the tail included: what leg A holds beyond that is given back. math.inf where nobody's
        credit limits it; 0 where it is not enough to dial leg B then."""
        if isinstance(
            self.open_b("", terms, answer, answer + RINGS_AT_LEAST_SECONDS, means), Shortage
        ):
            return 0.0
        begins, after, a = microseconds(answer), microseconds(terms.tail), self._legs["A"]

        def lasts(seconds: int) -> bool:
            end, minutes = begins + seconds, means.minutes()
            shares_a, b = _beside(a, end + after, "", terms.payers, minutes)
            b.answered = begins
            return means.afford((*shares_a, *b.lasting(end, minutes)), a.shares)

        if lasts(LONGEST_SECONDS * SECOND):
            return math.inf
        return last(0, LONGEST_SECONDS * SECOND, lasts) / SECOND

    @property
    def _ringing(self) -> bool:
        b = self._legs.get("B")
        return b is not None and b.answered is None and not (b.ended or b.given_up)

    def _latest_answer(self) -> int:
        return self._legs["A"].paid_until() - self._tail.held - self._tail.first

    def _funded(self) -> int:
        ends = (leg.paid_until() - self._after(role, self._tail)
                for role, leg in self._running().items())  # fmt: skip
        return min(ends, default=NEVER)

    def _after(self, role: Role, tail: Tail) -> int:
        """How long the leg is to stay after the funded instant."""
        b = self._legs.get("B")
        return tail.held if role == "A" and b is not None and not b.ended else 0

    def _running(self) -> dict[Role, PaidLeg]:
        """The legs whose time runs."""
        return {
            role: leg
            for role, leg in self._legs.items()
            if leg.answered is not None and not leg.ended
        }


def _beside(
    a: PaidLeg, until: int, leg_id: str, payers: Sequence[PayerRate], minutes: Minutes
) -> tuple[list[Share], PaidLeg]:
    """The shares of a leg A that lasts until then, and a new leg beside it."""
    shorter = replace(a, shares=a.only_until(until, minutes))
    opened = _opened(leg_id, payers, minutes)  # its first block may be free before A's later ones
    return shorter.lasting(until, minutes), opened


def _opened(leg_id: str, payers: Sequence[PayerRate], minutes: Minutes) -> PaidLeg:
    """A new leg with its first block."""
    shares = [Share(payer, 0, minutes.open(leg_id, payer)) for payer in payers]
    return PaidLeg(leg_id, shares)


def _instant(time: int) -> Instant:
    return math.inf if time >= NEVER else time / SECOND
