"""An access number with a destination: whoever is called back through it is connected to that
number without dialling, and the session ends with that call (spec section 2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.calls.falls import set_rows
from tests.calls.test_session import accepts, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, PIN, World, in_world

from ringback.calls.events import NumberRefused, Rang, RequestAccepted
from ringback.engines.simulated import FarCall
from ringback.store.models import AccessNumberRow
from ringback.telephony.port import Cause, Rejection

LIFT = "+442079460111"


async def begin(world: World, callback: dict[str, Any] | None = None, **setup: Any) -> None:
    world.network.phone(CALLER, listens)
    world.network.phone(CALLEE, talker)
    await world.setup(callback, **setup)
    lead_on(world, CALLEE)


def lead_on(world: World, destination: str | None) -> None:
    set_rows(world, AccessNumberRow, "number", ACCESS, destination=destination)


async def listens(call: FarCall) -> None:
    """A caller who takes the call and presses nothing else."""
    call.ring()
    call.answer()
    await call.hears("Press 1")
    call.press("1")
    await call.hears("[ringback]")
    await call.over()


async def talks_briefly(call: FarCall) -> None:
    call.ring()
    call.answer()
    await call.sleep(8.0)
    call.hang_up()


def asked_for_a_number(world: World) -> bool:
    return any(words.startswith("Dial the number") for words in world.said())


def test_who_is_called_back_is_connected_and_the_session_ends_with_that_call(
    tmp_path: Path,
) -> None:
    async def play(world: World) -> None:
        await begin(world)
        world.network.phone(CALLEE, talks_briefly)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert world.session()["destination"] == CALLEE
    (b,) = world.legs("B")
    assert (b["e164"], b["received"]) == (CALLEE, CALLEE)
    assert not asked_for_a_number(world)
    assert world.said()[-1] == "Goodbye."
    assert world.calls(CALLER)[0].ended_by_server


def test_two_stars_end_the_session_too(tmp_path: Path) -> None:
    async def stars(call: FarCall) -> None:
        call.ring()
        call.answer()
        await call.hears("Press 1")
        call.press("1")
        await call.hears("[ringback]")
        await call.sleep(10.0)
        call.press("**")
        await call.over()

    async def play(world: World) -> None:
        await begin(world)
        world.network.phone(CALLER, stars)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert len(world.legs("B")) == 1 and not asked_for_a_number(world)


def test_they_authenticate_and_have_the_menu_as_the_setup_says(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your PIN")
        call.press(f"{PIN}#")
        await call.hears("To hear your credit")
        call.press("2")
        await call.hears("[ringback]")
        await call.sleep(10.0)
        call.hang_up()

    async def play(world: World) -> None:
        await begin(world, {"require_caller_pin": True, "credit_menu": True})
        world.network.phone(CALLER, caller)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert [leg["e164"] for leg in world.legs("B")] == [CALLEE]


def test_nobody_is_connected_who_does_not_authenticate(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        call.answer()
        for _ in range(3):
            await call.hears("Please enter your PIN")
            call.press("9999#")
        await call.over()

    async def play(world: World) -> None:
        await begin(world, {"require_caller_pin": True})
        world.network.phone(CALLER, caller)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "wrong_password"
    assert world.legs("B") == []


@pytest.mark.parametrize(
    ("destination", "outcome"),
    [
        ("+449098790000", "forbidden_number"),
        (ACCESS, "forbidden_number"),
        ("+33140000000", "no_rate"),
    ],
)
def test_a_destination_that_may_not_be_called_is_said_and_ends_the_session(
    tmp_path: Path, destination: str, outcome: str
) -> None:
    """It is judged as a number that is dialled."""

    async def play(world: World) -> None:
        rate = {"prefix": "44", "first_price": "0.01", "price_per_minute": "0.01"}
        await begin(world, rates=[rate])
        lead_on(world, destination)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == outcome
    assert world.said()[-2:] == ["This number cannot be called.", "Goodbye."]
    assert world.legs("B") == []
    (refused,) = world.journal.of(NumberRefused)
    assert refused.number == destination


def test_too_little_credit_is_said_and_ends_the_session(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await begin(world, credit="0.05")
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "no_credit"
    assert world.legs("B") == [] and not asked_for_a_number(world)


def test_busy_is_said_and_ends_the_session(tmp_path: Path) -> None:
    async def busy(call: FarCall) -> None:
        call.reject(Cause.BUSY)

    async def play(world: World) -> None:
        await begin(world)
        world.network.phone(CALLEE, busy)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "busy"
    assert world.said()[-2:] == ["The number is busy.", "Goodbye."]
    assert len(world.legs("B")) == 1


@pytest.mark.parametrize("changed_to", [None, LIFT])
@pytest.mark.parametrize("kind", [RequestAccepted, Rang])
def test_the_destination_at_the_time_of_the_trigger_holds(
    tmp_path: Path, changed_to: str | None, kind: type[Any]
) -> None:
    async def play(world: World) -> None:
        await begin(world, {"callback_delay_seconds": 10})
        world.network.ring(ACCESS, CALLER)
        await world.until(kind)
        lead_on(world, changed_to)

    world = in_world(tmp_path, play)
    assert [leg["e164"] for leg in world.legs("B")] == [CALLEE]


def test_it_outlives_a_restart(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await begin(world, {"callback_delay_seconds": 30})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(10.0)
        await world.crash_and_restart()

    world = in_world(tmp_path, play)
    assert [leg["e164"] for leg in world.legs("B")] == [CALLEE]
    assert not asked_for_a_number(world)


def test_after_a_call_by_order_another_number_is_asked_for(tmp_path: Path) -> None:
    """Its destination is only the first number (`ringback call NUMBER DESTINATION`)."""

    async def play(world: World) -> None:
        await begin(world)
        lead_on(world, None)
        world.network.phone(CALLEE, talks_briefly)
        await world.exchange.call_me_back(await world.extension(), CALLER, CALLEE)

    world = in_world(tmp_path, play)
    assert asked_for_a_number(world)


def test_a_number_that_leads_nowhere_is_answered_as_an_unknown_one(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await world.setup()
        set_rows(world, AccessNumberRow, "number", ACCESS, extension_id=None)
        rings = [world.network.ring(number, CALLER) for number in (ACCESS, LIFT)]
        await world.sleep(1.0)
        assert [ring.rejected for ring in rings] == [Rejection.UNKNOWN_NUMBER] * 2
        assert all(ring.rang for ring in rings)

    world = in_world(tmp_path, play)
    assert world.rows_of_sessions() == []
    told = [line for line in world.journal.troubles if "no extension has this access" in line]
    assert len(told) == 2


def test_nor_may_it_be_called_as_the_call_would_come_back_here(tmp_path: Path) -> None:
    async def dials_it(call: FarCall) -> None:
        await accepts(call)
        call.press("02071838750#")
        assert await call.hears("This number cannot be called")
        call.hang_up()

    async def play(world: World) -> None:
        await world.setup()
        world.network.phone(CALLER, dials_it)
        set_rows(world, AccessNumberRow, "number", ACCESS, extension_id=None)
        await world.exchange.call_me_back(await world.extension(), CALLER)

    assert in_world(tmp_path, play).session()["outcome"] == "forbidden_number"
