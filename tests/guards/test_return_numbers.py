"""How often one number may be called back."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import Connection, insert

from ringback.guards.limits import Limits
from ringback.guards.return_numbers import Calls, Over, calls_to, came_back, is_loop, refusal
from ringback.store import Store
from ringback.store.models import LegRow, SessionRow

NOW = 1_800_000_000.0
HOUR = 3600.0
NUMBER = "+447700900123"


def refused(
    last_hour: int = 0, last_day: int = 0, answered: list[tuple[float, bool]] | None = None
) -> str | None:
    calls = Calls(last_hour, last_day, [Over(*each) for each in answered or []])
    reached = refusal(calls, NUMBER, NOW, Limits())
    return None if reached is None else f"{reached.guard} {reached.used} of {reached.limit}"


def test_limits_an_hour_and_a_day() -> None:
    assert refused(29, 99) is None
    assert refused(30, 30) == "return_calls_per_hour 30 of 30"
    assert refused(0, 100) == "return_calls_per_day 100 of 100"


def test_three_in_a_row_that_nobody_accepted() -> None:
    row = [(NOW - 10, False), (NOW - 500, False), (NOW - 1000, False)]
    assert refused(answered=row) == ("return calls in a row that nobody accepted 3 of 3")
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
    failover_of: str | None = None,
    ending: str | None = None,
    rang: float = 2.0,
) -> str:
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
            "ended": None if ending is None else started + rang,
            "ending": ending,
            "failover_of": failover_of,
            "saved": "",
        },
    )
    return name


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
    assert found.latest == [
        Over(NOW - HOUR - 1 + 5, accepted=True),
        Over(NOW - 2 * HOUR + 5, accepted=False),
        Over(NOW - 3 * HOUR + 5, accepted=False),
    ]


def test_an_attempt_by_several_trunks_counts_once(store: Store) -> None:
    def work(tx: Connection) -> Calls:
        first = add(tx, NOW - 60, ending="failed")
        add(tx, NOW - 56, failover_of=first, ending="failed")
        add(tx, NOW - 52, failover_of=first, ending="busy")
        add(tx, NOW - 20, ending="busy")
        return calls_to(tx, NUMBER, NOW)

    found = asyncio.run(store.run(work))
    assert (found.last_hour, found.last_day) == (2, 2)


@pytest.mark.parametrize(
    ("rang", "after", "loop"),
    [
        (10.0, 60.0, True),
        (10.1, 60.0, False),
        (10.0, 60.1, False),
        (0.0, 0.0, True),
        (5, -1, False),
    ],
)
def test_what_is_busy_at_once_and_triggers_again_is_a_loop(
    rang: float, after: float, loop: bool
) -> None:
    assert is_loop(NOW, NOW + rang, NOW + rang + after) is loop


@pytest.mark.parametrize(
    ("ending", "counts"), [("busy", True), ("rejected", True), ("no_answer", False)]
)
def test_a_call_that_came_back_counts_among_those_that_nobody_accepted(
    store: Store, ending: str, counts: bool
) -> None:
    def work(tx: Connection) -> Calls:
        add(tx, NOW - 300, ending=ending)
        add(tx, NOW - 100, ending=ending)
        came_back(tx, NUMBER, NOW - 70)  # of the second
        came_back(tx, "+447700900124", NOW - 70)
        return calls_to(tx, NUMBER, NOW)

    found = asyncio.run(store.run(work))
    assert found.latest == ([Over(NOW - 98)] if counts else [])


def test_a_number_never_called(store: Store) -> None:
    found = asyncio.run(store.read(lambda tx: calls_to(tx, NUMBER, NOW)))
    assert found == Calls(0, 0, [])
