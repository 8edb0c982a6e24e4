"""What only a PostgreSQL store meets: others' locks, lost connections, a server that is gone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, text
from tests.postgresql import Cluster
from tests.store.helpers import beat, gathered, nodes

from ringback.store import (
    Store,
    StoreBusy,
    StoreConflict,
    StoreCorrupt,
    StoreError,
    StoreFull,
    StoreUnreachable,
    StoreUnusable,
    open_store,
)
from ringback.store.postgresql import ATTEMPTS

Work = Callable[[Connection], Any]


@pytest.fixture
def url(cluster: Cluster) -> Iterator[str]:
    url = cluster.fresh()
    yield url
    cluster.drop(url)


@pytest.fixture
def beside(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Another client of the same database."""
    with psycopg.connect(url) as connection:
        yield connection


def statement(sql: str) -> Work:
    return lambda tx: tx.execute(text(sql)) and None


LOSE = statement("SELECT pg_terminate_backend(pg_backend_pid())")
LOSE_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()"""


def once(work: Work) -> Work:
    """What happens the first time only."""
    times = iter([work])
    return lambda tx: next(times, lambda tx: None)(tx)


def play(url: str, scenario: Callable[[Store], Any]) -> None:
    async def whole() -> None:
        store = open_store(url)
        try:
            await scenario(store)
        finally:
            await store.close()

    asyncio.run(whole())


# Batches


def test_units_that_wait_are_committed_together(url: str, beside: psycopg.Connection[Any]) -> None:
    seen = []

    def look(tx: Connection) -> None:
        seen.append(beside.execute("SELECT count(*) FROM heartbeats").fetchone())
        beside.rollback()

    async def scenario(store: Store) -> None:
        await gathered(store, *(beat(str(n)) for n in range(20)), look)
        assert seen == [(0,)]
        assert len(await store.read(nodes)) == 20

    play(url, scenario)


def test_a_failed_commit_fails_every_unit_and_the_store_goes_on(
    url: str, beside: psycopg.Connection[Any]
) -> None:
    beside.execute(
        "ALTER TABLE decks ALTER CONSTRAINT fk_decks_plan_id DEFERRABLE INITIALLY DEFERRED"
    )
    beside.commit()
    broken = statement("INSERT INTO decks VALUES ('d', 'no plan', 'x', 0, 'complete', 0)")

    async def scenario(store: Store) -> None:
        results = await gathered(store, beat("a"), broken, beat("b"))
        assert [type(result) for result in results] == [StoreError] * 3
        await store.run(beat("c"))
        assert await store.read(nodes) == ["c"]

    play(url, scenario)


def test_a_transaction_lost_half_way_fails_the_units_before_it_too(url: str) -> None:
    def lost(tx: Connection) -> None:
        tx.exec_driver_sql("ROLLBACK")
        raise LookupError

    async def scenario(store: Store) -> None:
        results = await gathered(store, beat("a"), lost, beat("b"))
        assert all(isinstance(result, StoreError) for result in results)
        await store.run(beat("c"))
        assert await store.read(nodes) == ["c"]

    play(url, scenario)


# Others' locks


def test_a_locked_row_is_said_and_nobody_else_fails_by_it(
    url: str, beside: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback.store.postgresql.BUSY_SECONDS", 0.05)
    touch = statement("UPDATE heartbeats SET at = 2 WHERE node = 'a'")

    async def scenario(store: Store) -> None:
        await store.run(beat("a"))
        beside.execute("SELECT * FROM heartbeats FOR UPDATE")
        *locked, other = await gathered(store, touch, touch, beat("b"))
        for each in locked:
            assert isinstance(each, StoreBusy)
            assert "another transaction has kept a row locked for 5 s" in str(each)
        assert other == "b"
        beside.rollback()
        await store.run(touch)

    play(url, scenario)


def test_whoever_loses_a_deadlock_is_done_once_more(
    url: str, beside: psycopg.Connection[Any]
) -> None:
    """The other holds b and wants a, which the unit holds that wants b."""
    waits = threading.Event()

    def other() -> None:
        beside.execute("SET deadlock_timeout = '1h'")  # it is never the one that is given up
        beside.execute("SELECT * FROM heartbeats WHERE node = 'b' FOR UPDATE")
        waits.set()
        beside.execute("UPDATE heartbeats SET at = 7 WHERE node = 'a'")
        beside.commit()

    def crossing(tx: Connection) -> None:
        tx.execute(text("UPDATE heartbeats SET at = at + 1 WHERE node = 'a'"))
        if not waits.is_set():
            thread.start()
            waits.wait(10)
        tx.execute(text("UPDATE heartbeats SET at = at + 1 WHERE node = 'b'"))

    thread = threading.Thread(target=other)

    async def scenario(store: Store) -> None:
        await gathered(store, beat("a"), beat("b"))
        assert await gathered(store, crossing, beat("c")) == [None, "c"]
        thread.join()

    play(url, scenario)
    assert beside.execute("SELECT node, at FROM heartbeats ORDER BY node").fetchall() == [
        ("a", 8),
        ("b", 1_500_001),
        ("c", 1_500_000),
    ]


def test_trying_again_has_an_end(url: str) -> None:
    tries = []

    def conflict(tx: Connection) -> None:
        tries.append(1)
        raised("40001")(tx)

    async def scenario(store: Store) -> None:
        with pytest.raises(StoreConflict, match="other transactions kept getting in the way"):
            await store.run(conflict)
        assert len(tries) == ATTEMPTS
        await store.run(beat("a"))

    play(url, scenario)


def test_a_unit_that_fails_at_the_last_try_fails_alone(url: str) -> None:
    """All conflicts there may be, then a fault of one unit's own."""
    conflicts = iter([raised("40P01")] * (ATTEMPTS - 1))

    def fails(tx: Connection) -> None:
        next(conflicts, lambda tx: None)(tx)
        raise LookupError

    async def scenario(store: Store) -> None:
        first, failed, last = await gathered(store, beat("a"), fails, beat("b"))
        assert (first, last) == ("a", "b")
        assert isinstance(failed, LookupError)
        assert await store.read(nodes) == ["a", "b"]

    play(url, scenario)


