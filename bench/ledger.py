"""Ledger transactions a second, over many balances and over one hot balance, beside pgbench.

A reserve is one transaction, and so is a post. pgbench does the same statements in the same two
transactions, prepared, over 16 connections, on the same server; everything is synced to disk.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from sqlalchemy import Connection
from tests.charging import helpers
from tests.postgresql import Cluster, program

from bench.figures import Delays, Table, middle
from bench.plan import Plan
from ringback.calls.records import NewLeg, NewSession, insert_leg, insert_session
from ringback.charging import ledger
from ringback.charging.holds import Hold, Post
from ringback.charging.rating import charge
from ringback.store import Store, migrate, open_store
from ringback.telephony.calling import HIDDEN

MANY = 1000
TASKS = 64
"""Calls that reserve or settle at the same time."""
CONNECTIONS = 16
"""The connections of pgbench."""
TARIFF = helpers.rate()
SYNCED = ("shared_buffers=128MB",)
DISK = "/var/tmp"
"""/tmp may be in memory, where nothing needs to be synced."""

_SCRIPT = """\
\\set balance random(1, {balances})
\\set number random(1, 9000000000000000000)
BEGIN;
INSERT INTO sessions (id, stage, started, proven, attempts, repeated)
    VALUES ('session of ' || {leg}, 'trigger', 1, true, 0, 0);
INSERT INTO legs (id, session_id, leg, received, e164, dialled, trunk, started, saved)
    VALUES ({leg}, 'session of ' || {leg}, 'A', '+1', '+1', '+1', 'phones', 1, '');
SELECT id, amount, free, free_blocks, settled FROM reservations
    WHERE id IN ({leg} || '/' || {ledger}) ORDER BY id FOR UPDATE;
UPDATE ledger_accounts SET reserved = reserved + 20000
    WHERE id = {ledger} AND NOT unlimited AND balance + credit_limit - reserved >= 20000;
INSERT INTO reservations (id, ledger_id, leg_id, payer, amount, free, free_first, free_blocks,
        settled, rate)
    VALUES ({leg} || '/' || {ledger}, {ledger}, {leg}, 'x', 20000, 0, false, 0, false, '{rate}');
COMMIT;
BEGIN;
UPDATE reservations SET settled = true WHERE id = {leg} || '/' || {ledger} AND NOT settled
    RETURNING amount, free, free_first, free_blocks, allowance_id, rate, below_id;
UPDATE ledger_accounts SET balance = balance - 20000, reserved = reserved - 20000
    WHERE id = {ledger} RETURNING balance;
INSERT INTO ledger_entries (ledger_id, step, kind, amount, price, balance_after, at, explanation)
    VALUES ({ledger}, {leg} || '/' || {ledger}, 'call', -20000, 20000, 0, 1, 'x');
INSERT INTO charges (leg_id, ledger_id, payer, amount, explanation)
    VALUES ({leg}, {ledger}, 'x', 20000, 'x');
