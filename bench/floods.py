"""What the real server does while its trunk's address is used for a flood (spec section 5,
"Floods").

Three floods, each beside 50 real triggers, and the trunk's OPTIONS once a second: forged INVITEs
whose callers are called back, forged INVITEs whose callers are refused, and BYEs without dialog
with OPTIONS. Everything comes from one address, for one access number with `ring_seconds` = 5.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Connection, func, select
from tests.e2e.ports import free_port, rtp_ports
from tests.e2e.sipp import LOCAL
from tests.e2e.stage import Server

from bench.figures import Table
from bench.flooder import ACCESS, FIRST_REAL, KINDS, REAL, Seen
from bench.plan import Plan
from ringback.store import open_store
from ringback.store.models import SessionRow

TITLES = {
    "invites": "2,000 INVITEs/s, callers accepted",
    "unlisted": "2,000 INVITEs/s, callers refused",
    "others": "700 BYEs/s, 2,000 OPTIONS/s",
}
_MEMORY_EACH = 0.2
"""Seconds between two looks at the memory: each falls into one fifth of the flood."""


@dataclass(frozen=True, slots=True)
class Result:
    """Of one flood."""

    seen: Seen
    memory: list[int]
    """kB as PSS: before, after each fifth of the flood, and after it."""
    lines: int
    """In the log, from the beginning of the flood to its end."""
    of_real: int
    """Those of them that are about sessions of real callers."""
    rows: int
    """Sessions of forged callers that are stored."""
    cpu: float
    """The server's CPU time in the flood, as a share of one core."""
    dropped: int
    """Datagrams that the server's socket had no room for."""
    load: float
    """Of the machine, at the end of the flood."""


async def measure(kind: str, seconds: float) -> Result:
    """Flood a server for so long."""
    with tempfile.TemporaryDirectory(prefix="ringback-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        server, port = Server(folder), free_port()
        _configure(folder, server.port, port, accepted=kind != "unlisted")
        await server.command("apply", str(folder / "setup.yaml"))
        flooder = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.flooder"),
            *(str(server.port), str(port), kind, str(seconds)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            await server.start()
            return await _watch(server, flooder, seconds)
        finally:
            if flooder.returncode is None:
                flooder.kill()
                await flooder.wait()
            await server.stop()


async def _watch(server: Server, flooder: asyncio.subprocess.Process, seconds: float) -> Result:
    assert flooder.stdout is not None and flooder.stdin is not None
    memory = [server.memory_kb()]
    flooder.stdin.write(b"go\n")
    assert (await flooder.stdout.readline()).strip() == b"flood"
    before, used = len(server.log.read_text().splitlines()), server.cpu_seconds()
    for _ in range(round(1 / _MEMORY_EACH)):
        await asyncio.sleep(seconds * _MEMORY_EACH - 0.05)
        memory.append(server.memory_kb())
    assert (await flooder.stdout.readline()).strip() == b"over"
    used, load = server.cpu_seconds() - used, os.getloadavg()[0]
    lines = server.log.read_text().splitlines()[before:]
    seen = Seen(**json.loads(await flooder.stdout.readline()))
    memory.append(server.memory_kb())
    store = open_store(server.url)
    real, rows = await store.read(_rows)
    await store.close()
    return Result(
        seen,
        memory,
        len(lines),
        sum(json.loads(line).get("session") in real for line in lines),
        rows,
        used / seconds,
        _dropped(server.port),
        load,
    )


def _rows(tx: Connection) -> tuple[set[str], int]:
    """The ids of the real callers' sessions, and how many others there are."""
    callers = [f"+{FIRST_REAL + number}" for number in range(REAL)]
    real = set(tx.execute(select(SessionRow.id).where(SessionRow.caller.in_(callers))).scalars())
    count = tx.execute(select(func.count()).select_from(SessionRow)).scalar_one()
    return real, count - len(real)


def _dropped(port: int) -> int:
    """What the kernel dropped at a UDP port of this machine."""
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[1].partition(":")[2], 16) == port:
            return int(words[-1])
    return 0


def _configure(folder: Path, port: int, trunk_port: int, *, accepted: bool) -> None:
    """`accepted`: any caller is called back, as in `caller` mode."""
    (folder / "ringback.toml").write_text(
        f'[server]\ndata_dir = "data"\n[sip]\nlisten = "{LOCAL}:{port}"\n'
        f'rtp_ports = "{rtp_ports()}"\n'
    )
    callback: dict[str, Any] = {"ring_seconds": 5, "attempts": 1, "callback_delay_seconds": 1}
    if accepted:
        callback |= {"return_calls": "caller", "password": "1234"}
    listed = [{"number": f"+{FIRST_REAL + each}", "credit": "unlimited"} for each in range(REAL)]
    extension = {"name": "bench", "account": "acme", "access_numbers": [ACCESS]}
    setup = {
        "accounts": [{"name": "acme", "plan": "retail", "balance": "1000.00", "country": "GB"}],
        "plans": [{"name": "retail", "rates": [{"prefix": "", "price_per_minute": "0.02"}]}],
        "extensions": [{**extension, "callback": callback, "caller_ids": listed}],
        "trunks": [{"name": "flooded", "host": LOCAL, "port": trunk_port}],
        "routes": [{"prefix": "", "trunks": ["flooded"]}],
    }
    (folder / "setup.yaml").write_text(yaml.safe_dump(setup))


async def show(plan: Plan) -> None:
    seconds = plan.flood_seconds
    for kind in KINDS:
        result = await measure(kind, seconds)
        title = f"{TITLES[kind]}, for {seconds:g} s, beside {REAL} real triggers"
        table = Table(title, ("what".ljust(44), "figure"), plan.show)
        for what, figure in _figures(result, seconds):
            table.row((what.ljust(44), figure))


def _figures(result: Result, seconds: float) -> list[tuple[str, str]]:
    seen = result.seen
    answers = ", ".join(f"{status} {count:,}" for status, count in sorted(seen.statuses.items()))
    first, *fifths, last = (f"{kilobytes / 1024:.0f}" for kilobytes in result.memory)
    return [
        ("real triggers called back", f"{seen.called_back} of {REAL}"),
        ("  of these rung before the rejection", str(seen.rang)),
        ("  INVITEs that had to be repeated", str(seen.repeated)),
        ("trunk's OPTIONS answered", f"{seen.options_answered} of {seen.options}"),
        ("  p99", f"{seen.options_p99:.1f} ms"),
        ("forged messages", f"{seen.forged:,}"),
        ("  answers to them", answers),
        ("sessions of forged callers stored", f"{result.rows:,}"),
        ("log lines a second", f"{result.lines / seconds:.1f}"),
        ("  not about real callers", f"{(result.lines - result.of_real) / seconds:.1f}"),
        ("memory before, in MB", first),
        ("  after each fifth of the flood", " ".join(fifths)),
        ("  when all is over", last),
        ("CPU of the server, of one core", f"{100 * result.cpu:.0f} %"),
        ("datagrams that the kernel dropped", f"{result.dropped:,}"),
        ("the flood itself was late by, p99", f"{seen.late_p99:.1f} ms"),
        ("load of the machine at its end", f"{result.load:.2f}"),
    ]
