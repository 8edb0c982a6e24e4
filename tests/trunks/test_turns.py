"""Changes of trunks and routes take turns: the second begins when the first is committed, on
PostgreSQL, where several write at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, text
from tests.postgresql import Cluster
from tests.trunks.helpers import NOW, SEALER, SECRETS, faults

from ringback.accounts.foundation import lay_foundation
from ringback.changes import NoSuch
from ringback.faults import Faults
from ringback.store.opening import database_url, open_engine
from ringback.telephony.trunks import Route
from ringback.trunks import routeverbs, trunkverbs
from ringback.trunks.stored import Opened, load, opened

Work = Callable[[Connection], object]


def add(tx: Connection, name: str = "t") -> object:
    return trunkverbs.add_trunk(tx, {"name": name, "host": "h"}, SEALER, f"id-{name}")


def change(**values: Any) -> Work:
    return lambda tx: trunkverbs.change_trunk(tx, "id-t", values, NOW, SEALER, f"v-{values}")


def remove(tx: Connection) -> object:
    return trunkverbs.remove_trunk(tx, "id-t", NOW, SEALER)


def route(**values: Any) -> Work:
    return lambda tx: routeverbs.put_route(tx, values, "r")


def both(one: Work, other: Work) -> Work:
    def work(tx: Connection) -> None:
        one(tx)
        other(tx)

    return work


def test_two_change_one_trunk_and_both_changes_hold(cluster: Cluster) -> None:
    found = at_once(cluster, add, change(port=5080), change(channels=7))
    (trunk,) = found.trunks
    assert (trunk.port, trunk.channels) == (5080, 7)


def test_a_trunk_is_removed_while_a_route_is_to_name_it(cluster: Cluster) -> None:
    told: list[str] = []
    found = at_once(
        cluster,
        add,
        remove,
        lambda tx: told.extend(faults(lambda: route(trunks=["t"])(tx))),
    )
    assert told == ["trunks: there is no trunk 't': add it, or check its spelling"]
    assert (found.routes, found.trunks) == ([], [])


def test_a_route_names_a_trunk_while_that_is_to_be_removed(cluster: Cluster) -> None:
    with pytest.raises(Faults, match='routes: "" names it'):
        at_once(cluster, add, route(trunks=["t"]), remove)


def test_a_trunk_is_renamed_while_a_route_over_it_gets_another_prefix(cluster: Cluster) -> None:
    def move(tx: Connection) -> object:
        return routeverbs.change_route(tx, "r", {"prefix": "44"})

    found = at_once(cluster, both(add, route(trunks=["t"])), change(name="u"), move)
    assert found.routes == [Route("44", ("u",))]


def test_two_add_a_trunk_of_one_name(cluster: Cluster) -> None:
    told: list[str] = []

    def again(tx: Connection) -> None:
        told.extend(faults(lambda: trunkverbs.add_trunk(tx, {"name": "t"}, SEALER, "other")))
        told.extend(
            faults(lambda: trunkverbs.add_trunk(tx, {"name": "t", "host": "h"}, SEALER, "other"))
        )

    at_once(cluster, lambda tx: None, add, again)
    assert told == [
        "host: is required",
        "name: there is a trunk 't' already: choose another name",
    ]


def test_a_trunk_is_changed_while_somebody_removes_it(cluster: Cluster) -> None:
    with pytest.raises(NoSuch):
        at_once(cluster, add, remove, change(port=5080))


def at_once(cluster: Cluster, first: Work, one: Work, other: Work) -> Opened:
    """Do the other while the one is not committed yet: it waits for that. Returns what there is
    afterwards."""
    url = cluster.fresh()
    engines = [open_engine(database_url(url)) for _ in range(3)]

    def lay(tx: Connection) -> None:
        lay_foundation(tx, SECRETS, "GBP", "GB", NOW, random.Random(1))

    def do(work: Work) -> None:
        with engines[1].begin() as tx:
            work(tx)

    try:
        do(both(lay, first))
        with ThreadPoolExecutor(1) as pool:
            with engines[0].begin() as tx:
                one(tx)
                waiting = pool.submit(do, other)
                wait_for_a_lock(engines[2])
            waiting.result()
        with engines[1].begin() as tx:
            return opened(load(tx), SEALER)
    finally:
        for engine in engines:
            engine.dispose()
        cluster.give_back(url)


def wait_for_a_lock(engine: Engine) -> None:
    blocked = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    waiting = 0
    while not waiting:
        with engine.connect() as watching:
            waiting = watching.execute(blocked).scalar_one()
