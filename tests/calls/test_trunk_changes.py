"""Trunks and routes change while calls run: what is new holds for new calls (spec section 5)."""

from __future__ import annotations

from pathlib import Path

from tests.calls.test_session import accepts, accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.calls.events import Talking, Triggered
from ringback.engines.simulated import FarCall
from ringback.telephony.trunks import Route, Trunk


def test_the_return_call_goes_by_the_trunk_that_there_is_by_then(tmp_path: Path) -> None:
    """The one by which the trigger came was removed while it rang."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER)
        await world.until(Triggered)
        world.trunks.replace([Trunk("third", "192.0.2.3")], [Route("", ("third",))])

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert {leg["trunk"] for leg in world.rows_of_legs()} == {"third"}


def test_a_conversation_outlives_its_trunk(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        await accepts(call)
        call.press("02079460000#")
        assert await call.hears("[ringback]")
        assert await call.hears("Dial the number", 600.0)
        call.press("02079460000#")
        assert await call.hears("The call could not be connected")
        call.hang_up()

    async def callee(call: FarCall) -> None:
        call.answer()
        await call.sleep(60.0)
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, callee)
        await world.setup()
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        await world.sleep(10.0)
        world.trunks.replace([], [])

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    (b,) = world.legs("B")
    assert b["ended"] - b["answered"] > 59.0
    assert "no route has its prefix" in " ".join(world.journal.troubles)
