"""The database of a real server takes nothing for a while, with calls on top: another process keeps
it locked, the disk is full, the disk fails. What was promised is done afterwards, once."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from tests.e2e import sipp
from tests.e2e.rtp import Rtp
from tests.e2e.sipp import Sipp
from tests.e2e.stage import Case, Server, Stage

from ringback.calls.events import Talking

Outage = Callable[[Server], AbstractAsyncContextManager[None]]


@contextlib.asynccontextmanager
async def locked(server: Server) -> AsyncIterator[None]:
    other = sqlite3.connect(server.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextlib.asynccontextmanager
async def full(server: Server) -> AsyncIterator[None]:
    """Its data directory is a small disk of its own: see `small_disk`."""
    filler = server.folder / "data" / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    try:
        yield
    finally:
        filler.unlink()


@contextlib.asynccontextmanager
async def failing(server: Server) -> AsyncIterator[None]:
    """Every write to a file fails with EFBIG, those of the log too."""
    process = server.process_id()
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of 16 MB in a folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can be mounted by root only")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def _talk(stage: Stage) -> tuple[Rtp, Sipp, Sipp]:
    """A conversation: the caller's ear, the caller's phone, and the remote party."""
    rtp, far = stage.rtp(), stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port))
    remote = await stage.remote(sipp.callee(far.port))
    await stage.trigger()
    await rtp.hears("Press 1")
    rtp.press("1")
    await rtp.hears("Dial the number")
    rtp.press(f"0{stage.callee[3:]}#")
    await stage.server.happened(Talking, of=await stage.live())
    return rtp, phone, remote


async def _play(server: Server, outage: Outage, told: str | None) -> None:
    talks, leaves, waits, rings = server.stages
    (rtp, _, remote), (leaving, left_phone, left_remote) = await asyncio.gather(
        _talk(talks), _talk(leaves)
    )
    await rings.phone(sipp.callee(rings.rtp().port, hangs_up_after=0.5))
    waiting = await waits.phone(sipp.callee(waits.rtp().port, hangs_up_after=0.5))
    await waits.trigger()
    request, live = await waits.live(), await leaves.live()
    async with outage(server):
        if told is not None:
            await server.logged("nothing can be written")
            assert told in (await server.logged("nothing can be written"))["event"]
        leaving.press("**")
        await left_remote.finished(20)
        await left_phone.finished(30)  # what needs the database at once is ended
        await rings.trigger(final=503)
        if told is not None:
            await server.logged("trigger refused with 503")
            await server.logged("return call put off", of=request)
            await server.logged("the end of the session not written yet", of=live)
        assert await leaves.live() == live, "nothing can have been written"
    await server.logged("the database takes what is written again")
    await waiting.finished(60)
    await rings.trigger()
    rtp.press("**")
    await remote.finished(20)
    await rtp.hears("Dial the number")
    for stage, outcome, legs in (
        (talks, "completed", 2),
        (leaves, "interrupted", 2),
        (waits, "hung_up", 1),
        (rings, "hung_up", 1),
    ):
        session = await stage.outcome(60)
        assert session["outcome"] == outcome, (stage.case.name, session)
        assert len(session["legs"]) == legs, session
        for leg in session["legs"]:
            charged = [charge["level"] for charge in leg["charges"]]
            assert charged == ["caller_id", "organization"], (stage.case.name, leg)
    assert len(await server.sessions()) == len(server.stages)


async def _run(folder: Path, outage: Outage, told: str | None) -> None:
    server = Server(folder)
    for name, delay in (("talks", 0), ("leaves", 0), ("waits", 6), ("rings", 0)):
        server.stage(
            Case(
                name,
                lambda stage: asyncio.sleep(0),
                {"announce_duration": False, "callback_delay_seconds": delay,
                 "dial_within_seconds": 5},
            )
        )  # fmt: skip
    await server.set_up()
    await server.start()
    try:
        await _play(server, outage, told)
    finally:
        for stage in server.stages:
            await stage.close()
        status = await server.stop()
    assert status == 0, server.log.read_text()[-3000:]
    assert await server.left_reserved() == (0, [])


def test_locked(tmp_path: Path) -> None:
    asyncio.run(_run(tmp_path, locked, "another process has kept it locked"))


def test_full(tmp_path: Path) -> None:
    with small_disk(tmp_path / "data"):
        asyncio.run(_run(tmp_path, full, "the disk is full"))


def test_failing(tmp_path: Path) -> None:
    asyncio.run(_run(tmp_path, failing, None))
