"""A stored row that cannot be read never stops a start: it is settled and told of, its call ended
as far as possible, and what lies beside it is in order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.calls.test_session import accepts, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.engines.simulated import FarCall
from ringback.store.models import SessionRow
from ringback.telephony.port import Cause

OTHER = "+447700900124"

ANY = ("talking", "ringing", "waiting")
OPEN = ("talking", "ringing")
DAMAGE: list[tuple[tuple[str, ...], str, str, object]] = [
    *[
        (OPEN, "legs", "saved", value)
        for value in ("", "{", "[]", '{"engine": "asterisk"}', b"\xff\xfe")
    ],
    (OPEN, "legs", "answered", "soon"),
    (OPEN, "legs", "ringing", "soon"),
    (ANY, "legs", "trunk", "\ufffd"),
    (ANY, "legs", "e164", ""),
    (ANY, "legs", "ending", "??"),
    (ANY, "sessions", "stage", "??"),
    (ANY, "sessions", "due", "soon"),
    (ANY, "sessions", "rejection", "{"),
    (ANY, "sessions", "attempts", "many"),
    (ANY, "sessions", "caller_name", "\x00"),
    (OPEN, "reservations", "rate", "{}"),
]


async def talks(call: FarCall) -> None:
    await accepts(call)
    call.press("02079460000#")


async def rings(call: FarCall) -> None:
    call.ring()


async def is_busy(call: FarCall) -> None:
    call.reject(Cause.BUSY)


SCENES = {"talking": talks, "ringing": rings, "waiting": is_busy}


async def scene(world: World, what: str) -> None:
    """Two sessions at the same stage."""
    for number in (CALLER, OTHER):
        world.network.phone(number, SCENES[what])
    world.network.phone(CALLEE, talker)
    listed = [
        {"number": number, "credit": "5.00", "order_number": "1"} for number in (CALLER, OTHER)
    ]
    await world.setup(
        {"attempts": 3, "retry_after_seconds": 600, "answer_timeout_seconds": 60}, caller_ids=listed
    )
    for number in (CALLER, OTHER):
        world.network.ring(ACCESS, number)
    await world.sleep(35.0)


async def damage(world: World, table: str, column: str, value: object) -> None:
    """The rows of the first session, before the next start."""
    world.die()
    where = {
        "legs": "session_id = :session",
        "sessions": "id = :session",
        "reservations": "leg_id IN (SELECT id FROM legs WHERE session_id = :session)",
    }[table]
    (session,) = (row["id"] for row in world.rows(SessionRow) if row["caller"] == CALLER)
    statement = text(f"UPDATE {table} SET {column} = :value WHERE {where}")
    await world.store.run(
        lambda tx: tx.execute(statement, {"value": value, "session": session}).rowcount
    )
    await world.restart()


@pytest.mark.parametrize(
    ("what", "table", "column", "value"),
    [(what, *damage) for scenes, *damage in DAMAGE for what in scenes],
)
def test_a_damaged_row_never_stops_a_start(
    tmp_path: Path, what: str, table: str, column: str, value: object
) -> None:
    async def play(world: World) -> None:
        await scene(world, what)
        await damage(world, table, column, value)
        await world.sleep(60.0)
        world.network.phone(OTHER, rings)
        for call in world.network.live():
            if column == "saved":  # there is nothing to end it by
                call.hang_up() if call.answered is not None else call.vanish()

    world = in_world(tmp_path, play)  # which sees that everything is settled and closed
    first, second = _outcomes(world)
    whole = in_world(tmp_path / "whole", lambda world: _undamaged(world, what))
    assert second == _outcomes(whole)[1], "what is beside it is as it would have been"
    assert first in (second, "interrupted", "failed")
    ended = [call.ended_by_server for call in world.calls(CALLER) if call.answered is not None]
    assert all(ended) or column == "saved"


async def _undamaged(world: World, what: str) -> None:
    await scene(world, what)
    await world.crash_and_restart()
    await world.sleep(60.0)
    world.network.phone(OTHER, rings)


def _outcomes(world: World) -> tuple[Any, Any]:
    by_caller = {row["caller"]: row["outcome"] for row in world.rows_of_sessions()}
    return by_caller[CALLER], by_caller[OTHER]


@pytest.mark.parametrize(
    ("what", "table", "column", "value"),
    [
        ("talking", "legs", "answered", "soon"),
        ("talking", "reservations", "rate", "{}"),
        ("waiting", "sessions", "due", "soon"),
        ("waiting", "legs", "ending", "??"),
        ("ringing", "sessions", "guarded", "["),
    ],
)
def test_it_is_told_of(tmp_path: Path, what: str, table: str, column: str, value: object) -> None:
    async def play(world: World) -> None:
        await scene(world, what)
        await damage(world, table, column, value)
        (told,) = (why for why in world.journal.troubles if "cannot be read" in why)
        assert told.endswith("it is closed")
        assert _outcomes(world)[0] == "interrupted"

    in_world(tmp_path, play, check=False)