# Lost connections


@pytest.mark.parametrize("reading", [False, True])
def test_a_connection_that_died_while_idle_is_made_anew(
    url: str, beside: psycopg.Connection[Any], reading: bool
) -> None:
    async def scenario(store: Store) -> None:
        await store.run(beat("a"))
        assert await store.read(nodes) == ["a"]
        beside.execute(LOSE_OTHERS)
        beside.commit()
        if reading:
            assert await store.read(nodes) == ["a"]
        else:
            assert await store.run(beat("b")) == "b"

    play(url, scenario)


def test_what_was_under_way_is_done_anew(url: str) -> None:
    async def scenario(store: Store) -> None:
        assert await gathered(store, beat("a"), once(LOSE), beat("b")) == ["a", None, "b"]
        assert await store.read(nodes) == ["a", "b"]

    play(url, scenario)


def test_a_connection_lost_before_the_commit(url: str, beside: psycopg.Connection[Any]) -> None:
    """PostgreSQL ends the connection as it begins to commit: nothing was kept, all is done anew."""
    beside.execute("CREATE SEQUENCE commits")
    beside.execute("""
CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('commits') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;
    RETURN NULL;
END $$""")
    beside.execute(
        "CREATE CONSTRAINT TRIGGER lose AFTER INSERT ON heartbeats "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lose()"
    )
    beside.commit()

    async def scenario(store: Store) -> None:
        assert await gathered(store, beat("a"), beat("b")) == ["a", "b"]
        assert await store.read(nodes) == ["a", "b"]

    play(url, scenario)
    assert beside.execute("SELECT last_value FROM commits").fetchone() == (3,)


