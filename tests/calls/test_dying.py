"""A server that dies at every point that a whole call passes, and one whose store is slow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.calls.test_session import accepts, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.calls.events import ReturnAnswered
from ringback.engines.simulated import FarCall
from ringback.store.models import SessionRow


async def caller(call: FarCall) -> None:
    await accepts(call)
    call.press("02079460000#")
    await call.hears("[ringback]")
    await call.sleep(12.0)
    call.hang_up()


async def whole_call(world: World) -> None:
    world.network.phone(CALLER, caller)
    world.network.phone(CALLEE, talker)
    await world.setup({"retry_after_seconds": 5, "attempts": 2})
    world.network.ring(ACCESS, CALLER)


def points_of_a_call(folder: Path) -> list[str]:
    """Each once, in the order in which the server first comes to them."""
    world = in_world(folder, whole_call)
    assert world.session()["outcome"] == "completed"
    return list(dict.fromkeys(world.points))


def test_death_at_every_point(tmp_path: Path) -> None:
    """What was promised is done once, everybody gets his CANCEL or BYE, all is settled."""
    for point in points_of_a_call(tmp_path):

        async def play(world: World, point: str = point) -> None:
            world.dies_at = lambda reached: reached == point
            world.outside.add(asyncio.create_task(whole_call(world)))
            await world.died.wait()
            world.dies_at = lambda reached: False
            promised, answered = world.rows(SessionRow), bool(world.network.live())
            await world.restart()
            await world.quiet()
            world.check()
            kept = world.rows(SessionRow)
            assert [row["id"] for row in kept] == [row["id"] for row in promised], point
            assert {row["outcome"] for row in kept} <= {"completed", "interrupted"}, point
            assert answered or all(row["outcome"] == "completed" for row in kept), point

        world = in_world(tmp_path, play)
        talked = [call for call in world.calls(CALLER) if call.answered is not None]
        assert len(talked) <= 1, f"called twice after a death at {point!r}"


@pytest.mark.parametrize("point", ["before Exchange.start", "after Exchange.start"])
def test_who_dies_again_while_he_starts_loses_no_bye(tmp_path: Path, point: str) -> None:
    async def stays(call: FarCall) -> None:
        await accepts(call)

    async def play(world: World) -> None:
        world.network.phone(CALLER, stays)
        await world.setup()
        world.network.ring(ACCESS, CALLER)
        await world.until(ReturnAnswered)
        world.die()
        world.dies_at = lambda reached: reached.startswith(point)
        await world.restart()
        world.dies_at = lambda point: False
        await world.restart()

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "interrupted"
    (call,) = world.calls(CALLER)
    assert call.ended_by_server


def test_a_leg_is_limited_while_its_answer_is_being_stored(tmp_path: Path) -> None:
    async def phone(call: FarCall) -> None:
        call.ring()
        await call.sleep(1.0)
        world_now[0].delay = lambda: 30.0
        call.answer()
        await call.over()
        world_now[0].delay = lambda: 0.0

    world_now: list[World] = []

    async def play(world: World) -> None:
        world_now.append(world)
        world.network.phone(CALLER, phone)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    (a,) = world.legs("A")
    assert a["billed_seconds"] == 10
    assert a["ended"] <= a["answered"] + 10
    assert world.session()["outcome"] == "no_credit"
