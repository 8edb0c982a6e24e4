"""The decision: taken when the trigger has rung, and again before each leg is dialled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.calls.test_session import accepts, accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, OTHER_CALLER, World, in_world

from ringback.calls.events import Rang
from ringback.engines.simulated import FarCall

HOTEL = "+442071234567"


def apply_again(**callback: Any) -> dict[str, Any]:
    """The extension with another callback setup."""
    return {"extensions": [{"name": "travellers", "account": "acme", "callback": callback}]}


def listed(**caller_id: Any) -> dict[str, Any]:
    return {
        "extensions": [
            {
                "name": "travellers",
                "account": "acme",
                "caller_ids": [{"number": CALLER, **caller_id}],
            }
        ]
    }


async def answered_world(world: World, callback: dict[str, Any], **setup: Any) -> None:
    world.network.phone(CALLER, accepts_and_dials)
    world.network.phone(CALLEE, talker)
    await world.setup(callback, **setup)


@pytest.mark.parametrize(
    ("rule", "verification", "outcome"),
    [
        ("off", "failed", "completed"),
        ("prefer", "passed", "completed"),
        ("prefer", None, "completed"),
        ("prefer", "failed", "refused_unverified"),
        ("require", "passed", "completed"),
        ("require", "no-tn-validation", "refused_unverified"),
        ("require", None, "refused_unverified"),
    ],
)
def test_what_the_carrier_says_of_the_number_is_believed_once(
    tmp_path: Path, rule: str, verification: str | None, outcome: str
) -> None:
    """The return call, which the carrier's word does not come with, is made all the same."""

    async def play(world: World) -> None:
        await answered_world(world, {"caller_verification": rule})
        world.network.ring(ACCESS, CALLER, verification=verification)

    assert in_world(tmp_path, play).session()["outcome"] == outcome


def test_a_verified_request_outlives_a_restart(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await answered_world(
            world, {"caller_verification": "require", "callback_delay_seconds": 30}
        )
        world.network.ring(ACCESS, CALLER, verification="passed")
        await world.sleep(10.0)
        await world.crash_and_restart()

    assert in_world(tmp_path, play).session()["outcome"] == "completed"


@pytest.mark.parametrize("verification", [None, "failed"])
def test_require_holds_in_fixed_mode_too(tmp_path: Path, verification: str | None) -> None:
    callback = {
        "return_calls": "fixed",
        "fixed_number": HOTEL,
        "password": "1234",
        "caller_verification": "require",
    }

    async def play(world: World) -> None:
        await world.setup(callback)
        world.network.ring(ACCESS, CALLER, verification=verification)

    assert in_world(tmp_path, play).session()["outcome"] == "refused_unverified"


def test_called_back_by_order_where_verification_is_required(tmp_path: Path) -> None:
    """No trigger call came, so there is nothing to believe."""

    async def play(world: World) -> None:
        await answered_world(world, {"caller_verification": "require"})
        await call_me_back(world, CALLER)

    assert in_world(tmp_path, play).session()["outcome"] == "completed"


async def call_me_back(world: World, number: str, destination: str | None = None) -> None:
    extension = await world.extension()
    _, refused = await world.exchange.call_me_back(extension, number, destination)
    assert refused is None, refused


def test_a_further_trigger_is_a_duplicate_though_the_credit_is_reserved(tmp_path: Path) -> None:
    """The credit of one first block is held by the return call that is under way."""

    async def rings_long(call: FarCall) -> None:
        call.ring()
        await call.sleep(20.0)
        await accepts(call)

    async def play(world: World) -> None:
        world.network.phone(CALLER, rings_long)
        await world.setup(credit="0.05")
        world.network.ring(ACCESS, CALLER)
        await world.until(Rang)
        world.network.ring(ACCESS, CALLER)

    first, second = in_world(tmp_path, play).rows_of_sessions()
    assert second["outcome"] == "refused_duplicate"
    assert first["outcome"] == "no_credit"


@pytest.mark.parametrize(
    ("meanwhile", "outcome"),
    [
        (listed(enabled=False), "disabled"),
        (
            apply_again(return_calls="fixed", fixed_number=HOTEL, password="1234"),
            "unlisted",
        ),
        (apply_again(minimum_credit="5.01"), "no_credit"),
    ],
)
def test_the_decision_is_taken_again_before_the_return_call(
    tmp_path: Path, meanwhile: dict[str, Any], outcome: str
) -> None:
    """Half a second before it is due, so that nothing has been withdrawn yet."""

    async def play(world: World) -> None:
        await answered_world(world, {"callback_delay_seconds": 30})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(34.6)
        await world.apply(meanwhile)

    world = in_world(tmp_path, play)
    assert (world.session()["outcome"], world.session()["stage"]) == (outcome, "return")
    assert world.network.calls == {}, "nobody was called"


def test_the_decision_is_taken_again_before_the_outgoing_call(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        await accepts(call)
        meanwhile = apply_again(return_calls="fixed", fixed_number=HOTEL, password="1234")
        await world_now[0].apply(meanwhile)
        call.press("02079460000#")
        assert await call.hears("This number cannot be called")

    world_now: list[World] = []

    async def play(world: World) -> None:
        world_now.append(world)
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "forbidden_number"
    assert world.calls(CALLEE) == []


def test_a_claimed_caller_id_that_was_disabled_meanwhile_is_not_used(tmp_path: Path) -> None:
    async def claimer(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your phone number")
        call.press("07700900123#")
        await call.hears("Please enter your PIN")
        call.press("0042#")
        await call.hears("Dial the number")
        await world_now[0].apply(listed(enabled=False))
        call.press("02079460000#")
        await call.over()

    world_now: list[World] = []

    async def play(world: World) -> None:
        world_now.append(world)
        world.network.phone(HOTEL, claimer)
        world.network.phone(CALLEE, talker)
        await world.setup(
            {"return_calls": "fixed", "fixed_number": HOTEL, "require_caller_pin": True}
        )
        world.network.ring(ACCESS, OTHER_CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "ended"
    assert world.calls(CALLEE) == []


@pytest.mark.parametrize(
    ("lists", "outcome"),
    [((["870"], ["8707"]), "completed"), ((["870"], ["881"]), "forbidden_number")],
)
def test_every_payers_plan_must_list_a_special_number(
    tmp_path: Path, lists: tuple[list[str], list[str]], outcome: str
) -> None:
    """By whatever prefix of it each plan lists."""

    async def caller(call: FarCall) -> None:
        await accepts(call)
        call.press("00870773111632#")
        await call.hears("[ringback]")
        await call.sleep(10.0)
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone("+870773111632", talker)
        reseller, customer = lists
        await world.setup(plan={"special_prefixes": customer}, start=False)
        bulk = {"name": "bulk", "kind": "postpaid", "limit": "9.00", "special_prefixes": reseller}
        rate = {"prefix": "", "first_price": "0.01", "price_per_minute": "0.01"}
        await world.apply(
            {
                "accounts": [{"name": "admin", "plan": "bulk"}],
                "plans": [{**bulk, "rates": [rate]}],
            }
        )
        await world.exchange.start()
        world.network.ring(ACCESS, CALLER)

    assert in_world(tmp_path, play).session()["outcome"] == outcome
