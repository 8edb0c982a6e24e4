"""kill -9 of the real server at each point of a session, and what becomes of it after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select
from tests.e2e import sipp
from tests.e2e.cases import chosen
from tests.e2e.sipp import LOCAL
from tests.e2e.stage import PIN, Case, Server, Stage
from tests.postgresql import Cluster

from ringback.calls.events import OutgoingDialled, Rang, Talking, Triggered
from ringback.store import open_store
from ringback.store.models import SessionRow


@dataclass(frozen=True, slots=True)
class After:
    """What must have become of the session; where there is none, nothing was promised."""

    outcome: str
    killed: float
    """Unix time."""
    answered: tuple[bool, ...]
    """Of each of its legs."""


Point = Callable[[Stage], Awaitable[After | None]]


def alive(processes: list[int]) -> list[int]:
    """Those that still run."""
    return [number for number in processes if Path(f"/proc/{number}").exists()]


async def _kill(server: Server) -> float:
    """Kill the server, and see that no media worker outlives it; returns when."""
    workers = server.workers()
    assert workers
    killed = time.time()
    await server.kill()
    await _gone(workers)
    return killed


async def _gone(workers: list[int]) -> None:
    for _ in range(100):
        if not alive(workers):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("a media worker outlived the server")


async def _restart(stage: Stage) -> float:
    killed = await _kill(stage.server)
    await stage.server.start()
    return killed


async def trigger_ringing(stage: Stage) -> None:
    """Nothing was promised yet, and nothing is done."""
    ring = await stage.run(sipp.trigger(stage.access, stage.caller), stage.caller_port, remote=True)
    await stage.server.happened(Triggered)
    await _restart(stage)
    await asyncio.sleep(2.0)
    await ring.kill()
    assert await stage.server.sessions() == []


async def request_stored(stage: Stage) -> After:
    """The return call that was promised is made, once."""
    phone = await stage.phone(sipp.callee(stage.rtp().port, hangs_up_after=0.5))
    await stage.trigger()
    for _ in range(250):
        if await _due(stage.server) is not None:
            break
        await asyncio.sleep(0.02)
    killed = await _kill(stage.server)
    (request,) = await stage.server.sessions()
    assert (request["outcome"], request["legs"]) == (None, []), "it was killed too late"
    await stage.server.start()
    await phone.finished(30)
    return After("hung_up", killed, (True,))


async def _due(server: Server) -> float | None:
    """When the return call is due, once its trigger is proven."""
    store = open_store(server.url)
    try:
        return await store.read(lambda tx: tx.execute(select(SessionRow.due)).scalar())
    finally:
        await store.close()


async def request_stored_source_unproven(stage: Stage) -> After:
    """The rejection is sent again, and only its ACK brings about the return call."""
    phone = await stage.phone(sipp.callee(stage.rtp().port, hangs_up_after=0.5))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.setblocking(False)
        caller.bind((LOCAL, stage.caller_port))
        caller.connect((LOCAL, stage.server.port))
        caller.send(_request(stage, "INVITE", stage.access))
        await _response(caller, 486)
        killed = await _restart(stage)
        rejection = await _response(caller, 486)
        assert (await stage.server.sessions())[0]["legs"] == []
        tag = rejection.partition("\r\nTo: ")[2].partition(";tag=")[2].partition("\r\n")[0]
        caller.send(_request(stage, "ACK", stage.access, f";tag={tag}"))
        await phone.finished(30)
    return After("hung_up", killed, (True,))


def _request(stage: Stage, method: str, called: str, tag: str = "") -> bytes:
    lines = (
        f"{method} sip:{called}@{LOCAL} SIP/2.0",
        f"Via: SIP/2.0/UDP {LOCAL}:{stage.caller_port};branch=z9hG4bK-by-hand",
        f"From: <sip:{stage.caller}@{LOCAL}>;tag=caller",
        f"To: <sip:{called}@{LOCAL}>{tag}",
        "Call-ID: by-hand",
        f"CSeq: 1 {method}",
        f"Contact: <sip:{stage.caller}@{LOCAL}:{stage.caller_port}>",
        "Max-Forwards: 70",
        "Content-Length: 0",
    )
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


async def _response(caller: socket.socket, status: int) -> str:
    """The next one with this status."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(ConnectionRefusedError):  # nobody listens for the moment
                text = (await loop.sock_recv(caller, 65536)).decode()
                if text.startswith(f"SIP/2.0 {status} "):
                    return text


async def leg_a_ringing(stage: Stage) -> After:
    """The attempt gets its CANCEL, counts as a network fault, and the next one is made when the
    retry rule says so."""
    phone = await stage.phone(sipp.never_answers())
    await stage.trigger()
    await stage.server.happened(Rang)
    killed = await _restart(stage)
    await phone.finished(30)
    await phone.kill()
    phone = await stage.phone(sipp.callee(stage.rtp().port, hangs_up_after=0.5))
    await phone.finished(30)
    return After("hung_up", killed, (False, True))


