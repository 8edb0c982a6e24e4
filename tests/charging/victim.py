"""What a process does that kills itself, with kill -9, in the midst of a leg's life."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe

from sqlalchemy import Connection
from tests.charging.helpers import NOW, hold, leg, post, release

from ringback.calls import records
from ringback.charging import ledger
from ringback.store import open_store
from ringback.telephony.port import Cause, Ending


def _end(tx: Connection) -> None:
    ledger.settle(tx, [post(6)], NOW)
    ending = Ending(Cause.NORMAL, 200)
    records.leg_ended(
        tx, "a", ringing=None, answered=NOW, ended=NOW + 6.5, ending=ending, billed_seconds=7
    )


STEPS: dict[str, Callable[[Connection], object]] = {
    "reserve": lambda tx: ledger.reserve(tx, [hold(4)]),
    "answer": lambda tx: records.leg_answered(tx, "a", None, NOW, ""),
    "slice": lambda tx: ledger.reserve(tx, [hold(9)]),
    "post": _end,
    "release": lambda tx: ledger.settle(tx, [release()], NOW),
}
BEFORE: dict[str, list[str]] = {
    "reserve": [],
    "answer": ["reserve"],
    "slice": ["reserve", "answer"],
    "post": ["reserve", "answer", "slice"],
    "release": ["reserve"],
}


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(url: str, step: str, committed: bool) -> None:
    """Do what comes before a step, and the step; die as it is about to be committed, or as soon as
    it is."""

    async def live() -> None:
        store = open_store(url, serving=True)
        for name in BEFORE[step]:
            await store.run(STEPS[name])

        def work(tx: Connection) -> None:
            STEPS[step](tx)
            if not committed:
                _die()

        await store.run(work)
        _die()

    asyncio.run(live())


def die_some_time(url: str, kept: Pipe) -> None:
    """Reserve and post for one leg after the other, and tell of each step that was kept, until
    killed."""

    async def live() -> None:
        store = open_store(url, serving=True)
        for number in itertools.count():
            leg_id = str(number)

            def begin(tx: Connection, leg_id: str = leg_id) -> None:
                leg(tx, leg_id)
                ledger.reserve(tx, [hold(0, leg_id)])

            def end(tx: Connection, leg_id: str = leg_id) -> None:
                ledger.settle(tx, [post(0, leg_id)], NOW)

            for work in (begin, end):
                await store.run(work)
                kept.send(leg_id)

    asyncio.run(live())
