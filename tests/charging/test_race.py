"""Several processes after the same last cents of one database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from tests.charging.helpers import NOW, check_books
from tests.charging.racer import take_all, take_one
from tests.processes import PROCESSES

from ringback.charging import ledger
from ringback.store import open_store


def race(database: str, cents: int, processes: int, racer: Callable[..., None]) -> list[int]:
    """What each of them got of so many cents."""
    start, taken = PROCESSES.Barrier(processes), PROCESSES.SimpleQueue()
    asyncio.run(_open(database, Decimal(cents) / 100))
    racers: list[Any] = [
        PROCESSES.Process(target=racer, args=(database, str(number), start, taken))
        for number in range(processes)
    ]
    for each in racers:
        each.start()
    got = [taken.get() for _ in racers]
    for each in racers:
        each.join()
    asyncio.run(_all_is_taken(database))
    return got


async def _open(database: str, balance: Decimal) -> None:
    store = open_store(database)
    await store.run(lambda tx: ledger.open_account(tx, "x", NOW, balance=balance))
    await store.close()


async def _all_is_taken(database: str) -> None:
    store = open_store(database)
    await store.read(check_books)
    assert (await store.read(lambda tx: ledger.balance(tx, "x"))).available == 0
    await store.close()


def test_of_sixteen_after_the_last_cent_one_gets_it(database: str) -> None:
    assert sorted(race(database, 1, 16, take_one)) == [0] * 15 + [1]


def test_every_cent_is_taken_once(database: str) -> None:
    assert sum(race(database, 100, 4, take_all)) == 100
