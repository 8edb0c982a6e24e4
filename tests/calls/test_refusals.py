"""Refusals are stored ten a minute a number, and counted beyond (spec section 8)."""

from __future__ import annotations

from pathlib import Path

from tests.calls.world import ACCESS, CALLER, World, in_world

from ringback.calls.refusals import MOST_NUMBERS, STORED_A_MINUTE, Refusals
from ringback.store.models import SessionRow


def refuse(refusals: Refusals, number: str | None, session: str, now: float) -> bool:
    stored = refusals.are_stored("e", number, now)
    if stored:
        refusals.stored("e", number, session, now)
    else:
        refusals.count("e", number)
    return stored


def test_ten_a_minute_are_stored_and_the_rest_counted_with_the_last() -> None:
    refusals = Refusals()
    stored = [refuse(refusals, "+44", f"s{second}", float(second)) for second in range(40)]
    assert stored == [True] * STORED_A_MINUTE + [False] * 30
    assert refuse(refusals, "+33", "other", 40.0), "each number has ten of its own"
    assert refusals.take_counted() == {"s9": 30}
    assert refusals.take_counted() == {}
    refusals.give_back({"s9": 30})
    assert refuse(refusals, "+44", "later", 60.0)
    assert not refuse(refusals, "+44", "x", 60.5), "the second of the ten is not a minute old"
    assert refusals.take_counted() == {"s9": 30, "later": 1}


def test_memory_is_bounded() -> None:
    refusals = Refusals()
    for number in range(MOST_NUMBERS + 5):
        refuse(refusals, f"+{number}", "s", 0.0)
    assert len(refusals._recent) == MOST_NUMBERS


def test_a_number_that_rings_again_and_again(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await world.setup(caller_ids=[])  # nobody is listed
        for _ in range(25):
            world.network.ring(ACCESS, CALLER)
            await world.sleep(0.5)
        await world.sleep(10.0)

    world = in_world(tmp_path, play)
    rows = sorted(world.rows(SessionRow), key=lambda row: row["id"])
    assert {row["outcome"] for row in rows} == {"refused_unlisted"}
    assert len(rows) == STORED_A_MINUTE
    assert sum(row["repeated"] for row in rows) == 25 - STORED_A_MINUTE
