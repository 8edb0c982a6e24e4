"""100,000 callerIDs on one extension: how long lists, searches and the trigger's own look-up take,
on both databases; and how importing them delays calls.

The import is the real command, in a process of its own, on the same database; meanwhile this
process makes a reservation every 5 ms. What the command holds in memory is read while it runs.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, text
from tests.postgresql import Cluster

from bench.figures import Table, middle
from bench.plan import Plan
from bench.reserving import idle, p99, reserve, world
from ringback.accounts import tree
from ringback.accounts.callerids import sort_key
from ringback.accounts.secrets import Secrets
from ringback.amounts import ZERO
from ringback.management.actor import command_line
from ringback.management.caller_ids.lists import Filter, Sort, caller_ids
from ringback.management.desk import Desk
from ringback.management.verbs import Act
from ringback.store import Store, migrate, open_store
from ringback.store.models import CallerIdRow, LedgerAccountRow, LedgerEntryRow

EXTENSION = "travellers"
AT_ONCE = 5000
_WARM = 3
_READ_HEADS = ("asked", "SQLite median", "p99", "PostgreSQL median", "p99")
_IMPORT_HEADS = (
    *("callerIDs", "import", "memory after the check", "at the end"),
    *("reserving without it p99", "worst", "during it p99", "worst"),
)


def _number(place: int) -> str:
    return f"+447{place:09}"


def _fill(tx: Connection, start: int, stop: int) -> None:
    """Rows as an import would have made them, one in ten disabled."""
    places = range(start, stop)
    ledgers = [
        {
            "id": f"credit-{place}",
            "balance": Decimal(place * 7919 % 10_000),
            "reserved": ZERO,
            "credit_limit": ZERO,
            "unlimited": place % 50 == 0,
            "holder_id": EXTENSION,
        }
        for place in places
    ]
    tx.execute(insert(LedgerAccountRow), ledgers)
    tx.execute(
        insert(LedgerEntryRow),
        [
            {
                "ledger_id": row["id"],
                "step": "recharge/A",
                "kind": "payment",
                "amount": row["balance"],
                "balance_after": row["balance"],
                "at": 0.0,
                "explanation": "order A",
            }
            for row in ledgers
        ],
    )
    names = [f"Person {place * 7919 % 100_003}" for place in places]
    tx.execute(
        insert(CallerIdRow),
        [
            {
                "id": f"caller-{place}",
                "extension_id": EXTENSION,
                "number": _number(place),
                "name": name,
                "name_key": sort_key(name),
                "reference": f"R-{place % 1000}",
                "reference_key": sort_key(f"R-{place % 1000}"),
                "enabled": place % 10 != 0,
                "speed_dials": {},
                "ledger_id": f"credit-{place}",
            }
            for place, name in zip(places, names, strict=True)
        ],
    )


async def _filled(url: str, count: int) -> Store:
    store = open_store(url)
    await store.run(world)
    for start in range(0, count, AT_ONCE):
        await store.run(partial(_fill, start=start, stop=min(start + AT_ONCE, count)))
    await store.run(lambda tx: tx.execute(text("ANALYZE")).close())
    return store


def _questions(count: int) -> Mapping[str, Callable[[random.Random], dict[str, Any]]]:
    """What is asked, by its name; numbers and names are others each time."""
    return {
        "first page": lambda chance: {},
        "by name": lambda chance: {"sort": Sort.NAME},
        "by credit, the largest first": lambda chance: {"sort": Sort.CREDIT, "descending": True},
        "by reference": lambda chance: {"sort": Sort.REFERENCE},
        "disabled, by number": lambda chance: {"which": Filter(enabled=False)},
        "disabled, by credit": lambda chance: {
            "which": Filter(enabled=False),
            "sort": Sort.CREDIT,
        },
        "a number, as dialled at home": lambda chance: {
            "which": Filter(number=f"0{_number(chance.randrange(count))[3:11]}")
        },
        "a number, in doubt": lambda chance: {
            "which": Filter(number=_number(chance.randrange(count))[1:10])
        },
        "a name": lambda chance: {"which": Filter(name=f"person {chance.randrange(1000)}")},
        "a name, by credit": lambda chance: {
            "which": Filter(name=f"person {chance.randrange(1000)}"),
            "sort": Sort.CREDIT,
        },
        "a reference": lambda chance: {"which": Filter(reference=f"r-{chance.randrange(1000)}")},
    }


async def _ask(store: Store, count: int, tries: int) -> dict[str, list[float]]:
    """How many milliseconds each answer took, sorted."""
    chance = random.Random(1)
    desk = Desk(store, Secrets(b"k" * 32), time.time, chance)
    waits: dict[str, list[float]] = {}
    cursors: list[str | None] = [None]

    async def timed(name: str, work: Callable[[], Any]) -> None:
        for attempt in range(tries + _WARM):
            start = time.perf_counter()
            await work()
            if attempt >= _WARM:
                waits.setdefault(name, []).append((time.perf_counter() - start) * 1000)

    async def listed(**asked: Any) -> None:
        def deed(act: Act) -> str | None:
            return caller_ids(act, EXTENSION, **asked).next

        cursors[0] = await desk.read(command_line, deed)

    for name, asked in _questions(count).items():
        await timed(name, lambda asked=asked: listed(**asked(chance)))  # type: ignore[misc]
    cursors[0] = None
    await timed("the next page, and the next", lambda: listed(cursor=cursors[0]))

    async def look_up() -> None:
        number = _number(chance.randrange(count))
        await store.read(lambda tx: tree.find_caller_id(tx, EXTENSION, number))

    await timed("the trigger's own look-up", look_up)
    return {name: sorted(each) for name, each in waits.items()}


@contextmanager
def _databases() -> Iterator[Sequence[str]]:
    with tempfile.TemporaryDirectory(prefix="ringback-bench-") as name, Cluster() as cluster:
        urls = f"sqlite:///{name}/ringback.sqlite", cluster.fresh()
        for url in urls:
            migrate(url)
        yield urls


async def _show_reads(plan: Plan) -> None:
    found: list[dict[str, list[float]]] = []
    with _databases() as urls:
        for url in urls:
            store = await _filled(url, plan.caller_ids)
            found.append(await _ask(store, plan.caller_ids, plan.read_tries))
            await store.close()
    title = f"Lists of {plan.caller_ids} callerIDs on one extension; {plan.read_tries} times each"
    table = Table(title, _READ_HEADS, plan.show)
    for name in found[0]:
        cells = [f"{wait:.1f} ms" for each in found for wait in _middle_and_p99(each[name])]
        table.row((name, *cells))


def _middle_and_p99(waits: Sequence[float]) -> tuple[float, float]:
    return waits[len(waits) // 2], p99(waits)


@dataclass(frozen=True, slots=True)
class Imported:
    """Waits are those of reservations, in milliseconds, from the request to the commit."""

    count: int
    seconds: float
    checked_megabytes: float
    """Of memory half-way, once the file was checked."""
    end_megabytes: float
    idle_p99: float
    idle_worst: float
    p99: float
    worst: float

    def badness(self) -> tuple[float, ...]:
        return self.worst, self.seconds

    def cells(self) -> tuple[str, ...]:
        return (
            f"{self.count}",
            f"{self.seconds:.1f} s",
            *(f"{size:.0f} MB" for size in (self.checked_megabytes, self.end_megabytes)),
            *(f"{wait:.1f} ms" for wait in (self.idle_p99, self.idle_worst, self.p99, self.worst)),
        )


def _file(count: int) -> str:
    head = "number,name,pin,order number,credit\n"
    return head + "".join(
        f"{_number(place)},Person {place},{place % 10_000:04},A-{place},5.00\n"
        for place in range(count)
    )


async def _import(folder: Path) -> tuple[float, list[float]]:
    """Import by the command; returns how many seconds it took, and its memory in MB as it went."""
    start = time.perf_counter()
    command = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ringback", "caller-ids", "import", f"acme:{EXTENSION}"),
        *(str(folder / "all.csv"), "--config", str(folder / "ringback.toml")),
        stdout=asyncio.subprocess.DEVNULL,
    )
    sizes: list[float] = []
    ended = asyncio.ensure_future(command.wait())
    while not ended.done():
        sizes.append(_resident(command.pid))
        await asyncio.wait([ended], timeout=0.1)
    if ended.result() != 0:
        raise RuntimeError("the import failed")
    return time.perf_counter() - start, [size for size in sizes if size]


def _resident(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
    return int(found[0]) / 1024 if found else 0.0


async def _run(count: int) -> Imported:
    with tempfile.TemporaryDirectory(prefix="ringback-bench-") as name:
        folder, url = Path(name), f"sqlite:///{name}/ringback.sqlite"
        (folder / "ringback.toml").write_text(
            f'[server]\ndata_dir = "."\n[database]\nurl = "{url}"\n'
        )
        (folder / "all.csv").write_text(_file(count))
        migrate(url)
        store = open_store(url)
        try:
            await store.run(world)
            before = await idle(store)
            done = asyncio.Event()
            busy = asyncio.create_task(reserve(store, done, "busy"))
            seconds, sizes = await _import(folder)
            done.set()
            during = sorted(await busy)
        finally:
            await store.close()
    return Imported(
        *(count, seconds, sizes[len(sizes) // 2], sizes[-1]),
        *(p99(before), before[-1], p99(during), during[-1]),
    )


async def show(plan: Plan) -> None:
    await _show_reads(plan)
    title = f"Importing callerIDs while reservations are made, on SQLite; {plan.of_runs}"
    table = Table(title, _IMPORT_HEADS, plan.show)
    for count in (plan.caller_ids // 10, plan.caller_ids):
        table.row(middle([await _run(count) for _ in range(plan.runs)]).cells())