COMMIT;
"""
_LEG = "(:client_id::text || '-' || :number::text)"
_LEDGER = "('ledger-' || :balance::text)"


@dataclass(frozen=True, slots=True)
class Result:
    who: str
    balances: int
    each_second: float
    delays: Delays | None
    """The delay of one transaction; pgbench only reports that of both."""
    both: Delays
    """The delay of a reserve and its post together."""

    def badness(self) -> tuple[float, ...]:
        return (-self.each_second,)

    def cells(self) -> tuple[str, ...]:
        delays = ("" if each is None else f"{each.percentile(99):.1f} ms"
                  for each in (self.delays, self.both))  # fmt: skip
        return (self.who, str(self.balances), f"{self.each_second:.0f}", *delays)


def _world(tx: Connection) -> None:
    helpers.account(tx, "admin", level="administrator")
    helpers.extension(tx, "e", "admin")
    for number in range(1, MANY + 1):
        ledger.open_account(tx, f"ledger-{number}", helpers.NOW, balance=Decimal(10**9))


async def _ours(who: str, url: str, balances: int, seconds: float) -> Result:
    store = open_store(url)
    delays, both, done = Delays(), Delays(), 0
    until = time.perf_counter() + seconds

    async def task(number: int) -> None:
        nonlocal done
        chance = random.Random(number)
        calls = 0
        while time.perf_counter() < until:
            calls += 1
            leg, on = f"{time.time_ns()}-{number}-{calls}", f"ledger-{chance.randint(1, balances)}"
            first = time.perf_counter()
            for work in (_reserving(leg, on), _posting(leg, on)):
                begun = time.perf_counter()
                await store.run(work)
                delays.add((time.perf_counter() - begun) * 1000)
                done += 1
            both.add((time.perf_counter() - first) * 1000)

    begun = time.perf_counter()
    await asyncio.gather(*(task(number) for number in range(TASKS)))
    took = time.perf_counter() - begun
    await store.close()
    return Result(who, balances, done / took, delays, both)


_NUMBER = "+1"


def _reserving(leg: str, on: str) -> helpers.Work[None]:
    session = NewSession(
        id=f"session of {leg}", extension_id="e", access_number=None, calling=HIDDEN,
        caller_name=None, caller_id=None, return_number=None, destination=None,
        started=helpers.NOW, proven=True,
    )  # fmt: skip
    dialled = NewLeg(
        id=leg, session_id=session.id, leg="A", received=_NUMBER, e164=_NUMBER, dialled=_NUMBER,
        trunk="phones", started=helpers.NOW, saved="",
    )  # fmt: skip

    def work(tx: Connection) -> None:
        insert_session(tx, session)
        insert_leg(tx, dialled)
        ledger.reserve(tx, [Hold(leg, on, "x", TARIFF.price(0), TARIFF)])

    return work


def _posting(leg: str, on: str) -> helpers.Work[None]:
    charged = charge(TARIFF, 0)
    post = Post(leg, on, "x", True, charged.amount, charged.billed_seconds, charged.explanation)

    def work(tx: Connection) -> None:
        ledger.settle(tx, [post], helpers.NOW)

    return work


def _pgbench(folder: Path, cluster: Cluster, url: str, balances: int, seconds: float) -> Result:
    script, log = folder / "ledger.sql", folder / "pgbench"
    rate = json.dumps(TARIFF.as_json())
    script.write_text(_SCRIPT.format(balances=balances, rate=rate, leg=_LEG, ledger=_LEDGER))
    database = url.split("?")[0].rpartition("/")[2]
    output = subprocess.run(
        [
            *(program("pgbench"), "-h", str(cluster.folder), "-U", "ringback", "-n"),
            *("-M", "prepared", "-c", str(CONNECTIONS), "-j", "2", "-T", f"{seconds:.0f}"),
            *("--log", f"--log-prefix={log}", "-f", str(script), database),
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    (tps,) = [line.split()[2] for line in output.splitlines() if line.startswith("tps")]
    both = Delays()
    for path in folder.glob(f"{log.name}.*"):  # each thread writes one
        for line in path.read_text().splitlines():
            both.add(int(line.split()[2]) / 1000)
        path.unlink()
    return Result("pgbench", balances, 2 * float(tps), None, both)


@contextmanager
def _databases() -> Iterator[tuple[Path, str, Cluster, str]]:
    """A database of each kind: its folder, name and URL."""
    with (
        tempfile.TemporaryDirectory(prefix="ringback-bench-", dir=DISK) as name,
        Cluster(SYNCED, where=DISK) as cluster,
    ):
        sqlite, postgresql = f"sqlite:///{name}/ringback.sqlite", cluster.fresh()
        migrate(sqlite)
        for url in (sqlite, postgresql):
            asyncio.run(_fill(open_store(url)))
        yield Path(name), sqlite, cluster, postgresql


async def _fill(store: Store) -> None:
    await store.run(_world)
    await store.close()


async def show(plan: Plan) -> None:
    await asyncio.to_thread(_show, plan)


def _show(plan: Plan) -> None:
    seconds = min(plan.seconds, plan.ledger_seconds)
    title = (
        f"Ledger, {TASKS} calls at a time, beside pgbench with {CONNECTIONS} connections, "
        f"{seconds:g} s a run, {plan.of_runs}"
    )
    heads = ("", "balances", "transactions/s", "p99 of one", "p99 of both")
    table = Table(title, heads, plan.show)
    with _databases() as (folder, sqlite, cluster, postgresql):
        for balances in (MANY, 1):
            ours: list[list[Result]] = [[], []]
            peer: list[Result] = []
            for _ in range(plan.runs):
                for results, who, url in zip(
                    ours, ("SQLite", "PostgreSQL"), (sqlite, postgresql), strict=True
                ):
                    results.append(asyncio.run(_ours(who, url, balances, seconds)))
                peer.append(_pgbench(folder, cluster, postgresql, balances, seconds))
            rows = [middle(results) for results in (*ours, peer)]
            for row in rows:
                table.row(row.cells())
            ratio = rows[1].each_second / rows[2].each_second
            plan.show(f"PostgreSQL to pgbench, {balances} balances: {ratio:.2f}")
