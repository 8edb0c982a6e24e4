"""Refusals are stored ten a minute a number, and counted beyond (spec section 8)."""

from __future__ import annotations

from pathlib import Path

from tests.calls.world import ACCESS, CALLER, World, in_world

from ringback.calls.refusals import MOST_NUMBERS, STORED_A_MINUTE, Refusals
from ringback.store.models import SessionRow


def refuse(
    refusals: Refusals, number: str | None, session: str, now: float, extension: str = "e"
) -> bool:
    stored = refusals.take_place(extension, number, session, now)
    if stored:
        refusals.stored(extension, number, session)
    else:
        refusals.count(extension, number)
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


def test_the_ten_are_of_all_extensions_together() -> None:
    refusals = Refusals()
    for place in range(STORED_A_MINUTE):
        assert refuse(refusals, "+44", f"s{place}", 0.0, f"e{place % 2}")
    assert not refuse(refusals, "+44", "x", 1.0, "e0")
    assert not refuse(refusals, "+44", "x", 1.0, "e2")
    assert refusals.take_counted() == {"s8": 1, "s9": 1}, "with one of its own extension, if any"


def test_hidden_callers_are_of_one_extension() -> None:
    refusals = Refusals()
    for extension in ("e1", "e2"):
        stored = [refuse(refusals, None, f"{extension}{n}", 0.0, extension) for n in range(12)]
        assert stored == [True] * STORED_A_MINUTE + [False] * 2


def test_a_place_is_taken_before_it_is_stored_and_given_back() -> None:
    refusals = Refusals()
    taken = [refusals.take_place("e", "+44", f"s{n}", 0.0) for n in range(150)]
    assert sum(taken) == STORED_A_MINUTE
    refusals.count("e", "+44")
    assert refusals.take_counted() == {}, "it is not known yet with whom it counts"
    refusals.not_stored("e", "+44", "s3")
    refusals.stored("e", "+44", "s2")
    assert refusals.take_counted() == {"s2": 1}
    assert refusals.take_place("e", "+44", "later", 1.0)
    assert not refusals.take_place("e", "+44", "one more", 1.0)


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


def test_150_refused_at_once_store_ten(tmp_path: Path) -> None:
    """The place counts when the decision is made, however slow the store is."""

    async def play(world: World) -> None:
        await world.setup(caller_ids=[])
        world.slow(0.05)
        for _ in range(150):
            world.network.ring(ACCESS, CALLER)
        await world.sleep(120.0)

    rows = in_world(tmp_path, play).rows(SessionRow)
    assert len(rows) == STORED_A_MINUTE
    assert sum(row["repeated"] for row in rows) == 150 - STORED_A_MINUTE
