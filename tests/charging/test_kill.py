"""kill -9 before and after each step of a leg's money: nothing is charged twice, nothing lost, and
after the restart nothing is left reserved."""

from __future__ import annotations

import asyncio
import signal
from decimal import Decimal

import pytest
from sqlalchemy import Connection, func, select, update
from tests.charging.helpers import NOW, account, check_books, extension, leg
from tests.charging.victim import die_at, die_some_time
from tests.processes import PROCESSES

from ringback.calls import records
from ringback.calls.recovery import attempt_over, recover
from ringback.charging import ledger
from ringback.store import models, open_store

ALIVE = NOW + 6.5
"""The last sign of life: in the seventh block of 0.01, as what is posted."""


def begin(tx: Connection) -> None:
    """The return call of an open session is about to be dialled."""
    ledger.open_account(tx, "x", NOW, balance=Decimal("1.00"))
    account(tx, "admin", level="administrator")
    extension(tx, "travellers", "admin")
    leg(tx, "a")
    ready = {"extension_id": "travellers", "return_number": "+1", "due": NOW}
    tx.execute(update(models.SessionRow).values(ready))
    records.sign_of_life(tx, "node", ALIVE)


def restart(tx: Connection) -> None:
    """What the next start does; the far end of what was not answered confirms our CANCEL."""
    for attempt in recover(tx, "node", NOW + 60, {}).attempts:
        attempt_over(tx, attempt, None, NOW + 60, ordered=False)


def counted(tx: Connection) -> tuple[int, int]:
    """Reservations that were made, legs that were charged."""
    made, charged = (
        tx.execute(select(func.count()).select_from(table)).scalar_one()
        for table in (models.ReservationRow, models.ChargeRow)
    )
    return made, charged


@pytest.mark.parametrize(
    ("step", "committed", "charged"),
    [
        ("reserve", False, 0),
        ("reserve", True, 0),
        ("answer", False, 0),
        ("answer", True, 5),  # no more than was reserved
        ("slice", False, 5),
        ("slice", True, 7),
        ("post", False, 7),
        ("post", True, 7),
        ("release", False, 0),
        ("release", True, 0),
    ],
)
def test_killed_at_a_step(database: str, step: str, committed: bool, charged: int) -> None:
    async def prepare() -> None:
        store = open_store(database)
        await store.run(begin)
        await store.close()

    async def look() -> None:
        store = open_store(database, serving=True)
        for _ in range(2):  # killed as it was restarted, say
            await store.run(restart)
            await store.read(check_books)
            found = await store.read(lambda tx: ledger.balance(tx, "x"))
            assert found == ledger.Balance(
                1 - Decimal(charged) / 100, Decimal(0), Decimal(0), unlimited=False
            )
        charges = await store.read(
            lambda tx: tx.execute(select(models.ChargeRow.amount)).scalars().all()
        )
        assert charges == ([Decimal(charged) / 100] if charged else [])
        await store.close()

    asyncio.run(prepare())
    victim = PROCESSES.Process(target=die_at, args=(database, step, committed))
    victim.start()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    asyncio.run(look())


def test_killed_at_any_moment(database: str) -> None:
    """Whatever was told to be kept is there, and at most the step under way beside it."""

    async def prepare() -> None:
        store = open_store(database)
        await store.run(lambda tx: ledger.open_account(tx, "x", NOW, balance=Decimal("100.00")))
        await store.close()

    async def look(steps: int) -> None:
        store = open_store(database, serving=True)
        await store.read(check_books)
        reservations, charges = await store.read(counted)
        assert steps <= reservations + charges <= steps + 1
        assert reservations - charges in (0, 1)
        await store.close()

    asyncio.run(prepare())
    ours, theirs = PROCESSES.Pipe()
    victim = PROCESSES.Process(target=die_some_time, args=(database, theirs))
    victim.start()
    theirs.close()
    told = [ours.recv() for _ in range(25)]
    victim.kill()
    victim.join()
    while ours.poll():
        try:
            told.append(ours.recv())
        except EOFError:
            break
    asyncio.run(look(len(told)))
