"""What a session is at just now, and what its record says of numbers that were refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.calls.test_session import accepts, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.calls.events import Rang, Talking
from ringback.engines.simulated import FarCall
from ringback.server.commands import states
from ringback.store.models import EventRow
from ringback.telephony.trunks import Route


async def rings_then_dials(call: FarCall) -> None:
    call.ring()
    await call.sleep(5.0)
    await accepts(call)
    call.press("02079460000#")
    await call.hears("[ringback]")
    await call.sleep(20.0)
    call.hang_up()


def test_stage_and_times_are_those_of_this_instant(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    async def play(world: World) -> None:
        async def look() -> None:
            row = world.session()
            (state,) = states(world.exchange, {"sessions": [row["id"], "x"]})["sessions"].values()
            seen.append(state)

        world.network.phone(CALLER, rings_then_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"callback_delay_seconds": 30})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(20.0)
        await look()
        await world.until(Rang)
        await look()
        await world.until(Talking)
        await look()
        await world.sleep(60.0)
        assert states(world.exchange, {"sessions": [world.session()["id"]]}) == {"sessions": {}}

    world = in_world(tmp_path, play)
    waits, rings, talks = seen
    assert (waits["stage"], waits["legs"]) == ("return", ())
    assert rings["stage"] == "return"
    (a,) = rings["legs"]
    assert a["ringing"] is not None and a["answered"] is None
    assert talks["stage"] == "conversation"
    assert [leg["answered"] is not None for leg in talks["legs"]] == [True, True]
    ids = {leg["id"] for state in seen for leg in state["legs"]}
    assert ids == {leg["id"] for leg in world.rows_of_legs()}


def test_a_number_without_rate_or_route_is_recorded_with_its_reason(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        await accepts(call)
        call.press("0033123456789#")
        assert await call.hears("This number cannot be called")
        call.press("02079460000#")
        await call.hears("could not be connected")
        call.hang_up()

    async def play(world: World) -> None:
        rate = {"prefix": "44", "first_price": "0.01", "price_per_minute": "0.01"}
        world.network.phone(CALLER, caller)
        world.trunks.replace(world.trunks.by_name.values(), [Route("447700", ("trunk",))])
        await world.setup(rates=[rate])
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    kept = {row["type"]: row["data"] for row in world.rows(EventRow)}
    refused, not_made = kept["number_refused"], kept["call_not_made"]
    assert refused["number"] == "+33123456789"
    assert refused["reason"].endswith("'retail' has no valid rate for +33123456789")
    assert (not_made["number"], not_made["leg"]) == (CALLEE, "B")
    assert not_made["reason"] == "no route has its prefix"