def test_a_connection_lost_after_the_commit(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer to COMMIT is lost: what was kept is not done again."""
    real = psycopg.Connection.commit
    lost: list[int] = []

    def commit(connection: psycopg.Connection[Any]) -> None:
        real(connection)
        if not lost:
            lost.append(1)
            connection.close()
            raise psycopg.OperationalError("the connection was lost")

    async def scenario(store: Store) -> None:
        monkeypatch.setattr(psycopg.Connection, "commit", commit)
        assert await gathered(store, beat("a"), beat("b")) == ["a", "b"]
        assert lost
        assert await store.read(nodes) == ["a", "b"]

    play(url, scenario)


def test_a_server_that_is_gone_is_said_and_survived(url: str, cluster: Cluster) -> None:
    async def scenario(store: Store) -> None:
        await store.run(beat("a"))
        cluster.stop()
        try:
            for use in (lambda: store.run(beat("b")), lambda: store.read(nodes)):
                with pytest.raises(StoreUnreachable, match="see that PostgreSQL runs there"):
                    await use()
            with pytest.raises(StoreUnreachable):
                open_store(url)
        finally:
            cluster.start()
        await store.run(beat("c"))
        assert await store.read(nodes) == ["a", "c"]

    play(url, scenario)


# One server


def test_one_server_at_a_time(
    url: str, beside: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ringback.store.postgresql.TAKE_OVER_SECONDS", 0.05)

    async def scenario() -> None:
        first = open_store(url, serving=True)
        with pytest.raises(StoreBusy, match="another server serves from it"):
            open_store(url, serving=True)
        command = open_store(url)
        await command.run(beat("a"))
        await command.close()
        beside.execute(LOSE_OTHERS)
        beside.commit()
        second = open_store(url, serving=True)
        with pytest.raises(StoreBusy, match="another server serves from it"):
            await first.run(beat("b"))  # it was thought dead
        await second.close()
        await first.run(beat("b"))
        assert await first.read(nodes) == ["a", "b"]
        await first.close()

    asyncio.run(scenario())


def test_a_server_whose_cable_was_cut_leaves_its_lock_in_half_a_minute(url: str) -> None:
    """PostgreSQL's own end would notice in two hours, and keep the lock of the server till then."""

    def told(tx: Connection) -> set[str]:
        query = "SELECT name FROM pg_settings WHERE name LIKE 'tcp_%' AND source = 'session'"
        return set(tx.execute(text(query)).scalars())

    async def scenario(store: Store) -> None:
        for found in (await store.run(told), await store.read(told)):
            assert found == {
                "tcp_keepalives_idle",
                "tcp_keepalives_interval",
                "tcp_keepalives_count",
                "tcp_user_timeout",
            }

    play(url, scenario)


# What it says


def raised(state: str) -> Work:
    return statement(f"DO $$ BEGIN RAISE EXCEPTION 'oh' USING ERRCODE = '{state}'; END $$")


@pytest.mark.parametrize(
    ("state", "kind", "mending"),
    [
        ("53100", StoreFull, "the disk is full: free some space there"),
        ("53300", StoreBusy, "raise max_connections"),
        ("53200", StoreBusy, "the server is short of something"),
        ("57014", StoreBusy, "a statement took too long"),
        ("58030", StoreUnusable, "the disk fails to read or write"),
        ("25006", StoreUnusable, "it may not be written: it is a standby"),
        ("42501", StoreUnusable, "let it own the database and its tables"),
        ("XX001", StoreCorrupt, "restore a backup"),
    ],
)
def test_what_is_wrong_and_how_to_mend_it(
    url: str, cluster: Cluster, state: str, kind: type[StoreError], mending: str
) -> None:
    async def scenario(store: Store) -> None:
        with pytest.raises(kind, match=rf"^database fresh\d+ on {cluster.folder}: .*{mending}"):
            await store.run(raised(state))
        await store.run(beat("a"))

    play(url, scenario)


def test_what_cannot_be_opened(cluster: Cluster) -> None:
    with pytest.raises(StoreUnreachable, match=r"none on .*: it cannot be reached.*does not exist"):
        open_store(cluster.url("none"))
    with pytest.raises(StoreUnreachable, match="it cannot be reached") as caught:
        open_store("postgresql://ringback:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)
