"""kill -9 of the real server at each point of a session, and what becomes of it after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.e2e import sipp
from tests.e2e.stage import PIN, Case, Server, Stage
from tests.postgresql import Cluster

Point = Callable[[Stage], Awaitable[dict[str, Any]]]


def alive(processes: list[int]) -> list[int]:
    """Those that still run."""
    return [number for number in processes if Path(f"/proc/{number}").exists()]


async def _restart(stage: Stage) -> None:
    """Kill the server, see that no media worker outlives it, and start it again."""
    server = stage.server
    workers = server.workers()
    assert workers
    await server.kill()
    for _ in range(100):
        if not alive(workers):
            break
        await asyncio.sleep(0.02)
    else:
        raise AssertionError("a media worker outlived the server")
    await server.start()


async def trigger_ringing(stage: Stage) -> dict[str, Any]:
    """Nothing was promised yet, and nothing is done."""
    ring = await stage.run(sipp.trigger(stage.access, stage.caller), stage.caller_port, remote=True)
    await stage.server.logged("trigger")
    await _restart(stage)
    await asyncio.sleep(2.0)
    await ring.kill()
    assert await stage.server.sessions() == []
    return {}


async def request_stored(stage: Stage) -> dict[str, Any]:
    """The return call that was promised is made, once."""
    rtp = stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port, hangs_up_after=0.5))
    await stage.trigger()
    await stage.server.logged("accepted")
    await _restart(stage)
    await phone.finished(30)
    return {"outcome": "hung_up", "legs": 1}


async def leg_a_ringing(stage: Stage) -> dict[str, Any]:
    """The attempt gets its CANCEL, counts as a network fault, and is not made again at once."""
    phone = await stage.phone(sipp.never_answers())
    await stage.trigger()
    await stage.server.logged("rings")
    await _restart(stage)
    await phone.finished(30)
    return {"outcome": "failed", "legs": 1}


async def pin_being_typed(stage: Stage) -> dict[str, Any]:
    """The leg gets its BYE and is charged up to the last sign of life."""
    rtp = stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port))
    await stage.trigger()
    await rtp.hears("Please enter your PIN")
    rtp.press("00")
    await asyncio.sleep(0.3)
    await _restart(stage)
    await phone.finished(30)
    return {"outcome": "interrupted", "legs": 1}


async def _dial(stage: Stage, remote: str) -> tuple[sipp.Sipp, sipp.Sipp]:
    rtp = stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port))
    far = await stage.remote(remote)
    await stage.trigger()
    await rtp.hears("Please enter your PIN")
    rtp.press(f"{PIN}#")
    await rtp.hears("Dial the number")
    rtp.press(f"0{stage.callee[3:]}#")
    return phone, far


async def leg_b_ringing(stage: Stage) -> dict[str, Any]:
    phone, far = await _dial(stage, sipp.never_answers())
    await stage.server.logged("outgoing call dialled")
    await asyncio.sleep(0.5)
    await _restart(stage)
    await far.finished(30)
    await phone.finished(30)
    return {"outcome": "interrupted", "legs": 2}


async def conversation(stage: Stage) -> dict[str, Any]:
    phone, far = await _dial(stage, sipp.callee(stage.rtp().port))
    await stage.server.logged("conversation")
    await asyncio.sleep(1.5)
    await _restart(stage)
    await far.finished(30)
    await phone.finished(30)
    return {"outcome": "interrupted", "legs": 2}


async def settling(stage: Stage) -> dict[str, Any]:
    """The remote party has just hung up: whatever was written is whole."""
    phone, far = await _dial(stage, sipp.callee(stage.rtp().port, hangs_up_after=1.0))
    await far.finished(30)
    await _restart(stage)
    await phone.finished(30)
    return {"outcome": "interrupted", "legs": 2}


POINTS: list[Point] = [
    trigger_ringing,
    request_stored,
    leg_a_ringing,
    pin_being_typed,
    leg_b_ringing,
    conversation,
    settling,
]


async def _crash_at(folder: Path, point: Point, database: str | None = None) -> Server:
    server = Server(folder, database)
    stage = server.stage(
        Case(
            "crash",
            point,  # type: ignore[arg-type]
            {"require_caller_pin": True, "attempts": 1, "ring_seconds": 1,
             "announce_duration": False},
        )
    )  # fmt: skip
    await server.set_up()
    await server.start()
    try:
        expected = await point(stage)
        if expected:
            session = await stage.outcome(30)
            assert session["outcome"] == expected["outcome"], session
            assert len(session["legs"]) == expected["legs"], session
            for leg in session["legs"]:
                assert leg["ended"] is not None
                payers = [charge["level"] for charge in leg["charges"]]
                paid = ["caller_id", "organization"] if leg["answered"] else []
                assert payers == paid, leg
    finally:
        await stage.close()
        await server.stop()
    assert await server.left_reserved() == (0, [])
    return server


@pytest.mark.parametrize("point", POINTS, ids=lambda point: str(point.__name__))
def test_kill_9(tmp_path: Path, point: Point) -> None:
    asyncio.run(_crash_at(tmp_path, point))


def test_kill_9_on_postgresql(tmp_path: Path, cluster: Cluster) -> None:
    """The server that was killed gives way to the next; the commands work on it, too."""

    async def scenario() -> None:
        server = await _crash_at(tmp_path, settling, url)
        assert "interrupted" in await server.command("sessions")
        assert "the database can be used" in await server.command("doctor")

    url = cluster.empty()
    asyncio.run(scenario())
    assert not list(tmp_path.rglob("*.sqlite*"))
    cluster.drop(url)