async def pin_being_typed(stage: Stage) -> After:
    """The leg gets its BYE and is charged up to the last sign of life."""
    rtp = stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port))
    await stage.trigger()
    await rtp.hears("Please enter your PIN")
    rtp.press("00")
    await asyncio.sleep(0.3)
    killed = await _restart(stage)
    await phone.finished(30)
    return After("interrupted", killed, (True,))


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


async def leg_b_ringing(stage: Stage) -> After:
    phone, far = await _dial(stage, sipp.never_answers())
    await stage.server.happened(OutgoingDialled)
    await stage.server.happened(Rang, leg="B")
    killed = await _restart(stage)
    await far.finished(30)
    await phone.finished(30)
    return After("interrupted", killed, (True, False))


async def conversation(stage: Stage) -> After:
    phone, far = await _dial(stage, sipp.callee(stage.rtp().port))
    await stage.server.happened(Talking)
    await asyncio.sleep(1.5)
    killed = await _restart(stage)
    await far.finished(30)
    await phone.finished(30)
    return After("interrupted", killed, (True, True))


async def settling(stage: Stage) -> After:
    """The remote party has hung up, and what its leg cost is just about to be written."""
    server = stage.server
    phone, far = await _dial(stage, sipp.callee(stage.rtp().port, hangs_up_after=2.0))
    await server.happened(Talking)
    with _nothing_is_written(server.url):
        await far.finished(30)
        killed = await _kill(server)
    reservations, _ = await server.left_reserved()
    assert reservations == 4, "both legs, with both who pay"
    await server.start()
    await phone.finished(30)
    return After("interrupted", killed, (True, True))


@contextlib.contextmanager
def _nothing_is_written(url: str) -> Iterator[None]:
    """Somebody else keeps the reservations locked."""
    with contextlib.ExitStack() as stack:
        if url.startswith("sqlite"):
            path = url.removeprefix("sqlite:///")
            other = sqlite3.connect(path, isolation_level=None)
            stack.callback(other.close)  # which rolls back
            other.execute("BEGIN IMMEDIATE")
        else:
            connection = stack.enter_context(psycopg.connect(url))
            connection.execute("LOCK TABLE reservations IN EXCLUSIVE MODE")
        yield


POINTS: dict[Point, dict[str, Any]] = {
    trigger_ringing: {},
    request_stored: {"callback_delay_seconds": 5},
    request_stored_source_unproven: {},
    leg_a_ringing: {"attempts": 2, "retry_after_seconds": 5},
    pin_being_typed: {},
    leg_b_ringing: {},
    conversation: {},
    settling: {},
}
"""With what the setup is to have besides."""


async def _crash_at(folder: Path, point: Point, database: str | None = None) -> Server:
    server = Server(folder, database)
    setup = {"require_caller_pin": True, "attempts": 1, "announce_duration": False, **POINTS[point]}
    stage = server.stage(Case("crash", _by_itself, setup))
    await server.set_up()
    await server.start()
    try:
        expected = await point(stage)
        if expected is not None:
            await _check(stage, expected)
    finally:
        await stage.close()
        workers = server.workers()
        await server.stop()
    assert await server.left_reserved() == (0, [])
    await _gone(workers)
    return server


async def _by_itself(stage: Stage) -> None:
    """The stage is played by the test."""


async def _check(stage: Stage, expected: After) -> None:
    session = await stage.outcome(30)
    assert session["outcome"] == expected.outcome, session
    assert len(await stage.server.sessions()) == 1
    answered = [leg["answered"] is not None for leg in session["legs"]]
    assert answered == list(expected.answered), session
    for leg in session["legs"]:
        payers = [charge["level"] for charge in leg["charges"]]
        assert payers == (["caller_id", "organization"] if leg["answered"] else []), leg
        if leg["answered"] and expected.outcome == "interrupted":
            # Up to the last sign of life, and not to when the server was there again.
            ended = datetime.fromisoformat(leg["ended"]).timestamp()
            assert ended <= expected.killed + 0.1, leg


async def _crash_at_all(folder: Path, points: Sequence[Point]) -> dict[str, BaseException | None]:
    """Three at a time, each with a server of its own: they wait for the most part."""
    turns = asyncio.Semaphore(3)

    async def crash(point: Point) -> None:
        async with turns:
            place = folder / point.__name__
            place.mkdir()
            await _crash_at(place, point)

    results = await asyncio.gather(*map(crash, points), return_exceptions=True)
    names = (point.__name__ for point in points)
    return {
        name: result if isinstance(result, BaseException) else None
        for name, result in zip(names, results, strict=True)
    }


@pytest.fixture(scope="module")
def results(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, BaseException | None]:
    points = [point for point in POINTS if chosen(point.__name__, request)]
    return asyncio.run(_crash_at_all(tmp_path_factory.mktemp("crash"), points))


@pytest.mark.parametrize("name", [point.__name__ for point in POINTS])
def test_kill_9(name: str, results: dict[str, BaseException | None]) -> None:
    failure = results[name]
    if failure is not None:
        raise failure


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
