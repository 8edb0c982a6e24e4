"""Decks: which rate holds, and loading one while others look."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select
from tests.charging import helpers
from tests.charging.helpers import NOW, rate

from ringback.charging import decks, ledger
from ringback.charging.decks import Deck, DeckGone, loading, overlaps, tables
from ringback.charging.decks.deck import ended_by_later
from ringback.charging.holds import Hold
from ringback.charging.payers import payers
from ringback.charging.rating import Rate
from ringback.clock import Instant, LoopClock
from ringback.ids import new_id
from ringback.levels import of_account
from ringback.store import Store, models, open_store

T = TypeVar("T")
NUMBER = "+447700900123"
CHANCE = random.Random(1)


def test_longest_valid_prefix_wins() -> None:
    everywhere, uk = rate(""), rate("44")
    london = rate("4420", valid_from=NOW, valid_to=NOW + 10)
    known = Deck([uk, london, everywhere])
    assert known.choose("+442071838750", NOW) is london
    assert known.choose("+442071838750", NOW - 0.001) is uk
    assert known.choose("+442071838750", NOW + 10) is uk  # valid_to is the first not valid
    assert known.choose("+33123456789", NOW) is everywhere
    assert Deck([uk]).choose("+33123456789", NOW) is None
    assert list(known.fitting("+442071838750")) == [london, uk, everywhere]
    assert list(known.fitting("+4")) == [everywhere]


def dated(prefix: str, since: int | None, length: int | None) -> Rate:
    until = None if length is None else (since or 0) + length
    return rate(prefix, valid_from=since, valid_to=until)


dated_rates = st.builds(
    dated,
    st.sampled_from(["", "4", "44"]),
    st.none() | st.integers(0, 20),
    st.none() | st.integers(1, 20),
)


@given(st.lists(dated_rates, max_size=8))
def test_overlaps_are_found(rates: list[Rate]) -> None:
    """Instants are whole, so two rates overlap where they are valid at one of the instants."""
    found = list(overlaps(rates))
    together = {
        (a, b)
        for b in range(len(rates))
        for a in range(len(rates))
        if a != b
        and rates[a].prefix == rates[b].prefix
        and any(rates[a].valid(at) and rates[b].valid(at) for at in range(-1, 42))
    }
    assert set(found) <= together
    # Whatever overlaps is named, unless it is the one that all those named overlap with.
    late = {later for _, later in found}
    assert len(late) == len(found)
    left = [rates[place] for place in range(len(rates)) if place not in late]
    assert list(overlaps(left)) == []


@given(st.lists(dated_rates, max_size=8))
def test_a_later_start_ends_an_open_rate(rates: list[Rate]) -> None:
    """At each instant the one that began last holds, of those that hold; rates with an end keep
    it, and so two may still overlap."""
    ended = ended_by_later(rates)
    assert [replace(new, valid_to=old.valid_to) for old, new in zip(rates, ended, strict=True)] == (
        rates
    )
    for old, new in zip(rates, ended, strict=True):
        later = [
            other.valid_from
            for other in rates
            if other.prefix == old.prefix
            and other.valid_from is not None
            and (old.valid_from is None or other.valid_from > old.valid_from)
        ]
        assert new.valid_to == (min(later, default=None) if old.valid_to is None else old.valid_to)
    assert ended_by_later(ended) == ended


def world(tx: Connection) -> None:
    helpers.account(tx, "admin", level="administrator")
    helpers.plan(tx, "retail", "admin", rate("44", first_price="0.02"))
    helpers.account(tx, "acme", "admin", "retail", balance="10")
    helpers.extension(tx, "travellers", "acme")


def many(count: int, first_price: str = "0.05") -> list[Rate]:
    """Rates for 44 and for so many prefixes below it."""
    return [rate("44", first_price=first_price)] + [
        rate(f"44{place:05}", first_price=first_price) for place in range(count)
    ]


class Pauses(LoopClock):
    """A clock whose pauses are used for something else."""

    def __init__(self, action: Callable[[int], object]) -> None:
        super().__init__(asyncio.get_running_loop(), NOW)
        self.count = 0
        self._action = action

    async def sleep_until(self, at: Instant) -> None:
        self.count += 1
        done = self._action(self.count)
        if asyncio.iscoroutine(done):
            await done


async def load(store: Store, clock: Pauses, rates: Sequence[Rate]) -> list[int]:
    told: list[int] = []
    deck_id = new_id(NOW, CHANCE)
    await store.run(lambda tx: decks.begin(tx, deck_id, "retail", "test.csv", clock.now()))
    await decks.fill(store, clock, deck_id, rates, told.append)
    await store.run(lambda tx: decks.switch(tx, deck_id, "retail"))
    return told


def price(tx: Connection) -> Decimal | None:
    """What the first block of a call costs now."""
    (payer,) = payers(tx, of_account(tx, "travellers"), None, NUMBER, NOW)
    return payer.rate.first_price


def count(tx: Connection, model: type[models.Base]) -> int:
    return tx.execute(select(func.count()).select_from(model)).scalar_one()


def test_calls_go_on_while_a_deck_is_loaded(database: str) -> None:
    """Another process reserves, at the old price, in each pause between two units of work; a unit
    has so few rates that it is short. The new price holds for all from the switch on."""
    rates = many(loading.BATCH * 3)

    async def play() -> None:
        importing, calls = open_store(database), open_store(database)
        await calls.run(world)
        seen: list[Decimal | None] = []

        async def reserve(count: int) -> None:
            def work(tx: Connection) -> Decimal | None:
                (payer,) = payers(tx, of_account(tx, "travellers"), None, NUMBER, NOW)
                held = Hold(f"leg {count}", payer.ledger_id, "x", payer.rate.price(0), payer.rate)
                ledger.reserve(tx, [held])
                return payer.rate.first_price

            seen.append(await calls.run(work))

        clock = Pauses(reserve)
        told = await load(importing, clock, rates)
        assert told == [loading.BATCH] * 3 + [1]
        assert seen == [Decimal("0.02")] * len(told)
        assert await calls.read(price) == Decimal("0.05")
        assert await calls.read(lambda tx: set(decks.rates_in_force(tx, "retail"))) == set(rates)

        await decks.sweep(importing, clock)
        await calls.read(helpers.check_books)
        assert await calls.read(lambda tx: count(tx, models.RateRow)) == len(rates)
        assert await calls.read(lambda tx: count(tx, models.DeckRow)) == 1
        await importing.close()
        await calls.close()

    asyncio.run(play())


class Killed(Exception):
    """In place of a crash."""


def killed(count: int) -> None:
    if count == 2:
        raise Killed


def test_what_a_crash_leaves_behind_is_deleted(store: Store) -> None:
    async def play() -> None:
        await store.run(world)
        with pytest.raises(Killed):
            await load(store, Pauses(killed), many(loading.BATCH * 3))
        assert await store.read(price) == Decimal("0.02")
        assert await store.read(lambda tx: count(tx, models.RateRow)) == 1 + loading.BATCH * 2

        idle = Pauses(lambda _: None)
        await decks.sweep(store, idle)  # it might be another process that is still at it
        assert await store.read(lambda tx: count(tx, models.DeckRow)) == 2
        await load(store, idle, many(3))
        assert await store.read(price) == Decimal("0.05")
        await decks.sweep(store, idle)
        assert await store.read(lambda tx: count(tx, models.RateRow)) == 4
        assert await store.read(lambda tx: count(tx, models.DeckRow)) == 1

    asyncio.run(play())


def test_an_old_unfinished_deck_is_deleted_though_nobody_loads_another(store: Store) -> None:
    async def play() -> None:
        await store.run(world)
        long_ago = NOW - loading.ABANDONED_SECONDS - 1
        await store.run(lambda tx: tables.begin(tx, "left", "retail", "x", long_ago))
        batch = tables.rows("left", many(5))
        await store.run(lambda tx: tables.put(tx, "left", batch))
        await decks.sweep(store, Pauses(lambda _: None))
        assert await store.read(lambda tx: count(tx, models.RateRow)) == 1
        assert await store.read(price) == Decimal("0.02")

    asyncio.run(play())


def test_the_import_begun_last_wins(store: Store) -> None:
    async def play() -> None:
        await store.run(world)

        async def another(count: int) -> None:
            if count == 2:
                await load(store, Pauses(lambda _: None), many(2, "0.07"))

        with pytest.raises(DeckGone, match="begin again"):
            await load(store, Pauses(another), many(loading.BATCH * 3))
        assert await store.read(price) == Decimal("0.07")
        # What was not put in before it was told is no part of anything, and goes.
        await decks.sweep(store, Pauses(lambda _: None))
        assert await store.read(lambda tx: count(tx, models.RateRow)) == 3

    asyncio.run(play())


def test_a_deck_overtaken_at_its_end_is_not_put_in_force(store: Store) -> None:
    def work(tx: Connection) -> None:
        world(tx)
        tables.begin(tx, "first", "retail", "x", NOW)
        tables.put(tx, "first", tables.rows("first", many(1)))
        tables.begin(tx, "second", "retail", "x", NOW)
        with pytest.raises(DeckGone):
            tables.switch(tx, "first", "retail")
        assert price(tx) == Decimal("0.02")

    asyncio.run(store.run(work))
