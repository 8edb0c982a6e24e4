"""How full `sessions` and `calls_per_hour` are: counted in the store, one place for one taker."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from sqlalchemy import Connection
from tests.postgresql import Cluster

from ringback.guards import counts
from ringback.guards.counts import Count
from ringback.guards.settings import DEFAULTS, Destinations, Guards, Kind, Subject
from ringback.store import Store
from ringback.store.opening import database_url, open_engine

NOW = 1_800_000_000.0


def subject(id_: str, kind: Kind = Kind.EXTENSION, **guards: int | None) -> Subject:
    return Subject(kind, id_, f"name of {id_}", replace(DEFAULTS[kind], **guards), Destinations())  # type: ignore[arg-type]


EXTENSION, ACCOUNT = subject("e", sessions=2), subject("a", Kind.ACCOUNT)


def test_the_defaults_are_those_of_the_spec() -> None:
    assert {
        Kind.CALLER_ID: Guards(20, 1, None, None),
        Kind.EXTENSION: Guards(200, 50, None, None),
        Kind.ACCOUNT: Guards(1000, 200, None, None),
    } == DEFAULTS


def test_sessions_come_and_go(store: Store) -> None:
    def live(tx: Connection) -> dict[str, int]:
        found = counts.load(tx, [EXTENSION, ACCOUNT], lock=True)
        return {id_: count.sessions for id_, count in found.items()}

    async def main() -> list[dict[str, int]]:
        seen = [await store.run(live)]
        for ids in (["a", "e"], ["a"]):
            await store.run(lambda tx, ids=ids: counts.session_begins(tx, ids))  # type: ignore[misc]
        seen.append(await store.run(live))
        await store.run(lambda tx: counts.session_over(tx, ["a", "e"]))
        return [*seen, await store.read(live_unlocked)]

    def live_unlocked(tx: Connection) -> dict[str, int]:
        found = counts.load(tx, [EXTENSION, ACCOUNT, subject("never")], lock=False)
        return {id_: count.sessions for id_, count in found.items()}

    assert asyncio.run(main()) == [
        {"a": 0, "e": 0},
        {"a": 2, "e": 1},
        {"a": 1, "e": 0, "never": 0},
    ]


def test_calls_of_the_hour_are_kept(store: Store) -> None:
    def dial(tx: Connection, at: float) -> None:
        counts.return_call_dialled(tx, counts.load(tx, [EXTENSION, ACCOUNT], lock=True), at)

    async def main() -> dict[str, Count]:
        for second in range(3):
            await store.run(lambda tx, at=NOW + second: dial(tx, at))  # type: ignore[misc]
        return await store.read(lambda tx: counts.load(tx, [EXTENSION], lock=False))

    found = asyncio.run(main())
    three = subject("e", calls_per_hour=3)
    reached = counts.calls_reached([three], found, NOW + 3599)
    assert reached is not None
    assert str(reached) == "calls_per_hour of extension name of e: 3 of 3"
    assert counts.calls_reached([three], found, NOW + 3600) is None
    assert counts.calls_reached([subject("e", calls_per_hour=4)], found, NOW + 2) is None
    assert counts.calls_reached([subject("e", calls_per_hour=None)], found, NOW + 2) is None


def test_the_nearest_that_is_full_is_named() -> None:
    full = {"e": Count(sessions=2), "a": Count(sessions=200)}
    reached = counts.sessions_reached([EXTENSION, ACCOUNT], full)
    assert reached is not None and reached.subject_id == "e"
    reached = counts.sessions_reached([subject("e", sessions=3), ACCOUNT], full)
    assert reached is not None and (reached.subject_id, reached.used) == ("a", "200")
    assert counts.sessions_reached([subject("e", sessions=None)], full) is None


def test_of_many_processes_at_once_as_many_have_a_place_as_there_are(cluster: Cluster) -> None:
    """Each on a connection of its own, also while nothing has been counted yet."""
    url = cluster.fresh()
    engine = open_engine(database_url(url))

    def take(number: int) -> bool:
        with engine.begin() as tx:
            found = counts.load(tx, [EXTENSION, ACCOUNT], lock=True)
            if counts.sessions_reached([EXTENSION, ACCOUNT], found):
                return False
            counts.session_begins(tx, list(found))
            return True

    with ThreadPoolExecutor(5) as threads:
        taken = list(threads.map(take, range(20)))
    engine.dispose()
    cluster.drop(url)
    assert sum(taken) == 2
