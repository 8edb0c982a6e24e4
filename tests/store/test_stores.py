"""The unit of work, on every store, and the SQLite file."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from tests.postgresql import Cluster
from tests.store.helpers import beat, gathered, hold_up, nodes

from ringback.store import (
    InlineStore,
    SqliteStore,
    Store,
    StoreBusy,
    StoreClosed,
    StoreError,
    StoreFull,
    StoreUnusable,
    migrate,
    models,
    open_store,
)
from ringback.store.errors import failure

Opening = Callable[[], Store]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ringback.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["inline", "file", "postgresql"])
def opening(request: pytest.FixtureRequest, path: Path) -> Iterator[Opening]:
    if request.param == "inline":
        yield InlineStore
    elif request.param == "file":
        yield lambda: open_store(f"sqlite:///{path}")
    else:
        cluster: Cluster = request.getfixturevalue("cluster")
        url = cluster.fresh()
        yield lambda: open_store(url)
        cluster.give_back(url)


def test_what_run_returns_from_is_read(opening: Opening) -> None:
    async def scenario() -> None:
        store = opening()
        assert await store.run(beat("a")) == "a"
        assert await store.read(nodes) == ["a"]
        await store.close()

    asyncio.run(scenario())


def test_what_a_failing_statement_was_given_is_in_no_message(opening: Opening) -> None:
    """It may be the hash of a password or the MAC of a PIN."""

    def twice(tx: Connection) -> None:
        secret = {"name": "key", "value": "hush"}
        tx.execute(insert(models.SettingRow), [secret, secret])

    async def scenario() -> None:
        store = opening()
        with pytest.raises(IntegrityError) as refused:
            await store.run(twice)
        for message in (str(refused.value), str(failure(refused.value, "there"))):
            assert "hush" not in message
        assert str(failure(refused.value, "there")).startswith("database there: ")
        await store.close()

    asyncio.run(scenario())


def test_a_failing_unit_undoes_itself_only(opening: Opening) -> None:
    def fails(tx: Connection) -> None:
        beat("lost")(tx)
        raise LookupError("mine")

    async def scenario() -> None:
        store = opening()
        results = await asyncio.gather(
            store.run(beat("a")),
            store.run(fails),
            store.run(beat("a")),  # refused by the primary key
            store.run(beat("b")),
            return_exceptions=True,
        )
        assert (results[0], results[3]) == ("a", "b")
        assert isinstance(results[1], LookupError)
        assert isinstance(results[2], IntegrityError)
        assert await store.read(nodes) == ["a", "b"]
        await store.close()

    asyncio.run(scenario())


def test_reading_writes_nothing(opening: Opening) -> None:
    async def scenario() -> None:
        store = opening()
        with pytest.raises((DBAPIError, StoreError)):
            await store.read(beat("a"))
        assert await store.read(nodes) == []
        await store.run(beat("b"))
        await store.close()

    asyncio.run(scenario())


def test_a_closed_store_says_so(opening: Opening) -> None:
    async def scenario() -> None:
        store = opening()
        await store.close()
        await store.close()
        for use in (store.run, store.read):
            with pytest.raises(StoreClosed):
                await use(nodes)

    asyncio.run(scenario())


# The file


def test_units_that_wait_are_committed_together(path: Path) -> None:
    """Seen from beside: while the batch is being done, none of it is there."""
    seen = []

    def look(tx: Connection) -> None:
        with sqlite3.connect(path) as beside:
            seen.append(beside.execute("SELECT count(*) FROM heartbeats").fetchone()[0])
        beside.close()

    async def scenario() -> None:
        store = SqliteStore(path)
        await gathered(store, *(beat(str(n)) for n in range(20)), look)
        assert seen == [0]
        assert len(await store.read(nodes)) == 20
        await store.close()

    asyncio.run(scenario())


def test_a_failed_commit_fails_every_unit_and_the_store_goes_on(path: Path) -> None:
    def breaks_at_commit(tx: Connection) -> None:
        tx.execute(text("PRAGMA defer_foreign_keys = ON"))
        tx.execute(text("INSERT INTO decks VALUES ('d', 'no plan', 'x', 0, 'complete', 0)"))

    async def scenario() -> None:
        store = SqliteStore(path)
        results = await gathered(store, beat("a"), breaks_at_commit, beat("b"))
        assert [type(result) for result in results] == [StoreError] * 3
        await store.run(beat("c"))
        assert await store.read(nodes) == ["c"]
        await store.close()

    asyncio.run(scenario())


def test_a_full_disk_is_said_and_survived(path: Path) -> None:
    def limit(tx: Connection) -> None:
        pages = tx.execute(text("PRAGMA page_count")).scalar()
        tx.execute(text(f"PRAGMA max_page_count = {pages}"))

    def free(tx: Connection) -> None:
        tx.execute(text("PRAGMA max_page_count = 1000000"))

    async def scenario() -> None:
        store = SqliteStore(path)
        await store.run(limit)
        large = beat("x" * 100_000)
        results = await gathered(store, beat("b"), large, beat("c"))
        for result in results:
            assert isinstance(result, StoreFull)
            assert f"{path}: the disk is full: free some space there" in str(result)
        await store.run(free)
        await store.run(beat("a"))
        assert await store.read(nodes) == ["a"]
        await store.close()

    asyncio.run(scenario())


def test_a_transaction_lost_half_way_fails_the_units_before_it_too(path: Path) -> None:
    """SQLite rolls everything back by itself after some errors."""

    def lost(tx: Connection) -> None:
        tx.exec_driver_sql("ROLLBACK")
        raise LookupError

    async def scenario() -> None:
        store = SqliteStore(path)
        results = await gathered(store, beat("a"), lost, beat("b"))
        assert all(isinstance(result, StoreError) for result in results)
        await store.run(beat("c"))
        assert await store.read(nodes) == ["c"]
        await store.close()

    asyncio.run(scenario())


def test_a_locked_database_is_said_and_survived(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback.store.sqlite.BUSY_SECONDS", 0.05)

    async def scenario() -> None:
        store = SqliteStore(path)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="another process has kept it locked"):
            await store.run(beat("a"))
        assert await store.read(nodes) == []  # a writer does not hold up a reader
        other.execute("COMMIT")
        other.close()
        await store.run(beat("a"))
        await store.close()

    asyncio.run(scenario())


def test_whoever_stops_waiting_does_not_undo_the_work(path: Path) -> None:
    async def scenario() -> None:
        store = SqliteStore(path)
        gate = threading.Event()
        held = await hold_up(store, gate)
        unit = asyncio.ensure_future(store.run(beat("a")))
        await asyncio.sleep(0)
        unit.cancel()
        gate.set()
        await held
        await store.run(beat("b"))
        assert await store.read(nodes) == ["a", "b"]
        await store.close()

    asyncio.run(scenario())


def test_one_server_at_a_time(path: Path) -> None:
    async def scenario() -> None:
        serving = SqliteStore(path, serving=True)
        with pytest.raises(StoreBusy, match="another server serves from it"):
            SqliteStore(path, serving=True)
        beside = SqliteStore(path)
        await beside.run(beat("a"))
        await beside.close()
        await serving.close()
        again = SqliteStore(path, serving=True)
        await again.close()
        with pytest.raises(StoreUnusable, match="cannot be opened"):
            SqliteStore(path / "no folder" / "ringback.db", serving=True)

    asyncio.run(scenario())


KILLED = """
import asyncio, os, signal, sys
from ringback.store import open_store
from tests.store.helpers import beat
async def main():
    store = open_store(sys.argv[1], serving=True)
    await asyncio.gather(*(store.run(beat(str(n))) for n in range(10)))
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


def test_what_was_committed_survives_kill_9_and_the_next_server_takes_over(database: str) -> None:
    subprocess.run(
        [sys.executable, "-c", KILLED, database], cwd=Path(__file__).parents[2], check=False
    )

    async def scenario() -> None:
        store = open_store(database, serving=True)
        assert len(await store.read(nodes)) == 10
        await store.close()

    asyncio.run(scenario())
