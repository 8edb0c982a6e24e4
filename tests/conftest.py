"""Databases for tests: SQLite files, and a PostgreSQL server that lives as long as the run."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings
from tests.postgresql import Cluster

from ringback.store import InlineStore, Store, migrate, open_store

settings.register_profile("ringback", deadline=None)  # a busy machine is no failure
settings.load_profile("ringback")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with Cluster() as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], str]]:
    """Makes databases with their tables, of both kinds, and returns their URLs."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("databases")
        numbers = itertools.count()

        def make() -> str:
            url = f"sqlite:///{folder}/{next(numbers)}.db"
            migrate(url)
            return url

        yield make
        return

    cluster: Cluster = request.getfixturevalue("cluster")
    made: list[str] = []

    def create() -> str:
        made.append(cluster.fresh())
        return made[-1]

    yield create
    for url in made:
        cluster.give_back(url)


@pytest.fixture
def database(new_database: Callable[[], str]) -> str:
    """The URL of a new database with its tables, of both kinds."""
    return new_database()


@pytest.fixture(params=["inline", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store of both kinds."""
    if request.param == "inline":
        yield InlineStore()
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    url = cluster.fresh()
    store = open_store(url)
    yield store
    asyncio.run(store.close())
    cluster.give_back(url)
