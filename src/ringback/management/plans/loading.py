"""What is done with all rates of a plan: a deck of hundreds of thousands takes many short units of
work, so that calls hardly wait for one. Each of them asks anew who acts, and what they may."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import Connection

from ringback.amounts import ZERO
from ringback.charging import decks
from ringback.charging.decks import DeckGone, Difference, RateKey
from ringback.charging.rating import Rate
from ringback.clock import Clock
from ringback.faults import Fault, Faults
from ringback.management.change import Change
from ringback.management.desk import Desk, Identity
from ringback.management.plans import rates

T = TypeVar("T")
Progress = Callable[[int], None]
"""Is told how many more have been loaded."""


@dataclass(frozen=True, slots=True)
class WholeDeck:
    """All rates of a plan at one time."""

    id: str | None
    rates: Sequence[Rate]


class Rates:
    """The rates of plans, for somebody."""

    def __init__(self, desk: Desk, who: Identity, clock: Clock, *, view: str | None = None) -> None:
        self._desk = desk
        self._who = who
        self._clock = clock
        self._view = view

    async def export(self, plan_id: str) -> WholeDeck:
        """All rates in force of a plan that one made or was given, by prefix. Raises DeckGone if
        others are put in force meanwhile, and what `rates.list` raises."""
        found: list[Rate] = []
        deck_id, after = None, None
        while True:
            page = await self._page(plan_id, after)
            if after is not None and page.deck_id != deck_id:
                raise DeckGone
            deck_id = page.deck_id
            found += page.rates
            if not page.more:
                return WholeDeck(deck_id, found)
            after = page.last

    async def compare(self, plan_id: str, wanted: Sequence[Rate]) -> Difference:
        """What `replace` would do."""
        return decks.difference((await self.export(plan_id)).rates, wanted)

    async def replace(
        self,
        plan_id: str,
        wanted: Sequence[Rate],
        source: str,
        *,
        allow_loss: bool = False,
        progress: Progress = lambda more: None,
    ) -> tuple[Difference, Sequence[Change]]:
        """Put rates in force instead of all that a plan has, all at once. `source` says to people
        where they come from. Raises what `rates.begin` and `rates.put_in_force` raise; then nothing
        that is in force has changed."""
        there = await self.export(plan_id)
        differs = decks.difference(there.rates, wanted)
        if differs.nothing:
            return differs, ()
        begun = await self._desk.run(
            self._who,
            lambda act: rates.begin(
                *(act, plan_id),
                source=source,
                instead_of=there.id,
                differs=differs,
                allow_loss=allow_loss,
            ),
            view=self._view,
        )
        deck_id = begun.value
        await decks.fill(self, self._clock, deck_id, wanted, progress)
        done = await self._desk.run(
            self._who,
            lambda act: rates.put_in_force(act, plan_id, deck_id=deck_id, differs=differs),
            view=self._view,
        )
        await decks.sweep(self, self._clock)
        return differs, done.changes

    async def copied(self, plan_id: str, factor: Decimal, amount: Decimal = ZERO) -> list[Rate]:
        """The rates of a plan that one made or was given, times a factor, plus an amount a minute
        (`decks.copied`). Raises Faults."""
        faults = []
        if factor <= ZERO:
            faults.append(Fault(("factor",), "must be above 0"))
        if amount < ZERO:
            faults.append(Fault(("amount",), "must not be below 0"))
        if faults:
            raise Faults(faults)
        made = []
        for rate in (await self.export(plan_id)).rates:
            try:
                made.append(decks.copied(rate, factor, amount))
            except ValueError as error:
                raise Faults([Fault(("factor",), f"prefix {rate.prefix!r}: {error}")]) from error
        return made

    async def run(self, work: Callable[[Connection], T]) -> T:
        """A unit of work that touches nothing that is in force."""
        return await self._desk.run(self._who, lambda act: work(act.tx), view=self._view)

    async def _page(self, plan_id: str, after: RateKey | None) -> decks.Page:
        return await self._desk.read(
            self._who, lambda act: rates.rates(act, plan_id, after=after), view=self._view
        )
