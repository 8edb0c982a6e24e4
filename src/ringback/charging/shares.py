"""What each payer has reserved for a leg, and what more it takes for the leg to last longer.

Pure arithmetic of the meter's. Times are in microseconds, money in millionths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ringback.charging.payers import PayerRate
from ringback.charging.rating import NOTHING_FREE, Free

NEVER = 2**62
"""Later than any instant."""


@dataclass(frozen=True, slots=True)
class Share:
    """One payer's part in a leg: its blocks after the first are reserved up to `blocks`, those of
    `free` out of free minutes."""

    payer: PayerRate
    blocks: int = 0
    free: Free = NOTHING_FREE

    def cost(self) -> int:
        """Millionths."""
        return self.payer.rate.millionths(self.blocks, self.free)

    def above(self, below_id: str | None) -> Share:
        """With somebody else below, whose charge is this payer's income from now on."""
        return replace(self, payer=replace(self.payer, below_id=below_id))

    def shortened(self, duration: int) -> Share:
        """With no more blocks than a leg of that duration begins: money is given back before
        free minutes."""
        blocks = min(self.blocks, self.payer.rate.blocks(duration))
        return Share(self.payer, blocks, self.free.used(blocks))


@dataclass(slots=True)
class PaidLeg:
    """A leg and who pays it. Times in microseconds."""

    id: str
    shares: list[Share]
    answered: int | None = None
    ended: bool = False
    given_up: bool = False
    """Nobody waits for its answer any more."""
    lapsed: int | None = None
    """The instant at which its money ended while it went on: it counts to then, whatever is
    reserved later."""

    def paid_until(self) -> int:
        """The last instant that every payer has reserved for."""
        if self.lapsed is not None:
            return self.lapsed
        if self.answered is None:
            return NEVER
        lasts = min(share.payer.rate.lasts(share.blocks) for share in self.shares)
        return self.answered + lasts

    def joined(self, payer: PayerRate) -> Share:
        """The share of somebody who comes to pay, too. Priced by a plan that prices the leg for
        another already, he pays what that one does."""
        for share in self.shares:
            if share.payer.plan_id == payer.plan_id:
                same = share.payer
                rate = replace(payer, rate=same.rate, allowance=same.allowance)
                return Share(rate, share.blocks, share.free)
        return Share(payer)

    def only_until(self, until: int, minutes: Minutes) -> list[Share]:
        """Its shares without the blocks that begin after that, whose free minutes are left again
        to others."""
        assert self.answered is not None
        shorter = [share.shortened(until - self.answered) for share in self.shares]
        minutes.give_back(self.shares, shorter)
        return shorter

    def lasting_exactly(self, until: int, minutes: Minutes) -> list[Share]:
        """Its shares if it lasts until then and no longer: what is more may be given back."""
        shorter = replace(self, shares=self.only_until(until, minutes))
        return shorter.lasting(until, minutes)

    def lasting(self, until: int, minutes: Minutes) -> list[Share]:
        """Its shares as they must become for it to last until then."""
        assert self.answered is not None
        duration = until - self.answered
        grown: list[Share] = []
        for share in self.shares:
            blocks = max(share.blocks, share.payer.rate.blocks(duration))
            free = minutes.grow(self.id, share, blocks - share.blocks)
            grown.append(Share(share.payer, blocks, free))
        return grown


class Minutes:
    """The free minutes that are left while a step is worked out, in seconds by allowance.

    Shares of one leg that have the same allowance have the same free blocks: they are taken once.
    """

    def __init__(self, left: Mapping[str, int]) -> None:
        self._left = dict(left)
        self._opened: dict[tuple[str, str], Free] = {}
        self._grown: dict[tuple[str, str], Free] = {}

    def open(self, leg_id: str, payer: PayerRate) -> Free:
        """Whether the first block of a new leg is free."""
        if payer.allowance is None:
            return NOTHING_FREE
        key = leg_id, payer.allowance.id
        if key not in self._opened:
            fits = self._left.get(payer.allowance.id, 0) >= payer.rate.first_block
            self._opened[key] = self._take(payer, NOTHING_FREE, Free(fits))
        return self._opened[key]

    def give_back(self, before: Sequence[Share], after: Sequence[Share]) -> None:
        """Free blocks that a leg's shares had before and have no more are left again."""
        given: set[str] = set()
        for old, new in zip(before, after, strict=True):
            allowance, rate = old.payer.allowance, old.payer.rate
            if allowance is not None and allowance.id not in given:
                given.add(allowance.id)
                less = rate.free_seconds(old.free) - rate.free_seconds(new.free)
                self._left[allowance.id] = self._left.get(allowance.id, 0) + less

    def grow(self, leg_id: str, share: Share, more: int) -> Free:
        """The free blocks of a share that gets so many blocks more."""
        payer, free = share.payer, share.free
        if payer.allowance is None:
            return free
        key = leg_id, payer.allowance.id
        if key not in self._grown:
            fit = self._left.get(payer.allowance.id, 0) // payer.rate.next_block
            grown = Free(free.first, free.blocks + min(more, fit))
            self._grown[key] = self._take(payer, free, grown)
        return self._grown[key]

    def _take(self, payer: PayerRate, before: Free, after: Free) -> Free:
        assert payer.allowance is not None
        taken = payer.rate.free_seconds(after) - payer.rate.free_seconds(before)
        self._left[payer.allowance.id] = self._left.get(payer.allowance.id, 0) - taken
        return after
