"""Far ends that send a key more than once. `#` alone redials, which is paid (spec section 4, step
7)."""

from __future__ import annotations

from pathlib import Path

from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.engines.simulated import FarCall
from ringback.telephony.port import Cause


def test_a_key_that_comes_twice_redials_nothing(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        call.ring()
        call.answer()
        await call.hears("Dial the number")
        call.press("02079460000#")
        await call.hears("Dial the number", 60)
        call.press("0##")  # no number that there is
        await call.hears("Dial the number", 60)
        call.press("*#")
        await call.sleep(3.0)
        call.hang_up()

    async def callee(call: FarCall) -> None:
        call.ring()
        call.reject(Cause.BUSY)

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, callee)
        await world.setup({"accept_prompt": "never"})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert [leg["e164"] for leg in world.legs("B")] == [CALLEE]


def test_a_hash_while_it_rings_that_comes_again_after_it_redials_nothing(tmp_path: Path) -> None:
    calls: list[FarCall] = []

    async def caller(call: FarCall) -> None:
        calls.append(call)
        call.ring()
        call.answer()
        await call.hears("Dial the number")
        call.press("02079460000#")

    async def callee(call: FarCall) -> None:
        call.ring()
        await call.sleep(3.0)
        calls[0].press("##")
        await call.sleep(0.05)
        call.reject(Cause.BUSY)
        await call.sleep(8.0)
        calls[0].hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, callee)
        await world.setup({"accept_prompt": "never"})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert [leg["e164"] for leg in world.legs("B")] == [CALLEE]
