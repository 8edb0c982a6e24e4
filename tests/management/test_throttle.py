"""How often somebody may try."""

from __future__ import annotations

import asyncio

from sqlalchemy import Connection

from ringback.management.people.throttle import Allowed, counter, forget, give_back, take
from ringback.store import Store

NOW = 1_800_000_000.0
THREE = Allowed(at_once=3, interval=10)
FIVE = Allowed(at_once=5, interval=10)
ANNA, OFFICE = counter("address", "anna", THREE), counter("source", "office", FIVE)


def test_three_at_once_and_one_more_each_ten_seconds(store: Store) -> None:
    def work(tx: Connection) -> None:
        found = [take(tx, [ANNA], NOW) for _ in range(4)]
        assert found == [True, True, True, False]
        assert not take(tx, [ANNA], NOW + 9.9)
        assert take(tx, [ANNA], NOW + 10)
        assert not take(tx, [ANNA], NOW + 10)
        assert [take(tx, [ANNA], NOW + 1000) for _ in range(4)] == [True, True, True, False]

    asyncio.run(store.run(work))


def test_a_refused_try_counts_nowhere(store: Store) -> None:
    def work(tx: Connection) -> None:
        both = [OFFICE, ANNA]
        assert [take(tx, both, NOW) for _ in range(20)] == [True] * 3 + [False] * 17
        assert [take(tx, [OFFICE], NOW) for _ in range(3)] == [True, True, False]
        assert take(tx, [ANNA], NOW + 10)

    asyncio.run(store.run(work))


def test_a_right_try_is_given_back(store: Store) -> None:
    def work(tx: Connection) -> None:
        for _ in range(20):
            assert take(tx, [ANNA, OFFICE], NOW)
            give_back(tx, [ANNA, OFFICE], NOW)
        for _ in range(3):
            take(tx, [ANNA], NOW)
        forget(tx, ANNA)
        assert take(tx, [ANNA], NOW)

    asyncio.run(store.run(work))


def test_what_is_counted_is_never_mixed_up_nor_kept_as_it_was_typed() -> None:
    keys = {counter(what, who, THREE).key for what in ("a", "b") for who in ("x", "y", "")}
    assert len(keys) == 6
    assert "anna@example.org" not in counter("address", "anna@example.org", THREE).key
    assert len(counter("address", "x" * 100_000, THREE).key) < 100
