"""Late answers: one first block from every payer, or nothing from anybody (spec section 5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

import pytest
from sqlalchemy import Connection, select
from tests.charging.helpers import NOW, check_books, leg, rate

from ringback.charging import ledger
from ringback.charging.holds import reservation_id
from ringback.charging.late import charge_late
from ringback.charging.ledger import Shortage
from ringback.charging.meter import Meter
from ringback.charging.packages import Allowance
from ringback.charging.payers import PayerRate
from ringback.store import Store, models

T = TypeVar("T")

RETAIL = rate(setup="0.01", first_price="0.10")
WHOLESALE = rate(first_price="0.07")
MINUTES = Allowance("acme", "44", "2027-01", 60)
PAYERS = (
    PayerRate("caller", "+447700900123", "retail", RETAIL),
    PayerRate("acme", "acme", "retail", RETAIL, below_id="caller"),
    PayerRate("reseller", "reseller", "wholesale", WHOLESALE, below_id="acme"),
)
WITH_MINUTES = (
    PayerRate("caller", "+447700900123", "retail", RETAIL, MINUTES, debited=False),
    PayerRate("acme", "acme", "retail", RETAIL, MINUTES, below_id="caller"),
    PAYERS[2],
)


def given_up(tx: Connection, payers: tuple[PayerRate, ...] = PAYERS) -> None:
    """A leg was reserved, and released when it was given up."""
    for name in ("caller", "acme", "reseller"):
        ledger.open_account(tx, name, NOW, balance=Decimal("0.11"))
    leg(tx, "a")
    reserve_and_release(tx, "a", payers)


def reserve_and_release(tx: Connection, leg_id: str, payers: tuple[PayerRate, ...]) -> None:
    meter = Meter()
    left = ledger.free_left(tx, [MINUTES])
    step = meter.open_a(leg_id, payers, left)
    assert ledger.reserve(tx, step.holds) is None
    meter.applied(step)
    ledger.settle(tx, meter.settle("A", NOW + 4), NOW + 4)


def balances(tx: Connection) -> list[str]:
    return [str(ledger.balance(tx, name).balance) for name in ("caller", "acme", "reseller")]


def in_store(store: Store, work: Callable[[Connection], T]) -> T:
    """The books are right after it."""

    def checked(tx: Connection) -> T:
        result = work(tx)
        check_books(tx)
        return result

    return asyncio.run(store.run(checked))


def test_every_payer_pays_one_first_block_at_the_rates_of_then(store: Store) -> None:
    def work(tx: Connection) -> None:
        given_up(tx)
        assert charge_late(tx, "a", NOW + 9, NOW + 9) == 60
        assert balances(tx) == ["0.000000", "0.000000", "0.040000"]
        charges = tx.execute(select(models.ChargeRow.__table__)).all()
        assert {(row.payer, row.amount, row.income) for row in charges} == {
            ("+447700900123", Decimal("0.11"), None),
            ("acme", Decimal("0.11"), Decimal("0.11")),
            ("reseller", Decimal("0.07"), Decimal("0.11")),
        }
        assert {row.explanation for row in charges} == {
            "setup 0.01, 60 s at 0.10",
            "60 s at 0.07",
        }
        steps = tx.execute(
            select(models.LedgerEntryRow.step).where(models.LedgerEntryRow.kind == ledger.CALL)
        )
        assert set(steps.scalars()) == {reservation_id("a", each.ledger_id) for each in PAYERS}

    in_store(store, work)


@pytest.mark.parametrize("poor", ["caller", "acme", "reseller"])
def test_nobody_pays_where_one_has_not_enough(store: Store, poor: str) -> None:
    def work(tx: Connection) -> None:
        given_up(tx)
        ledger.recharge(tx, poor, Decimal("-0.05"), "1", NOW)
        before = balances(tx)
        for _ in range(2):  # and nothing is changed by it
            shortage = charge_late(tx, "a", NOW + 9, NOW + 9)
            assert isinstance(shortage, Shortage) and shortage.ledger_id == poor
            assert balances(tx) == before
            assert tx.execute(select(models.ChargeRow.leg_id)).all() == []
        held = tx.execute(select(models.ReservationRow.settled)).scalars().all()
        assert held == [True] * 3

    in_store(store, work)


def test_it_is_charged_once(store: Store) -> None:
    def work(tx: Connection) -> None:
        given_up(tx)
        for name in ("caller", "acme", "reseller"):
            ledger.recharge(tx, name, Decimal(1), "1", NOW)
        charge_late(tx, "a", NOW + 9, NOW + 9)
        before = balances(tx)
        assert isinstance(charge_late(tx, "a", NOW + 9, NOW + 9), Shortage)
        assert balances(tx) == before

    in_store(store, work)


def test_what_was_never_reserved_is_paid_by_nobody(store: Store) -> None:
    assert isinstance(in_store(store, lambda tx: charge_late(tx, "a", NOW, NOW)), Shortage)


def test_free_minutes_pay_it_before_money(store: Store) -> None:
    """But for the setup, and once for all whose plan it is."""

    def work(tx: Connection) -> None:
        given_up(tx, WITH_MINUTES)
        assert charge_late(tx, "a", NOW + 9, NOW + 9) == 60
        assert balances(tx) == ["0.100000", "0.100000", "0.040000"]
        row = tx.execute(select(models.AllowanceRow.__table__)).one()
        assert (row.reserved, row.used) == (0, 60)

    in_store(store, work)


def test_free_minutes_that_have_gone_meanwhile_are_money(store: Store) -> None:
    def work(tx: Connection) -> None:
        given_up(tx, WITH_MINUTES)
        leg(tx, "b")
        step = Meter().open_a("b", WITH_MINUTES, ledger.free_left(tx, [MINUTES]))
        assert ledger.reserve(tx, step.holds) is None
        for name in ("caller", "acme", "reseller"):
            ledger.recharge(tx, name, Decimal(1), "1", NOW)
        assert charge_late(tx, "a", NOW + 9, NOW + 9) == 60
        assert balances(tx) == ["1.000000", "1.000000", "1.040000"]

    in_store(store, work)


def test_unlimited_credit_is_entered_with_its_price(store: Store) -> None:
    def work(tx: Connection) -> None:
        given_up(tx)
        ledger.recharge(tx, "caller", None, "1", NOW)
        assert charge_late(tx, "a", NOW + 9, NOW + 9) == 60
        entry = tx.execute(
            select(models.LedgerEntryRow.amount, models.LedgerEntryRow.price).where(
                models.LedgerEntryRow.ledger_id == "caller",
                models.LedgerEntryRow.kind == ledger.CALL,
            )
        ).one()
        assert (entry.amount, entry.price) == (0, Decimal("0.11"))

    in_store(store, work)
