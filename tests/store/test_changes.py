"""Changes of one row: the function's signature is what happens to the row."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from sqlalchemy import Connection, insert, select

from ringback.clock import Instant
from ringback.store import Store, models
from ringback.store.changes import updates

T = TypeVar("T")


@updates(models.LockRow, models.LockRow.times < 3, failures=0)
def locked(tx: Connection, key: str, until: Instant | None, *, times: int) -> None:
    """The key is locked until then."""


def done(store: Store, work: Callable[[Connection], T]) -> T:
    return asyncio.run(store.run(work))


def rows(tx: Connection) -> list[tuple[object, ...]]:
    return [tuple(row) for row in tx.execute(select(models.LockRow.__table__).order_by("key"))]


def test_only_the_row_of_the_key_and_only_the_columns_named(store: Store) -> None:
    def work(tx: Connection) -> tuple[int, list[tuple[object, ...]]]:
        for key in "ab":
            tx.execute(insert(models.LockRow), {"key": key, "failures": 4, "times": 1})
        return locked(tx, "a", 7.000001, times=2), rows(tx)

    assert done(store, work) == (1, [("a", 0, 2, 7.000001), ("b", 4, 1, None)])


def test_a_row_for_which_the_condition_does_not_hold_is_left_alone(store: Store) -> None:
    def work(tx: Connection) -> tuple[int, list[tuple[object, ...]]]:
        tx.execute(insert(models.LockRow), {"key": "a", "failures": 4, "times": 3})
        return locked(tx, "a", None, times=1), rows(tx)

    assert done(store, work) == (0, [("a", 4, 3, None)])


def test_a_row_that_is_not_there(store: Store) -> None:
    assert done(store, lambda tx: locked(tx, "a", until=1.0, times=1)) == 0


def test_a_parameter_that_is_no_column_is_a_fault() -> None:
    with pytest.raises(TypeError, match="LockRow has no column 'when'"):

        @updates(models.LockRow)
        def unlocked(tx: Connection, key: str, when: Instant) -> None:
            """No column has this name."""
