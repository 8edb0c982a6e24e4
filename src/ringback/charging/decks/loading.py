"""Putting a large deck in force while calls go on.

One process at a time writes to SQLite. So a deck is loaded in units of work so small that a
reservation hardly waits for one, with a pause after each that lets it in: SQLite does not queue
who waits, it asks again after 1, 2, 5, 10, 15, 20 ms (`sqliteDefaultBusyCallback`). Nobody sees
the new rates before the one unit that puts all of them in force. What a crash leaves behind is
deleted by the next `sweep`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from ringback.charging.decks import tables
from ringback.charging.rating import Rate
from ringback.clock import Clock

T = TypeVar("T")

BATCH = 500
"""Rates put in by one unit of work: some 5 ms."""
DELETED = 1500
"""Rates deleted by one unit of work: the same."""
PAUSE_SECONDS = 0.01
ABANDONED_SECONDS = 3600.0
"""A deck whose loading began so long ago never will be complete."""


class Units(Protocol):
    """What does units of work: a store, or a desk for somebody."""

    async def run(self, work: Callable[[Connection], T]) -> T: ...


async def fill(
    units: Units,
    clock: Clock,
    deck_id: str,
    rates: Sequence[Rate],
    progress: Callable[[int], None],
) -> None:
    """Put rates into a deck that has been begun. `progress` is told how many more are there.

    Raises DeckGone where another deck has been begun for the plan meanwhile; StoreError. Nothing
    that is in force has changed then.
    """
    in_order = sorted(rates, key=lambda rate: rate.prefix)  # the index grows at its end
    for start in range(0, len(in_order), BATCH):
        batch = tables.rows(deck_id, in_order[start : start + BATCH])
        await units.run(lambda tx, batch=batch: tables.put(tx, deck_id, batch))  # type: ignore[misc]
        progress(len(batch))
        await _pause(clock)


async def sweep(units: Units, clock: Clock) -> None:
    """Delete the decks that have been replaced, and those that a crash left half loaded."""
    since = clock.now() - ABANDONED_SECONDS
    for deck_id in await units.run(lambda tx: tables.condemned(tx, since)):
        while await units.run(lambda tx, deck=deck_id: tables.delete_some(tx, deck, DELETED)):  # type: ignore[misc]
            await _pause(clock)


async def _pause(clock: Clock) -> None:
    await clock.sleep_until(clock.now() + PAUSE_SECONDS)
