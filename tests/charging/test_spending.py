"""What guarded budgets have spent: what reservations hold that are part of them, then what was
used, whoever pays."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Connection
from tests.charging.helpers import NOW, Work, hold, leg, post, release

from ringback.charging import ledger
from ringback.charging.holds import Hold, Post, Shortage
from ringback.store import Store

TODAY, TOMORROW, CALL = "e/2026-11-26", "e/2026-11-27", "c/session"


class Budgets:
    def __init__(self, store: Store, unlimited: bool) -> None:
        self._store = store
        self._run(lambda tx: self._open(tx, unlimited))

    @staticmethod
    def _open(tx: Connection, unlimited: bool) -> None:
        ledger.open_account(tx, "x", NOW, balance=Decimal("1.00"))
        if unlimited:
            ledger.recharge(tx, "x", None, "1", NOW)
        leg(tx, "a")
        leg(tx, "b", "B")

    def _run(self, work: Work[object]) -> object:
        return asyncio.run(self._store.run(work))

    def reserve(self, *holds: Hold, less: tuple[Hold, ...] = ()) -> Shortage | None:
        return asyncio.run(self._store.run(lambda tx: ledger.reserve(tx, holds, less)))

    def settle(self, *posts: Post) -> None:
        self._run(lambda tx: ledger.settle(tx, posts, NOW))

    def crash(self, leg_id: str, alive: float) -> None:
        """What a restart settles: leg a was answered at NOW."""
        self._run(lambda tx: ledger.settle_interrupted(tx, leg_id, NOW, NOW + alive, NOW + alive))

    def spent(self) -> Mapping[str, Decimal]:
        ids = [TODAY, TOMORROW, CALL]
        return asyncio.run(self._store.read(lambda tx: ledger.spent(tx, ids)))


@pytest.fixture(params=[False, True], ids=["limited", "unlimited"])
def budgets(store: Store, request: pytest.FixtureRequest) -> Budgets:
    return Budgets(store, request.param)


def part_of(blocks: int, *spends: str, leg_id: str = "a") -> Hold:
    """A hold of 0.01 for the first block and for each of the others."""
    return replace(hold(blocks, leg_id), spends=spends)


def test_what_is_held_counts_then_what_was_used(budgets: Budgets) -> None:
    assert budgets.spent() == {}
    budgets.reserve(part_of(9, TODAY, CALL))
    assert budgets.spent() == {TODAY: Decimal("0.10"), CALL: Decimal("0.10")}
    budgets.reserve(part_of(29, TODAY, CALL))
    budgets.reserve(part_of(29, TODAY, CALL))
    assert budgets.spent() == {TODAY: Decimal("0.30"), CALL: Decimal("0.30")}
    budgets.reserve(less=(part_of(19, TODAY, CALL),))
    assert budgets.spent()[TODAY] == Decimal("0.20")
    for _ in range(2):
        budgets.settle(post(4))
        assert budgets.spent() == {TODAY: Decimal("0.05"), CALL: Decimal("0.05")}


def test_a_leg_that_nobody_answered_has_spent_nothing(budgets: Budgets) -> None:
    budgets.reserve(part_of(9, TODAY))
    budgets.settle(release())
    assert budgets.spent() == {TODAY: 0}


def test_a_crash_leaves_what_was_charged(budgets: Budgets) -> None:
    budgets.reserve(part_of(9, TODAY))
    budgets.crash("a", 2.5)
    assert budgets.spent() == {TODAY: Decimal("0.03")}


def test_each_leg_is_spent_on_the_day_it_was_dialled(budgets: Budgets) -> None:
    """Whatever the day is on which it is settled."""
    budgets.reserve(part_of(9, TODAY))
    budgets.reserve(part_of(19, TODAY), part_of(4, TOMORROW, leg_id="b"))
    assert budgets.spent() == {TODAY: Decimal("0.20"), TOMORROW: Decimal("0.05")}
    budgets.settle(post(14), replace(post(2), leg_id="b"))
    assert budgets.spent() == {TODAY: Decimal("0.15"), TOMORROW: Decimal("0.03")}


@pytest.mark.parametrize("budgets", [False], indirect=True)
def test_what_cannot_be_reserved_is_not_spent(budgets: Budgets) -> None:
    budgets.reserve(part_of(49, TODAY))
    assert budgets.reserve(part_of(149, TODAY)) is not None
    assert budgets.spent() == {TODAY: Decimal("0.50")}
