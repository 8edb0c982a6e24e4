"""Free minutes: whose they are, of which month, and what a change of the package does to them."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import Connection, select
from tests.charging.helpers import NOW, leg, rate

from ringback.charging import ledger
from ringback.charging.holds import Hold, Post
from ringback.charging.packages import Allowance, allowance
from ringback.charging.rating import Free
from ringback.store import Store, models

PACKAGES = [{"prefix": "44", "minutes": 100}, {"prefix": "4420", "minutes": 5}]


@pytest.mark.parametrize(
    ("number", "prefix", "seconds"),
    [("+441632960000", "44", 6000), ("+442079460000", "4420", 300), ("+33123456789", None, 0)],
)
def test_the_longest_prefix_gives_the_minutes(
    number: str, prefix: str | None, seconds: int
) -> None:
    found = allowance(PACKAGES, number, "x", NOW, "UTC")
    if found is None:
        assert prefix is None
    else:
        assert (found.ledger_id, found.prefix, found.seconds) == ("x", prefix, seconds)


@pytest.mark.parametrize(
    ("dialled", "zone", "month"),
    [
        ("2026-10-31T23:59:59.999999", "UTC", "2026-10"),
        ("2026-11-01T00:00:00", "UTC", "2026-11"),
        ("2026-10-31T15:00:00", "Asia/Tokyo", "2026-11"),
        ("2026-11-01T03:59:59", "America/New_York", "2026-10"),
        ("2026-03-31T23:00:00", "Europe/London", "2026-04"),  # summer time has begun
        ("2026-03-31T22:59:59", "Europe/London", "2026-03"),
        ("2026-10-31T23:00:00", "Europe/London", "2026-10"),  # and is over
    ],
)
def test_the_month_is_that_of_the_accounts_zone_when_dialled(
    dialled: str, zone: str, month: str
) -> None:
    at = datetime.fromisoformat(dialled).replace(tzinfo=UTC).timestamp()
    found = allowance(PACKAGES, "+442079460000", "x", at, zone)
    assert found is not None
    assert found.month == month


TARIFF = rate()
GIVEN = Allowance("x", "44", "2027-01", 120)


def held(leg_id: str, free: Free, given: Allowance) -> Hold:
    return Hold(leg_id, "x", "acme", TARIFF.price(0, free), TARIFF, free, given)


def minutes(tx: Connection) -> tuple[int, int]:
    row = tx.execute(select(models.AllowanceRow.reserved, models.AllowanceRow.used)).one()
    return row.reserved, row.used


def test_a_package_that_is_made_smaller_in_mid_month_is_used_up(store: Store) -> None:
    """A call costs money then. It is not refused."""

    def work(tx: Connection) -> None:
        ledger.open_account(tx, "x", NOW, balance=TARIFF.price(0))
        leg(tx, "a")
        ledger.reserve(tx, [held("a", Free(first=True), GIVEN)])
        free = Post("a", "x", "acme", True, billed_seconds=60, free=Free(first=True))
        ledger.settle(tx, [free], NOW)
        assert minutes(tx) == (0, 60)

        smaller = replace(GIVEN, seconds=30)
        assert ledger.free_left(tx, [smaller]) == {GIVEN.id: 0}
        ledger.reserve(tx, [held("b", Free(), smaller)])
        assert ledger.balance(tx, "x").available == 0
        assert minutes(tx) == (0, 60)

        assert ledger.free_left(tx, [GIVEN]) == {GIVEN.id: 60}
        ledger.reserve(tx, [held("c", Free(first=True), GIVEN)])
        assert minutes(tx) == (60, 60)

    asyncio.run(store.run(work))


def test_free_minutes_that_are_reserved_are_not_given_twice(store: Store) -> None:
    def work(tx: Connection) -> None:
        ledger.open_account(tx, "x", NOW)
        one = replace(GIVEN, seconds=60)
        ledger.reserve(tx, [held("a", Free(first=True), one)])
        shortage = ledger.reserve(tx, [held("b", Free(first=True), one)])
        assert shortage is not None and "free minutes to +44" in shortage.reason

    asyncio.run(store.run(work))
