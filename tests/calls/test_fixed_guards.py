"""The fixed guards in a call: what is judged is what would be dialled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.calls.test_session import accepts, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.engines.simulated import FarCall
from ringback.numbering import NumberForm
from ringback.telephony.port import Cause
from ringback.telephony.trunks import Route, Trunk


def dials(digits: str) -> Callable[[FarCall], Awaitable[None]]:
    async def caller(call: FarCall) -> None:
        await accepts(call)
        call.press(digits)
        await call.hears("Dial the number")
        call.hang_up()

    return caller


async def busy(call: FarCall) -> None:
    call.reject(Cause.BUSY)


def test_a_speed_dial_is_a_key_and_no_number(tmp_path: Path) -> None:
    """15 is the ambulance in France."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, dials("15#"))
        world.network.phone(CALLEE, busy)
        listed = {"number": CALLER, "credit": "5.00", "order_number": "A-1"}
        await world.setup(caller_ids=[{**listed, "speed_dials": {"15": CALLEE}}], start=False)
        await world.apply({"accounts": [{"name": "acme", "country": "FR"}]})
        await world.exchange.start()
        world.network.ring(ACCESS, CALLER)

    (b,) = in_world(tmp_path, play).legs("B")
    assert (b["received"], b["e164"]) == ("15", CALLEE)


@pytest.mark.parametrize("digits", ["0112#", "0110#", "112#", "09001234567#", "090012345671#"])
def test_emergency_and_premium_numbers_are_not_dialled(tmp_path: Path, digits: str) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, dials(digits))
        await world.setup(start=False)
        await world.apply({"accounts": [{"name": "acme", "country": "DE"}]})
        await world.exchange.start()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.legs("B") == []
    assert world.session()["outcome"] == "forbidden_number"


def test_a_trunk_that_would_get_an_emergency_number_is_passed_over(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        local = NumberForm(country="US", strip=4, plus=False)
        world.trunks.replace(
            [
                Trunk("trunk", "192.0.2.1", called=local, caller=local, shown=local),
                Trunk("second", "192.0.2.1"),
            ],
            [Route("1", ("trunk", "second")), Route("", ("second",))],
        )
        world.network.phone(CALLER, dials("0012129115555#"))
        world.network.phone("+12129115555", talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert [(leg["trunk"], leg["dialled"]) for leg in world.legs("B")] == [
        ("second", "+12129115555")
    ]
    assert [what for what in world.journal.troubles if "would be an emergency" in what] == [
        "no call to +12129115555 by trunk: 9115555 would be an emergency, premium-rate or "
        "satellite number in the form that the trunk gets"
    ]
