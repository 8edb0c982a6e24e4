"""Two who do something at once, each over a store of their own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from sqlalchemy import Connection
from tests.management.world import World

from ringback.management.actor import command_line
from ringback.store import open_store

ROUNDS = 5


def together(
    database: str,
    prepare: Callable[[World], Coroutine[Any, Any, Any]],
    deed: Callable[[World, Any, int], Coroutine[Any, Any, Any]],
    check: Callable[[Connection], None],
) -> Counter[str]:
    """What comes of a deed that two do at once, each over a store of their own, round by round."""
    found: Counter[str] = Counter()

    async def play() -> None:
        stores = [open_store(database), open_store(database)]
        worlds = [World(store, fill=False, seed=n + 1) for n, store in enumerate(stores)]
        await stores[0].run(worlds[0]._fill)
        for _ in range(ROUNDS):
            prepared = await prepare(worlds[0])
            outcomes = await asyncio.gather(
                *(deed(world, prepared, number) for number, world in enumerate(worlds)),
                return_exceptions=True,
            )
            found.update(type(outcome).__name__ for outcome in outcomes)
            await stores[0].read(check)
        for store in stores:
            await store.close()

    asyncio.run(play())
    return found


def by_machine(world: World, deed: Callable[..., Any]) -> Coroutine[Any, Any, Any]:
    return world.desk.run(command_line, deed)
