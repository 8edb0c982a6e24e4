"""What changes in mid call and ends nothing: a callerID's number, an account's plan."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.calls.falls import set_rows
from tests.calls.test_session import accepts, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, OTHER_CALLER, PIN, RATE, World, in_world

from ringback.calls.events import Talking
from ringback.engines.simulated import FarCall
from ringback.store.models import AccountRow, CallerIdRow, PlanRow

HOTEL = "+442071234567"
NEW = "+447700900555"


async def dials_twice(call: FarCall) -> None:
    """Talks, has leg B ended, and dials again."""
    await accepts(call)
    await calls_twice(call)


async def calls_twice(call: FarCall) -> None:
    call.press("02079460000#")
    await call.hears("[ringback]")
    await call.sleep(14.0)
    call.press("**")
    await call.hears("Dial the number")
    call.press("02079460000#")
    await call.hears("[ringback]")
    await call.sleep(9.0)
    call.hang_up()


def renumber(world: World) -> None:
    set_rows(world, CallerIdRow, "number", CALLER, number=NEW)


def check_all_on_its_credit(world: World) -> None:
    """Two legs B were talked on, and everything was paid by the callerID of the new number."""
    assert world.session()["outcome"] == "completed"
    assert [leg["answered"] is not None for leg in world.legs("B")] == [True, True]
    (row,) = [row for row in world.rows(CallerIdRow) if row["number"] == NEW]
    assert world.session()["caller_id"] == row["id"]
    paid = [each for each in world.rows_of_charges() if each["ledger_id"] == row["ledger_id"]]
    assert {each["leg_id"] for each in paid} == {leg["id"] for leg in world.rows_of_legs()}


@pytest.mark.parametrize("taken", [False, True])
def test_a_caller_id_with_a_new_number_goes_on_with_its_credit(tmp_path: Path, taken: bool) -> None:
    """Also where its old number is somebody else's by now."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, dials_twice)
        world.network.phone(CALLEE, talker)
        others: list[dict[str, Any]] = [{"number": OTHER_CALLER, "enabled": False}]
        listed = {"number": CALLER, "credit": "5.00", "order_number": "1"}
        await world.setup(caller_ids=[listed, *others])
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        renumber(world)
        if taken:
            set_rows(world, CallerIdRow, "number", OTHER_CALLER, number=CALLER)

    check_all_on_its_credit(in_world(tmp_path, play))


def test_so_does_one_that_was_claimed(tmp_path: Path) -> None:
    async def claimer(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your phone number")
        call.press("07700900123#")
        await call.hears("Please enter your PIN")
        call.press(f"{PIN}#")
        await call.hears("Dial the number")
        await calls_twice(call)

    async def play(world: World) -> None:
        world.network.phone(HOTEL, claimer)
        world.network.phone(CALLEE, talker)
        await world.setup(
            {"return_calls": "fixed", "fixed_number": HOTEL, "require_caller_pin": True}
        )
        world.network.ring(ACCESS, None)
        await world.until(Talking)
        renumber(world)

    check_all_on_its_credit(in_world(tmp_path, play))


def test_before_the_return_call_the_old_number_is_listed_no_more(tmp_path: Path) -> None:
    """It is not called back, as whoever has it now is somebody else."""

    async def play(world: World) -> None:
        await world.setup({"callback_delay_seconds": 30})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(10.0)
        renumber(world)

    world = in_world(tmp_path, play)
    assert (world.session()["outcome"], world.session()["stage"]) == ("unlisted", "return")
    assert world.network.calls == {}


def test_a_leg_keeps_its_plan_and_the_next_one_has_the_new(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, dials_twice)
        world.network.phone(CALLEE, talker)
        await world.setup()
        dear = RATE | {"first_price": "0.50", "price_per_minute": "6.00"}
        await world.apply({"plans": [{"name": "dear", "rates": [dear]}]})
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        (plan,) = [row["id"] for row in world.rows(PlanRow) if row["name"] == "dear"]
        set_rows(world, AccountRow, "name", "acme", plan_id=plan)

    world = in_world(tmp_path, play)
    (a,), (first, second) = world.legs("A"), sorted(world.legs("B"), key=lambda leg: leg["id"])
    assert world.session()["outcome"] == "completed"
    for leg, price in ((a, "0.05"), (first, "0.05"), (second, "0.50")):
        blocks = 1 + (leg["billed_seconds"] - 10) // 5
        charges = [row for row in world.rows_of_charges() if row["leg_id"] == leg["id"]]
        assert [row["amount"] for row in charges] == [blocks * Decimal(price)] * 2
