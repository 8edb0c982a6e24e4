"""What one deck in place of another comes to, and when that is a loss."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ringback.charging.rating import Rate


@dataclass(frozen=True, slots=True)
class Difference:
    """Numbers of rates."""

    before: int
    after: int
    added: int
    """Those that are not among the rates there are, exactly as they are."""
    taken_out: int
    lost: int
    """Of those before, how many have a prefix that none has afterwards."""

    @property
    def nothing(self) -> bool:
        return not self.added and not self.taken_out

    @property
    def told(self) -> str:
        return f"{self.added} added, {self.taken_out} taken out"

    @property
    def loss(self) -> str | None:
        """The one rule of what is done with `--allow-loss` only (spec section 11): more than half
        of a plan's rates would go. None: it is no loss."""
        if self.lost * 2 <= self.before:
            return None
        return f"this would take out {self.lost} of its {self.before} rates"


def difference(before: Iterable[Rate], after: Iterable[Rate]) -> Difference:
    """Compare the rates that there are with those that are to be."""
    there, wanted = set(before), set(after)
    prefixes = {rate.prefix for rate in wanted}
    return Difference(
        len(there),
        len(wanted),
        len(wanted - there),
        len(there - wanted),
        sum(rate.prefix not in prefixes for rate in there),
    )
