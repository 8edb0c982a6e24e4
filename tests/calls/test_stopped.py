"""A server that is stopped for a while: the time beyond what was funded is not charged, and who
hung up meanwhile did so when that reached the machine (spec section 6)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.calls.scene import LATENCY, far_of, rings, scene
from tests.calls.test_money import stays, talks
from tests.calls.world import CALLEE, CALLER, World

from ringback.calls.events import Rang, Talking
from ringback.engines.simulated import FarCall

STOPPED = 150.0
"""Longer than anything is reserved ahead."""


def stopped(
    tmp_path: Path,
    after: float,
    meanwhile: Callable[[World], Awaitable[None]] | None = None,
    *,
    slow: float = 0.0,
    credit: str = "50.00",
) -> tuple[World, float, float]:
    """A conversation in which the server is stopped, so many seconds after it has begun; until
    when leg B and leg A were funded then."""
    funded: list[float] = []

    async def during(world: World) -> None:
        await world.until(Talking)
        await world.sleep(after)
        (running,) = world.exchange._running.values()
        world.slow(slow)
        await world.sleep(slow / 2)
        funded.extend((running.waiting.funds.funded(), running.waiting.funds.funded_a()))
        world.stop(STOPPED)
        if meanwhile is not None:
            await meanwhile(world)
        await world.sleep(STOPPED + 1)
        world.slow(0.0)

    world = scene(tmp_path, stays, talks, during, credit=credit)
    return world, funded[0], funded[1]


def billed_until(world: World, role: str) -> float:
    (leg,) = world.legs(role)
    return float(leg["answered"] + leg["billed_seconds"])


@pytest.mark.parametrize("credit", ["1.00", "50.00"])
@pytest.mark.parametrize("slow", [0.0, 2.0, 60.0])
@pytest.mark.parametrize("after", [0.3, 20.0, 52.9, 60.0])
def test_a_stop_is_not_charged(tmp_path: Path, after: float, slow: float, credit: str) -> None:
    """Also where a slice was being reserved when it was stopped."""
    if credit == "1.00" and after > 20:
        return  # it is over by then
    world, funded, funded_a = stopped(tmp_path, after, slow=slow, credit=credit)
    assert billed_until(world, "B") <= funded + 5 + 1e-3, "the block in which it ended"
    assert billed_until(world, "A") <= funded_a + 5 + 1e-3
    for role in ("A", "B"):
        (leg,) = world.legs(role)
        assert leg["ended"] - leg["answered"] <= leg["billed_seconds"]
        assert far_of(world, leg).ended is not None


@pytest.mark.parametrize("who", [CALLER, CALLEE])
@pytest.mark.parametrize("hangs_up", [1.0, 30.0, 85.0, 145.0])
def test_who_hangs_up_meanwhile_pays_no_more(tmp_path: Path, who: str, hangs_up: float) -> None:
    async def meanwhile(world: World) -> None:
        await world.sleep(hangs_up)
        world.calls(who)[0].hang_up()

    world, funded, funded_a = stopped(tmp_path, 10.0, meanwhile)
    (leg,) = world.legs("A" if who == CALLER else "B")
    ended = far_of(world, leg).ended
    assert ended is not None
    until = min(ended, funded_a if who == CALLER else funded)
    assert until <= leg["ended"] + 1e-3 and leg["ended"] <= until + LATENCY
    assert until <= leg["answered"] + leg["billed_seconds"] <= until + 5 + LATENCY


@pytest.mark.parametrize("answers", [1.0, 20.0, 60.0])
def test_an_answer_while_the_server_is_stopped_costs_what_was_reserved_for_it(
    tmp_path: Path, answers: float
) -> None:
    async def during(world: World) -> None:
        await world.until(Rang)
        await world.sleep(1)
        world.stop(STOPPED)
        await world.sleep(answers)
        world.calls(CALLEE)[0].answer()

    async def caller(call: FarCall) -> None:
        await stays(call)

    world = scene(tmp_path, caller, rings, during, credit="50.00")
    (b,), far = world.legs("B"), world.calls(CALLEE)[0]
    assert far.answered is not None
    assert far.answered <= b["answered"] <= far.answered + LATENCY
    assert b["billed_seconds"] == 10
