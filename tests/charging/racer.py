"""One of several processes after the same last cent: `python -m tests.charging.racer URL NAME`.

It reserves a cent for one leg after the other until there is none, over two stores on the same
database, settles every second one, and prints how many it got.
"""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal

from sqlalchemy import Connection
from tests.charging.helpers import NOW, leg, rate

from ringback.charging import ledger
from ringback.charging.holds import Hold, Post
from ringback.charging.ledger import InsufficientCredit
from ringback.store import Store, open_store

TARIFF = rate(first_price="0.01")


async def race(store: Store, name: str) -> int:
    got = 0
    while True:
        leg_id = f"{name} {got}"

        def work(tx: Connection, leg_id: str = leg_id) -> None:
            ledger.reserve(tx, [Hold(leg_id, "x", "x", TARIFF.price(0), TARIFF)])
            leg(tx, leg_id)

        try:
            await store.run(work)
        except InsufficientCredit:
            return got
        if got % 2:
            post = Post(leg_id, "x", "x", True, Decimal("0.01"), 60, "x")
            await store.run(lambda tx, post=post: ledger.settle(tx, [post], NOW))  # type: ignore[misc]
        got += 1


async def main(url: str, name: str) -> None:
    stores = [open_store(url), open_store(url)]
    racers = [race(store, f"{name} {n} {m}") for n, store in enumerate(stores) for m in range(3)]
    print(sum(await asyncio.gather(*racers)))
    for store in stores:
        await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
