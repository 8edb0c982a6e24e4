"""The stage of the end-to-end tests: a real server, and for each case its own extension, callerID,
trunks and SIPp processes, so that many cases can play at once."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import random
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Connection, func, select, update
from tests.e2e import sipp
from tests.e2e.log import Events
from tests.e2e.ports import free_port, media_ports, rtp_ports
from tests.e2e.rtp import Rtp
from tests.e2e.sipp import LOCAL, Sipp

from ringback.accounts.secrets import Secrets
from ringback.amounts import ZERO
from ringback.calls.events import Happening
from ringback.cli.phone.phone import Recordings
from ringback.management import places
from ringback.management.actor import command_line
from ringback.management.desk import Desk
from ringback.reports.sessions import MOST, sessions
from ringback.sounds.speech import BUILT_IN
from ringback.store import open_store
from ringback.store.models import AccountRow, LedgerAccountRow, ReservationRow

PIN = "0042"
RATE: dict[str, Any] = {"prefix": "44", "first_block": 5, "first_price": "0.05", "next_block": 1,
        "price_per_minute": "0.60"}  # fmt: skip
AT_ONCE = 8
"""Cases that play at once. Every one costs the machine some ten processes and two or three phones
that listen: with all of them at once, a slow machine hears what was said too late."""
SEEN_SECONDS = 0.25
MEDIA_PORTS = media_ports()
"""SIPp binds ports for sound and picture of its own, which nobody uses here."""


@dataclass(slots=True)
class Case:
    """One play: the setup of its extension, and what happens."""

    name: str
    play: Callable[[Stage], Awaitable[None]]
    callback: dict[str, Any] = field(default_factory=dict)
    caller_id: dict[str, Any] | None = field(default_factory=dict)
    """None: the caller is not listed."""
    credit: str = "5.00"
    others: list[dict[str, Any]] = field(default_factory=list)
    """More callerIDs of the extension."""
    caller: str | None = None
    """What the numbers of its callers begin with; None: it has one, of its own."""
    callee_host: str = LOCAL
    """Where the trunk of the remote party's number is."""


