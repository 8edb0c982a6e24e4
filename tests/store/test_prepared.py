"""Prepared statements: the same as SQLAlchemy's own execution, on every store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from ringback.store import Store, models
from ringback.store.prepared import Prepared

T = TypeVar("T")

_A = models.LedgerAccountRow
_INSERT = Prepared(insert(_A))
_SOME = Prepared(select(_A).where(_A.id.in_(bindparam("ids", expanding=True))).order_by(_A.id))
_TAKE = Prepared(
    update(_A)
    .where(_A.id == bindparam("id"), _A.balance >= bindparam("more"), ~_A.unlimited)
    .values(reserved=_A.reserved + bindparam("more"))
    .returning(_A.reserved)
)
_BEAT = Prepared(
    update(models.HeartbeatRow).where(models.HeartbeatRow.node == "a").values(at=bindparam("at"))
)


def ledger(name: str, **more: Any) -> dict[str, Any]:
    row = {"balance": Decimal("5.000001"), "reserved": Decimal(0), "credit_limit": Decimal(0)}
    return {"id": name, "unlimited": False, **row, **more}


def done(store: Store, work: Callable[[Connection], T]) -> T:
    return asyncio.run(store.run(work))


def test_values_are_converted_both_ways(store: Store) -> None:
    def work(tx: Connection) -> tuple[list[Any], list[Any]]:
        for name in "ab":
            _INSERT.run(tx, **ledger(name))
        _INSERT.run(tx, **ledger("c", unlimited=True))
        ours = _SOME.rows(tx, ids=["a", "b", "c"])
        return ours, list(tx.execute(select(_A.__table__).order_by(_A.id)))

    ours, theirs = done(store, work)
    assert [tuple(row) for row in ours] == [tuple(row) for row in theirs]
    assert ours[0].balance == Decimal("5.000001")
    assert [row.unlimited for row in ours] == [False, False, True]


def test_lists_of_any_length(store: Store) -> None:
    def work(tx: Connection) -> list[list[str]]:
        for name in "abc":
            _INSERT.run(tx, **ledger(name))
        lists: list[list[str]] = [["b"], ["a", "c"], [], ["a", "b", "c"], ["c"]]
        return [_SOME.values(tx, ids=ids) for ids in lists]

    assert done(store, work) == [["b"], ["a", "c"], [], ["a", "b", "c"], ["c"]]


def test_what_it_changed_and_what_it_returned(store: Store) -> None:
    def work(tx: Connection) -> tuple[Any, Any, int, int]:
        _INSERT.run(tx, **ledger("a"))
        taken = _TAKE.value(tx, id="a", more=Decimal("0.5"))
        refused = _TAKE.value(tx, id="a", more=Decimal("6"))
        none = _BEAT.run(tx, at=1.0)
        tx.execute(insert(models.HeartbeatRow), {"node": "a", "at": 1.0})
        return taken, refused, none, _BEAT.run(tx, at=2.000001)

    assert done(store, work) == (Decimal("0.5"), None, 0, 1)
    at = done(store, lambda tx: tx.execute(select(models.HeartbeatRow.at)).scalar())
    assert at == 2.000001


def test_a_constraint_refuses_as_it_does_sqlalchemy(store: Store) -> None:
    with pytest.raises(IntegrityError):
        done(store, lambda tx: _INSERT.run(tx, **ledger("a", reserved=Decimal("77.123456"))))
    assert done(store, lambda tx: _SOME.rows(tx, ids=["a"])) == []


def test_what_is_missing_is_a_fault(store: Store) -> None:
    done(store, lambda tx: _INSERT.run(tx, **ledger("a")))
    with pytest.raises(KeyError):
        done(store, lambda tx: [_SOME.rows(tx, ids=["a"]), _SOME.rows(tx)])
