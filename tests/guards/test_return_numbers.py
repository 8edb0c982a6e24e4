"""How often one number may be called back."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, insert

from ringback.guards.return_numbers import Calls, calls_to, refusal
from ringback.store import Store
from ringback.store.models import LegRow, SessionRow

NOW = 1_800_000_000.0
HOUR = 3600.0
NUMBER = "+447700900123"


def refused(
    last_hour: int = 0, last_day: int = 0, answered: list[tuple[float, bool]] | None = None
) -> str | None:
    return refusal(Calls(last_hour, last_day, answered or []), NOW, per_hour=30, per_day=100)


def test_limits_an_hour_and_a_day() -> None:
    assert refused(29, 99) is None
    assert refused(30, 30) == "30 return calls to it in the last hour"
    assert refused(0, 100) == "100 return calls to it in the last day"


def test_three_in_a_row_that_nobody_accepted() -> None:
    row = [(NOW - 10, False), (NOW - 500, False), (NOW - 1000, False)]
    assert refused(answered=row) == "nobody accepted the last 3 return calls to it"
    assert refused(answered=row[:2]) is None
    for accepted in range(3):
        broken = [(at, index == accepted) for index, (at, _) in enumerate(row)]
        assert refused(answered=broken) is None


@pytest.mark.parametrize(("after", "free"), [(HOUR - 1, False), (HOUR, True)])
def test_the_pause_lasts_an_hour_from_the_last_of_them(after: float, free: bool) -> None:
    row = [(NOW - after, False), (NOW - 3 * HOUR, False), (NOW - 4 * HOUR, False)]
    assert (refused(answered=row) is None) is free


def add(
    tx: Connection,
    started: float,
    *,
    number: str = NUMBER,
    leg: str = "A",
    answered: bool = False,
    accepted: bool | None = None,
    outcome: str | None = "hung_up",
) -> None:
    name = f"{number} {started} {leg}"
    tx.execute(
        insert(SessionRow),
        {
            "id": name,
            "stage": "return",
            "outcome": outcome,
            "started": started,
            "proven": True,
            "attempts": 1,
            "accepted": accepted,
            "repeated": 0,
        },
    )
    tx.execute(
        insert(LegRow),
        {
            "id": name,
            "session_id": name,
            "leg": leg,
            "received": number,
            "e164": number,
            "dialled": number,
            "trunk": "phones",
            "started": started,
            "answered": started + 5 if answered else None,
            "saved": "",
        },
    )


def test_the_facts_are_read_from_the_legs(store: Store) -> None:
    def work(tx: Connection) -> Calls:
        add(tx, NOW - 25 * HOUR, answered=True, accepted=True)  # too long ago
        add(tx, NOW - 23 * HOUR, answered=True, accepted=True)
        add(tx, NOW - 3 * HOUR, answered=True)
        add(tx, NOW - 2 * HOUR, answered=True, accepted=False)
        add(tx, NOW - HOUR - 1, answered=True, accepted=True)
        add(tx, NOW - 60)
        add(tx, NOW - 50, answered=True, outcome=None)  # may still be accepted
        add(tx, NOW - 40, leg="B", answered=True)
        add(tx, NOW - 30, number="+447700900124", answered=True)
        return calls_to(tx, NUMBER, NOW)

    found = asyncio.run(store.run(work))
    assert (found.last_hour, found.last_day) == (2, 6)
    assert found.answered == [
        (NOW - HOUR - 1 + 5, True),
        (NOW - 2 * HOUR + 5, False),
        (NOW - 3 * HOUR + 5, False),
    ]


def test_a_number_never_called(store: Store) -> None:
    found = asyncio.run(store.read(lambda tx: calls_to(tx, NUMBER, NOW)))
    assert found == Calls(0, 0, [])
