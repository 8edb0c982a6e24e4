"""Several processes after the same last cent on one database."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

from tests.charging.helpers import NOW, check_books

from ringback.charging import ledger
from ringback.store import open_store

CENTS = 100


def test_a_cent_is_reserved_once(database: str) -> None:
    async def open_books() -> None:
        store = open_store(database)
        await store.run(lambda tx: ledger.open_account(tx, "x", NOW, balance=Decimal(CENTS) / 100))
        await store.close()

    async def look() -> ledger.Balance:
        store = open_store(database)
        await store.read(check_books)
        found = await store.read(lambda tx: ledger.balance(tx, "x"))
        await store.close()
        return found

    asyncio.run(open_books())
    racers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.charging.racer", database, str(number)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for number in range(4)
    ]
    got = [int(racer.communicate()[0]) for racer in racers]
    assert sum(got) == CENTS
    assert asyncio.run(look()).available == 0
