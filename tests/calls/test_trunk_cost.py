"""What trunks cost is recorded with the end of each answered leg (spec section 6, "Trunk cost")."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

from tests.calls.test_session import accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.calls.events import Talking
from ringback.store.models import LegCostRow
from ringback.telephony.trunks import Route, Trunk

SECONDS = {"prefix": "", "first_block": 1, "next_block": 1, "price_per_minute": "0.60"}


def play(folder: Path, during: Callable[[World], Awaitable[None]]) -> World:
    """A call, by a trunk with a cost plan, in which something happens 5 s after the conversation
    has begun."""

    async def scene(world: World) -> None:
        trunk = Trunk("trunk", "192.0.2.1", cost_plan="carrier")
        world.trunks.replace([trunk], [Route("", ("trunk",))])
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup()
        await world.apply({"plans": [{"name": "carrier", "rates": [SECONDS]}]})
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        await world.sleep(5)
        await during(world)

    return in_world(folder, scene)


async def nothing(world: World) -> None:
    """Nothing happens."""


async def crash(world: World) -> None:
    await world.crash_and_restart()


def without(world: World) -> None:
    world.trunks.replace([Trunk("other", "192.0.2.2")], [Route("", ("other",))])


def check_costs(world: World) -> None:
    costs = {row["leg_id"]: row for row in world.rows(LegCostRow)}
    for leg in world.rows_of_legs():
        row = costs.pop(leg["id"])
        assert (row["trunk"], row["plan"]) == ("trunk", "carrier")
        seconds = Decimal(repr(leg["ended"] - leg["answered"]))
        assert Decimal("0.01") * seconds <= row["amount"] <= Decimal("0.01") * (seconds + 1)
    assert costs == {}


def test_both_legs(tmp_path: Path) -> None:
    world = play(tmp_path, nothing)
    assert world.session()["outcome"] == "completed"
    check_costs(world)


def test_a_trunk_that_is_removed_during_the_call(tmp_path: Path) -> None:
    async def remove(world: World) -> None:
        without(world)

    check_costs(play(tmp_path, remove))


def test_after_a_crash(tmp_path: Path) -> None:
    world = play(tmp_path, crash)
    assert world.session()["outcome"] == "interrupted"
    check_costs(world)


def test_after_a_crash_the_cost_by_a_trunk_that_is_gone_is_not_known(tmp_path: Path) -> None:
    async def removed(world: World) -> None:
        without(world)
        await world.crash_and_restart()

    assert play(tmp_path, removed).rows(LegCostRow) == []


def test_a_leg_that_nobody_answered_costs_nothing(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        trunk = Trunk("trunk", "192.0.2.1", cost_plan="carrier")
        world.trunks.replace([trunk], [Route("", ("trunk",))])
        await world.setup({"attempts": 1})
        await world.apply({"plans": [{"name": "carrier", "rates": [SECONDS]}]})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, scene)
    assert len(world.legs("A")) == 1
    assert world.rows(LegCostRow) == []
