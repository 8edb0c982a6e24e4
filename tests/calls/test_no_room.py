"""An engine that can carry no further call: no RTP port is free, or its media worker has died."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.calls.test_session import accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.telephony.port import Order


def fill(world: World, number: str, seconds: float) -> None:
    """For so long from its first call on the engine has no room for calls to `number`."""
    begins: list[float] = []

    def room_from(order: Order) -> float:
        if order.number != number:
            return -math.inf
        begins.append(world.clock.now())
        return begins[0] + seconds

    world.engine.room_from = room_from


@pytest.mark.parametrize("number", [CALLER, CALLEE])
def test_room_that_comes_soon_is_waited_for(tmp_path: Path, number: str) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"attempts": 1})
        fill(world, number, 1.0)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert world.journal.troubles == []


def test_a_return_call_without_room_is_made_again(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"attempts": 2, "retry_after_seconds": 30})
        fill(world, CALLER, 10.0)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert world.journal.troubles == [f"no call to {CALLER}: no more calls"]


def test_an_outgoing_call_without_room_is_told_as_not_connected(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        await world.setup()
        fill(world, CALLEE, 100.0)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "failed"
    assert "The call could not be connected." in world.said()
    assert world.journal.troubles == [f"no call to {CALLEE}: no more calls"]
