"""What goes wrong on our side: no call hangs, and somebody is told."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from tests.calls.test_session import accepts, accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.calls import triggers
from ringback.calls.events import ReturnAgain
from ringback.engines.simulated import FarCall
from ringback.telephony.port import Rejection


def test_a_fault_does_not_let_the_caller_ring_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise RuntimeError("broken")

    async def play(world: World) -> None:
        await world.setup()
        monkeypatch.setattr(triggers, "verdict", broken)
        ring = world.network.ring(ACCESS, CALLER)
        await world.sleep(6.0)
        assert ring.rejected is Rejection.OUT_OF_SERVICE
        (told,) = world.journal.troubles
        assert "RuntimeError: broken" in told

    in_world(tmp_path, play, check=False)


def test_who_rings_when_the_server_stops_is_rejected(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await world.setup()
        ring = world.network.ring(ACCESS, CALLER)
        await world.sleep(2.0)
        assert ring.rang and ring.rejected is None
        await world.exchange.close(10.0)
        await world.sleep(1.0)
        assert ring.rejected is Rejection.OUT_OF_SERVICE

    assert in_world(tmp_path, play).rows_of_sessions() == []


def test_no_free_port_for_the_return_call_is_a_network_fault(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"attempts": 2, "retry_after_seconds": 30})
        world.engine.room_from = lambda order: math.inf
        world.network.ring(ACCESS, CALLER)
        await world.until(ReturnAgain)
        world.engine.room_from = lambda order: 0.0

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert any("no more calls" in what for what in world.journal.troubles)


def test_no_free_port_for_the_outgoing_call_is_told_to_the_caller(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        await accepts(call)
        world_now[0].engine.room_from = lambda order: math.inf
        call.press("02079460000#")
        assert await call.hears("The call could not be connected")
        call.hang_up()

    world_now: list[World] = []

    async def play(world: World) -> None:
        world_now.append(world)
        world.network.phone(CALLER, caller)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "failed"
    assert world.journal.troubles == [f"no call to {CALLEE}: no more calls"]
