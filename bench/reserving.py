"""Reservations that are made beside a command, every 5 ms, each with a commit of its own: how long
calls wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from sqlalchemy import Connection
from tests.charging import helpers

from ringback.charging import ledger
from ringback.charging.holds import Hold
from ringback.charging.payers import payers
from ringback.levels import of_account
from ringback.store import Store

EVERY_SECONDS = 0.005
IDLE_SECONDS = 3.0


def world(tx: Connection) -> None:
    helpers.account(tx, "admin", level="administrator")
    helpers.plan(tx, "retail", "admin", helpers.rate(""))
    helpers.account(tx, "acme", "admin", "retail", balance="1000000")
    helpers.extension(tx, "travellers", "acme")


async def reserve(store: Store, until: asyncio.Event, name: str) -> list[float]:
    """How many milliseconds each reservation took."""
    waits: list[float] = []
    while not until.is_set():
        leg = f"{name} {len(waits)}"

        def work(tx: Connection, leg: str = leg) -> None:
            (payer,) = payers(tx, of_account(tx, "travellers"), None, "+447700900123", helpers.NOW)
            held = Hold(leg, payer.ledger_id, "acme", payer.rate.price(0), payer.rate)
            ledger.reserve(tx, [held])

        start = time.perf_counter()
        await store.run(work)
        waits.append((time.perf_counter() - start) * 1000)
        await asyncio.sleep(EVERY_SECONDS)
    return waits


def p99(values: Sequence[float]) -> float:
    """Of sorted values."""
    return values[int(len(values) * 0.99)]


async def idle(store: Store) -> Sequence[float]:
    """The waits of reservations with nothing beside them, sorted."""
    done = asyncio.Event()
    waits = asyncio.create_task(reserve(store, done, "idle"))
    await asyncio.sleep(IDLE_SECONDS)
    done.set()
    return sorted(await waits)
