"""What there is to reserve of: money by payer, and free minutes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType

from ringback.amounts import from_millionths, to_millionths
from ringback.charging.holds import Shortage
from ringback.charging.shares import Minutes, Share

NO_MINUTES: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Means:
    """What the payers of a session have left beside what it holds."""

    available: Mapping[str, Decimal]
    """By ledger account: what may be reserved, be it limited by the balance or by a guard;
    Infinity without a limit."""
    left: Mapping[str, int] = field(default_factory=dict)
    """Seconds of free minutes by allowance (`ledger.free_left`)."""

    def minutes(self) -> Minutes:
        """The free minutes, from which one step takes."""
        return Minutes(self.left)

    def afford(self, after: Iterable[Share], before: Iterable[Share]) -> bool:
        """Whether the shares may become these."""
        budget, needs = self._millionths, costs(after, before)
        left = ((budget.get(ledger_id, 0), need) for ledger_id, need in needs.items())
        return all(amount is None or need <= amount for amount, need in left)

    def shortage(self, after: Iterable[Share], before: Iterable[Share]) -> Shortage:
        """The first of the payers who has too little for that."""
        after = list(after)
        needs = costs(after, before)
        for share in after:
            payer, budget = share.payer, self._millionths.get(share.payer.ledger_id, 0)
            need = needs[payer.ledger_id]
            if budget is not None and need > budget:
                needed, available = from_millionths(need), from_millionths(budget)
                return Shortage.of(payer.name, payer.ledger_id, needed, available)
        raise AssertionError("nobody has too little")

    @cached_property
    def _millionths(self) -> dict[str, int | None]:
        """What each has left; None without a limit."""
        return {
            ledger_id: to_millionths(amount) if amount.is_finite() else None
            for ledger_id, amount in self.available.items()
        }


def costs(after: Iterable[Share], before: Iterable[Share]) -> dict[str, int]:
    """Millionths that these shares cost each ledger account more than those before."""
    found: dict[str, int] = {}
    for sign, shares in ((1, after), (-1, before)):
        for share in shares:
            ledger_id = share.payer.ledger_id
            found[ledger_id] = found.get(ledger_id, 0) + sign * share.cost()
    return found


def last(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The last whole number up to `high` for which `holds`, which from some number on it does no
    more; `low` where it holds for none above it."""
    if high <= low or holds(high):  # most often there is enough for all of it
        return max(low, high)
    return low + bisect_left(range(low + 1, high), True, key=lambda at: not holds(at))
