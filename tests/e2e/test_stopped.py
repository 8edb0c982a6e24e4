"""A real server is stopped for 90 s, with calls on it: nobody pays for what he did not have."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from tests.e2e import sipp
from tests.e2e.stage import Case, Server, Stage

from ringback.calls.events import Talking

STOPPED_SECONDS = 90.0
LEAVES_AFTER_SECONDS = 20.0


async def _talk(stage: Stage, *, hangs_up_after: float | None) -> None:
    rtp, far = stage.rtp(), stage.rtp()
    await stage.phone(sipp.callee(rtp.port))
    await stage.remote(sipp.callee(far.port, hangs_up_after=hangs_up_after))
    await stage.trigger()
    await rtp.hears("Dial the number")
    rtp.press(f"0{stage.callee[3:]}#")
    await stage.server.happened(Talking, of=await stage.live())


async def _run(folder: Path) -> None:
    server = Server(folder)
    for name in ("stays", "leaves"):
        server.stage(
            Case(
                name,
                lambda stage: asyncio.sleep(0),
                {"announce_duration": False, "accept_prompt": "never", "dial_within_seconds": 5,
                 "warn_before_end_seconds": 2},
            )
        )  # fmt: skip
    await server.set_up()
    await server.start()
    try:
        stays, leaves = server.stages
        await asyncio.gather(
            _talk(stays, hangs_up_after=None),
            _talk(leaves, hangs_up_after=LEAVES_AFTER_SECONDS),
        )
        await asyncio.sleep(2.0)  # the first slice is reserved
        os.kill(server.process_id(), signal.SIGSTOP)
        await asyncio.sleep(STOPPED_SECONDS)
        os.kill(server.process_id(), signal.SIGCONT)
        billed = {}
        for stage in server.stages:
            session = await stage.outcome(60)
            for leg in session["legs"]:
                billed[stage.case.name, leg["leg"]] = leg["billed_seconds"]
    finally:
        for stage in server.stages:
            await stage.close()
        status = await server.stop()
    assert status == 0, server.log.read_text()[-3000:]
    # The first block of 5 s and a slice of 60 s were reserved when it was stopped.
    assert 60 <= billed["stays", "B"] <= 65, billed
    assert LEAVES_AFTER_SECONDS <= billed["leaves", "B"] <= LEAVES_AFTER_SECONDS + 2, billed
    assert max(billed.values()) < STOPPED_SECONDS, billed
    assert await server.left_reserved() == (0, [])


def test_stopped(tmp_path: Path) -> None:
    asyncio.run(_run(tmp_path))