class Stage:
    """What one case plays on."""

    def __init__(self, server: Server, number: int, case: Case) -> None:
        self.server = server
        self.case = case
        self.access = f"+4420718{number:05}"
        self.caller = case.caller or f"+44770090{number:04}"
        self.callee = f"+4420794{number:05}"
        self.phone_trunk, self.callee_trunk = f"phone{number}", f"callee{number}"
        self.caller_port, self.phone_port, self.callee_port = free_port(), free_port(), free_port()
        self._sipps: list[Sipp] = []
        self._rtps: list[Rtp] = []

    def rtp(self) -> Rtp:
        rtp = Rtp(self.server.recordings)
        self._rtps.append(rtp)
        return rtp

    async def run(self, xml: str, port: int, *options: str, remote: bool = False) -> Sipp:
        process = Sipp(self.server.folder, xml, port, "-mp", str(next(MEDIA_PORTS)), *options)
        self._sipps.append(process)
        await process.start(f"{LOCAL}:{self.server.port}" if remote else None)
        return process

    async def phone(self, xml: str, *options: str) -> Sipp:
        """The caller's phone, which the return call rings."""
        phone = await self.run(xml, self.phone_port, *options)
        await self.server.reaches(self.phone_trunk)
        return phone

    async def remote(self, xml: str, *options: str) -> Sipp:
        """The remote party."""
        remote = await self.run(xml, self.callee_port, *options)
        await self.server.reaches(self.callee_trunk)
        return remote

    async def trigger(self, **how: Any) -> None:
        """Ring the access number, and see it go as the scenario says."""
        await self.ring(self.access, how.pop("caller", self.caller), **how)

    async def ring(self, access: str, caller: str, **how: Any) -> None:
        """The same, with any access number."""
        xml = sipp.trigger(access, caller, **how)
        process = await self.run(xml, self.caller_port, remote=True)
        await process.finished()

    async def outcome(self, seconds: float = 60.0, *, number: int = 1) -> dict[str, Any]:
        """The record of the session, once it is closed."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = [
                session
                for session in await self.server.seen()
                if session["access_number"] == self.access and session["outcome"] is not None
            ]
            if len(found) >= number:
                return found[0]
            await asyncio.sleep(SEEN_SECONDS)
        raise AssertionError(f"no session ended: {await self.server.sessions()}")

    async def ends(
        self, outcome: str, where: str, seconds: float = 60.0, *, number: int = 1
    ) -> dict[str, Any]:
        """The record of the session, which must have ended so, in that stage."""
        session = await self.outcome(seconds, number=number)
        assert (session["outcome"], session["stage"]) == (outcome, where), session
        return session

    async def apply(self, document: dict[str, Any]) -> None:
        """On the running server, as its operator does."""
        path = self.server.folder / f"{self.case.name}.yaml"
        path.write_text(yaml.safe_dump(document))
        await self.server.command("apply", str(path))

    async def recharge(self, credit: str) -> None:
        """Change the credit of the caller, once."""
        entry = {"number": self.caller, "credit": credit, "order_number": "2"}
        name, account = self.server.extension_of(self)
        await self.apply(
            {"extensions": [{"name": name, "account": account, "caller_ids": [entry]}]}
        )

    async def suspend(self) -> None:
        """Suspend the extension, as a row: the verb that does it has tests of its own."""
        name, _ = self.server.extension_of(self)
        change = update(AccountRow).where(AccountRow.name == name).values(status="suspended")
        store = open_store(self.server.url)
        try:
            await store.run(lambda tx: tx.execute(change).rowcount)
        finally:
            await store.close()

    async def live(self) -> str:
        """The id of the session that is open."""
        (session,) = [
            session["id"]
            for session in await self.server.sessions()
            if session["access_number"] == self.access and session["outcome"] is None
        ]
        return str(session)

    async def close(self) -> None:
        for process in self._sipps:
            await process.kill()
        for rtp in self._rtps:
            rtp.close()


class Server:
    """`ringback serve` in a process of its own."""

    def __init__(self, folder: Path, database: str | None = None) -> None:
        """`database`: its URL, None for the SQLite file that is the default."""
        self.folder = folder
        self.database = database
        self.port = free_port()
        self.recordings = Recordings([])
        self.stages: list[Stage] = []
        self.log = folder / "server.log"
        self._events = Events(self.log)
        self._seen: tuple[float, list[dict[str, Any]]] = (-math.inf, [])
        self._looking = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return self.database or f"sqlite:///{self.folder / 'data' / 'ringback.sqlite'}"

    def stage(self, case: Case) -> Stage:
        stage = Stage(self, len(self.stages) + 1, case)
        self.stages.append(stage)
        return stage

    def extension_of(self, stage: Stage) -> tuple[str, str]:
        """The names of a stage's extension and of its account."""
        return f"case{self.stages.index(stage)}", "acme"

    async def set_up(self) -> None:
        """Write the configuration and the setup of every stage, and apply it."""
        database = "" if self.database is None else f'[database]\nurl = "{self.database}"\n'
        (self.folder / "ringback.toml").write_text(
            f'[server]\ndata_dir = "data"\n{database}[sip]\nlisten = "{LOCAL}:{self.port}"\n'
            f'rtp_ports = "{rtp_ports()}"\n'
        )
        (self.folder / "bye.wav").write_bytes((BUILT_IN / "demo-credit-ended.wav").read_bytes())
        (self.folder / "setup.yaml").write_text(yaml.safe_dump(self._setup() | self._ways()))
        await self.command("apply", str(self.folder / "setup.yaml"))

    def _ways(self) -> dict[str, Any]:
        """The trunks and routes of every stage."""
        trunks: list[dict[str, Any]] = []
        routes: list[dict[str, Any]] = []
        for stage in self.stages:
            # The remote party can be reached by two trunks, for when one loses everything.
            two = [stage.callee_trunk, f"{stage.callee_trunk}b"]
            for ways, host, port, prefix in (
                ([stage.phone_trunk], LOCAL, stage.phone_port, stage.caller),
                (two, stage.case.callee_host, stage.callee_port, stage.callee),
            ):
                trunks += [
                    {"name": name, "host": host, "port": port, "trust_pai": True} for name in ways
                ]
                routes.append({"prefix": prefix[1:], "trunks": ways})
        return {"trunks": trunks, "routes": routes}

    def _setup(self) -> dict[str, Any]:
        extensions = []
        for stage in self.stages:
            name, account = self.extension_of(stage)
            listed = stage.case.caller_id
            callback: dict[str, Any] = {"ring_seconds": 1, "callback_delay_seconds": 0}
            callback |= {
                name: value.format(stage=stage) if isinstance(value, str) else value
                for name, value in stage.case.callback.items()
            }
            extensions.append(
                {
                    "name": name,
                    "account": account,
                    "access_numbers": [stage.access],
                    "callback": callback,
                    "caller_ids": [
                        {
                            "number": stage.caller,
                            "pin": PIN,
                            "credit": stage.case.credit,
                            "order_number": "1",
                            **entry,
                        }
                        for entry in [*([] if listed is None else [listed]), *stage.case.others]
                    ],
                }
            )
        return {
            "accounts": [
                {"name": "acme", "contact_name": "Acme Travel", "country": "GB", "plan": "retail",
                 "balance": "1000.00"}
            ],
            "plans": [{"name": "retail", "rates": [RATE]}],
            "extensions": extensions,
            "sounds": [{"account": "acme", "path": "/bye.wav", "file": "bye.wav"}],
        }  # fmt: skip

    async def command(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ringback", *arguments),
            *("--config", str(self.folder / "ringback.toml")),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        return output.decode()

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ringback", "serve", "--json"),
                *("--config", str(self.folder / "ringback.toml")),
                stderr=log,
                stdout=log,
                process_group=0,  # not a session: Linux lets one of its own wait for seconds
            )
        await self.logged("taking calls", since=self.log.stat().st_size)

    async def happened(
        self, kind: type[Happening], of: str | None = None, **facts: object
    ) -> dict[str, Any]:
        """Wait until something of a kind has happened, with these facts, in a session if one is
        given."""
        wanted = {"type": kind.type, **facts, **({} if of is None else {"session": of})}
        return await self._told(lambda event: wanted.items() <= event.items(), kind.type)

    async def logged(
        self, words: str, seconds: float = 20.0, since: int = 0, of: str | None = None
    ) -> dict[str, Any]:
        """Wait until the server has told an operator of something that begins so, about a session
        if one is given."""

        def wanted(event: dict[str, Any]) -> bool:
            begins = str(event.get("event", "")).startswith(words)
            return begins and (of is None or event.get("session") == of)

        return await self._told(wanted, words, seconds, since)

    async def _told(
        self,
        wanted: Callable[[dict[str, Any]], bool],
        what: str,
        seconds: float = 20.0,
        since: int = 0,
    ) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for event in self._events.since(since):
                if wanted(event):
                    return event
            await asyncio.sleep(0.02)
        raise AssertionError(f"never told: {what}\n{self.log.read_text()[-3000:]}")

    async def reaches(self, trunk: str, seconds: float = 20.0) -> None:
        """Wait until a trunk is not down, as that of a phone is which has just begun."""
        until = time.monotonic() + seconds
        while self._is_down(trunk):
            assert time.monotonic() < until, f"trunk {trunk} is down"
            await asyncio.sleep(0.05)

    def _is_down(self, trunk: str) -> bool:
        told = [str(event.get("event")) for event in self._events.since(0)]
        about = [words for words in told if words.startswith(f"trunk {trunk} ")]
        return bool(about) and "is down" in about[-1]

    async def sessions(self) -> list[dict[str, Any]]:
        store = open_store(self.url)
        desk = Desk(store, Secrets(bytes(32)), time.time, random.SystemRandom())
        try:
            return await desk.read(
                command_line, lambda act: sessions(act, places.top(act.tx), limit=MOST)
            )
        finally:
            await store.close()

    async def seen(self) -> list[dict[str, Any]]:
        """The sessions as they were `SEEN_SECONDS` ago at most, read once for all who ask: many
        wait for an end, and to read is much work."""
        async with self._looking:
            if time.monotonic() - self._seen[0] > SEEN_SECONDS:
                self._seen = time.monotonic(), await self.sessions()
            return self._seen[1]

    async def left_reserved(self) -> tuple[int, list[Any]]:
        """The reservations that are not settled, and what accounts still hold: nothing, once all
        sessions are closed."""
        store = open_store(self.url)
        try:
            return await store.read(_left_reserved)
        finally:
            await store.close()

    def workers(self) -> list[int]:
        """The process ids of media workers on this machine that belong to this server."""
        assert self._process is not None
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if b"ringback.media.worker" in words and parent in (self._process.pid, 1):
                    found.append(int(entry.name))
        return found

    def process_id(self) -> int:
        assert self._process is not None
        return self._process.pid

    def cpu_seconds(self) -> float:
        """What the server and its workers have used so far."""
        assert self._process is not None
        ticks = 0
        for process in (self._process.pid, *self.workers()):
            fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory_kb(self) -> int:
        """What the server and its workers have in memory: PSS, in kB."""
        assert self._process is not None
        total = 0
        for process in (self._process.pid, *self.workers()):
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        return total

    async def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(30):
                    await process.wait()
            except TimeoutError:
                process.kill()
        return await process.wait()


def _left_reserved(tx: Connection) -> tuple[int, list[Any]]:
    open_ones = tx.execute(
        select(func.count()).where(ReservationRow.settled.is_(False))
    ).scalar_one()
    held = tx.execute(
        select(LedgerAccountRow.reserved).where(LedgerAccountRow.reserved != ZERO)
    ).all()
    return open_ones, list(held)


async def play_all(
    folder: Path, cases: Sequence[Case], server: Server | None = None
) -> dict[str, BaseException | None]:
    """Play every case on one server, `AT_ONCE` at a time; what went wrong with each."""
    server = server or Server(folder)
    stages = [server.stage(case) for case in cases]
    await server.set_up()
    await server.start()
    places = asyncio.Semaphore(AT_ONCE)

    async def play(stage: Stage) -> None:
        async with places:
            try:
                await stage.case.play(stage)
            finally:
                await stage.close()

    try:
        results = await asyncio.gather(*map(play, stages), return_exceptions=True)
    finally:
        status = await server.stop()
    assert status == 0, server.log.read_text()[-3000:]
    return {case.name: result for case, result in zip(cases, results, strict=True)}
