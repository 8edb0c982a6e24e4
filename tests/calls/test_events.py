"""What happened in sessions, as it is kept: each event once, in its order, and no secret in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.calls.test_session import accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, PIN, World, in_world

from ringback.calls.events import Authenticated, ReturnAnswered, SessionEnded, Talking, Triggered
from ringback.engines.simulated import FarCall
from ringback.store.models import EventRow

PASSWORD = "918273"


def kept(world: World, session: str) -> list[dict[str, object]]:
    rows = [row for row in world.rows(EventRow) if row["session_id"] == session]
    return sorted(rows, key=lambda row: row["ordinal"])


async def knows_everything(call: FarCall) -> None:
    call.answer()
    await call.hears("Please enter your password")
    call.press(f"{PASSWORD}#")
    await call.hears("Please enter your PIN")
    call.press(f"{PIN}#")
    await call.hears("Dial the number")
    call.press("02079460000#")
    await call.sleep(30.0)
    call.press("5551#")
    call.hang_up()


def test_what_was_told_is_kept_in_order(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, knows_everything)
        world.network.phone(CALLEE, talker)
        await world.setup({"password": PASSWORD, "require_caller_pin": True})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    session = world.session()["id"]
    told = [event for event in world.journal.events if event.session == session]
    rows = kept(world, session)
    assert [row["type"] for row in rows] == [event.happening.type for event in told]
    assert [row["at"] for row in rows] == pytest.approx([event.at for event in told], abs=1e-5)
    assert [row["ordinal"] for row in rows] == list(range(len(rows)))
    for kind in (Triggered, ReturnAnswered, Authenticated, Talking, SessionEnded):
        assert [row["type"] for row in rows].count(kind.type) == 1
    text = json.dumps([row["data"] for row in rows])
    assert PASSWORD not in text and f'"{PIN}' not in text and "5551" not in text


def test_events_are_kept_once_over_deaths_and_commits_in_doubt(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"attempts": 3, "retry_after_seconds": 5})
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        await world.crash_and_restart()

    world = in_world(tmp_path, play)
    rows = kept(world, world.session()["id"])
    assert [row["ordinal"] for row in rows] == list(range(len(rows)))
    assert rows[-1]["type"] == SessionEnded.type
    assert rows[-1]["data"]["outcome"] == "interrupted"  # type: ignore[index]


def test_a_refusal_that_is_only_counted_keeps_no_event(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await world.setup({"ring_seconds": 0})
        for _ in range(15):
            world.network.ring(ACCESS, "+447700999999")
            await world.sleep(1.0)

    world = in_world(tmp_path, play)
    sessions = {row["id"] for row in world.rows_of_sessions()}
    assert len(sessions) == 10
    assert {row["session_id"] for row in world.rows(EventRow)} == sessions
