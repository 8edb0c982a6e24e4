"""A far end answers, and nothing can be made of its answer: the carrier charges that, so it is an
answer in every way, and the call is ended at once."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from tests.calls.test_session import accepts
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.engines.simulated import FarCall
from ringback.telephony.port import Cause


async def soundless(call: FarCall) -> None:
    call.ring()
    await call.sleep(2.0)
    call.answer(usable=False)


def check(world: World, leg: dict[str, object], far: FarCall) -> None:
    """It is recorded as answered, charged a first block, and was ended by us."""
    assert far.answered is not None and far.ended_by_server
    assert far.ended is not None and far.ended - far.answered < 0.25
    assert leg["answered"] is not None and leg["ended"] == leg["answered"]
    assert leg["ending"] == Cause.FAILED
    charged = [row["amount"] for row in world.rows_of_charges() if row["leg_id"] == leg["id"]]
    assert charged and all(amount > Decimal(0) for amount in charged)


def test_of_a_return_call(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, soundless)
        await world.setup({"attempts": 3})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    (leg,), (far,) = world.legs("A"), world.calls(CALLER)
    check(world, leg, far)
    assert world.session()["outcome"] is not None, "and it is never made again"


def test_of_an_outgoing_call(tmp_path: Path) -> None:
    async def dials_twice(call: FarCall) -> None:
        await accepts(call)
        call.press("02079460000#")
        await call.hears("Dial the number")
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, dials_twice)
        world.network.phone(CALLEE, soundless)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    (leg,), (far,) = world.legs("B"), world.calls(CALLEE)
    check(world, leg, far)
