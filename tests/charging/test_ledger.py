"""The ledger by example."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
from sqlalchemy import Connection, delete, select, update
from sqlalchemy.exc import IntegrityError
from tests.charging.helpers import CENT, NOW, Work, check_books, hold, leg, payer, post, release
from tests.postgresql import Cluster

from ringback.amounts import LARGEST, BadAmount
from ringback.charging import ledger
from ringback.charging.holds import Hold, Post
from ringback.charging.ledger import LedgerFault, RechargeKind, RechargeRefused
from ringback.charging.means import Means
from ringback.charging.meter import Meter
from ringback.store import InlineStore, Store, models


class Books:
    """A store with the ledger accounts x (1.00) and y (0.05), and the legs a and b."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._runner = asyncio.Runner()
        self.do(self._open)

    @staticmethod
    def _open(tx: Connection) -> None:
        ledger.open_account(tx, "x", NOW, balance=Decimal("1.00"))
        ledger.open_account(tx, "y", NOW, balance=Decimal("0.05"))
        leg(tx, "a")
        leg(tx, "b", "B")

    def close(self) -> None:
        self._runner.close()

    def do(self, work: Work[object]) -> object:
        return self._runner.run(self.store.run(work))

    def reserve(self, *holds: Hold) -> ledger.Shortage | None:
        return self._runner.run(self.store.run(lambda tx: ledger.reserve(tx, holds)))

    def settle(self, *posts: Post) -> None:
        self.do(lambda tx: ledger.settle(tx, posts, NOW))

    def recharge(
        self, amount: str | None, order: str, kind: RechargeKind = RechargeKind.PAYMENT
    ) -> ledger.Recharged:
        asked = None if amount is None else Decimal(amount)
        note = f"note of {order}"
        return self._runner.run(
            self.store.run(
                lambda tx: ledger.recharge(
                    tx, "x", asked, order, NOW, kind=kind, note=note, who="desk"
                )
            )
        )

    def balance(self, ledger_id: str = "x") -> ledger.Balance:
        return self._runner.run(self.store.read(lambda tx: ledger.balance(tx, ledger_id)))

    def entries(self, ledger_id: str = "x") -> list[tuple[str, Decimal, Decimal | None]]:
        entry = models.LedgerEntryRow
        query = select(entry.kind, entry.amount, entry.price).where(entry.ledger_id == ledger_id)
        return asyncio.run(
            self.store.read(lambda tx: [(*row,) for row in tx.execute(query.order_by(entry.id))])
        )

    def charges(self) -> list[tuple[str, str, Decimal, str]]:
        charge = models.ChargeRow
        query = select(charge.leg_id, charge.payer, charge.amount, charge.explanation)
        return self._runner.run(self.store.read(lambda tx: [(*row,) for row in tx.execute(query)]))


@pytest.fixture
def books(store: Store) -> Iterator[Books]:
    books = Books(store)
    yield books
    books.do(check_books)
    books.close()


# Calls


def test_what_was_used_is_posted_once_and_the_rest_released(books: Books) -> None:
    """ivozprovider #703 charged in the call and at its end."""
    books.reserve(hold(0))
    books.reserve(hold(29))
    assert books.balance().available == Decimal("0.70")
    for _ in range(2):
        books.settle(post(9))
        assert books.balance() == ledger.Balance(
            Decimal("0.90"), Decimal(0), Decimal(0), unlimited=False
        )
    assert books.entries() == [
        ("opening", Decimal("1.00"), None),
        ("call", Decimal("-0.10"), Decimal("0.10")),
    ]
    assert books.charges() == [
        ("a", "payer x", Decimal("0.10"), "1 s at 0.01, 9 × 1 s at 0.60/min")
    ]


def test_an_unanswered_leg_leaves_no_trace_in_the_balance(books: Books) -> None:
    books.reserve(hold(9))
    books.settle(release())
    assert books.balance().available == Decimal("1.00")
    assert [kind for kind, *_ in books.entries()] == ["opening"]
    assert books.charges() == []


def test_a_hold_again_or_overtaken_changes_nothing(books: Books) -> None:
    for blocks in (0, 0, 29, 9, 29):
        books.reserve(hold(blocks))
    assert books.balance().reserved == Decimal("0.30")


def test_what_one_leg_gives_back_pays_for_another_or_nothing_changes(books: Books) -> None:
    books.reserve(hold(99))
    legs = [hold(n, leg) for leg, n in (("a", 49), ("b", 50))]

    def exchange(tx: Connection) -> ledger.Shortage | None:
        return ledger.reserve(tx, legs[1:], legs[:1])

    assert str(books.do(exchange)) == "payer x: 0.01 is to be reserved, 0.00 is available"
    books.settle(post(99))  # leg a still holds all of it
    assert books.balance().balance == 0


def test_what_was_granted_pays_for_nothing_once_it_is_given_back(books: Books) -> None:
    books.recharge(None, "unlimited")
    books.reserve(hold(9))
    books.recharge("-1.00", "none left")
    assert books.do(lambda tx: ledger.reserve(tx, [hold(0, "b")], [hold(0)])) is not None
    books.settle(post(9))
    assert books.balance().available == 0


def test_all_payers_or_none(books: Books) -> None:
    books.reserve(hold(0), hold(0, ledger_id="y"))
    shortage = books.reserve(hold(5), hold(5, ledger_id="y"))
    assert str(shortage) == "payer y: 0.05 is to be reserved, 0.04 is available"
    assert books.balance("x").reserved == books.balance("y").reserved == Decimal("0.01")


def test_both_legs_of_one_payer_count_together(books: Books) -> None:
    assert books.reserve(hold(2, "a", "y"), hold(2, "b", "y")) is not None
    books.reserve(hold(2, "a", "y"), hold(1, "b", "y"))
    assert books.balance("y").available == 0


def test_credit_for_one_call_is_not_credit_for_thirty(books: Books) -> None:
    """magnusbilling #38: thirty calls on the credit of one."""
    answered = 0
    for call in range(30):
        answered += books.reserve(hold(3, f"leg {call}", "y")) is None
    assert answered == 1


def test_more_than_was_reserved_is_never_posted(books: Books) -> None:
    books.reserve(hold(4))
    with pytest.raises(LedgerFault, match=r"0\.06 used of 0\.05 reserved"):
        books.settle(post(5))
    assert books.balance().reserved == Decimal("0.05")


def test_a_settled_leg_reserves_no_more(books: Books) -> None:
    books.reserve(hold(4))
    books.settle(post(4))
    with pytest.raises(LedgerFault, match="settled already"):
        books.reserve(hold(5))


def test_postpaid_goes_to_its_limit_and_not_below(books: Books) -> None:
    books.do(lambda tx: ledger.set_credit_limit(tx, "y", Decimal("0.05")))
    books.reserve(hold(9, ledger_id="y"))
    assert books.reserve(hold(10, ledger_id="y")) is not None
    books.settle(post(9, ledger_id="y"))
    assert books.balance("y").balance == Decimal("-0.05")
    with pytest.raises(
        ledger.LimitRefused, match=r"0\.04 is too low: 0\.05 is .* the least possible"
    ):
        books.do(lambda tx: ledger.set_credit_limit(tx, "y", Decimal("0.04")))


def test_a_limit_as_high_as_an_amount_can_be_is_no_fault(books: Books) -> None:
    books.do(lambda tx: ledger.set_credit_limit(tx, "x", LARGEST))
    assert books.balance().available == LARGEST
    meter = Meter()
    meter.applied(meter.open_a("a", [payer("x", CENT)]))
    meter.answered("A", NOW)

    def work(tx: Connection) -> None:
        step = meter.slice(Means(ledger.available(tx, ["x"])))
        ledger.reserve(tx, step.holds)
        meter.applied(step)

    books.do(work)
    assert meter.funded() == NOW + 61


# After a crash


@pytest.mark.parametrize(
    ("alive", "charged", "billed"),
    [
        (NOW + 4.5, "0.05", 5),
        (NOW - 1, "0.01", 1),  # no sign of life since the answer
        (NOW + 3600, "0.30", 30),  # never more than was reserved
    ],
)
def test_a_leg_left_by_a_crash_is_charged_to_its_sign_of_life(
    books: Books, alive: float, charged: str, billed: int
) -> None:
    books.reserve(hold(29))
    for result in (billed, None):
        assert (
            books.do(lambda tx: ledger.settle_interrupted(tx, "a", NOW, alive, NOW + 9)) == result
        )
        assert books.balance().available == Decimal(1) - Decimal(charged)
    assert books.charges()[0][1:3] == ("payer x", Decimal(charged))


def test_an_unanswered_leg_left_by_a_crash_costs_nothing(books: Books) -> None:
    books.reserve(hold(29))
    assert books.do(lambda tx: ledger.settle_interrupted(tx, "a", None, NOW, NOW)) is None
    assert books.balance().available == Decimal("1.00")


# Recharges


def accounts_locked(work: Work[object]) -> list[str]:
    """The ledger accounts that a unit of work changes, in the order in which it does: another
    that changes them in another order would wait for this one, and this one for it."""
    books = Books(InlineStore())
    books.reserve(hold(2, "a", "y"), hold(2, "a", "x"))

    def watched(tx: Connection) -> list[str]:
        tx.exec_driver_sql("CREATE TEMP TABLE touched (id TEXT)")
        tx.exec_driver_sql(
            "CREATE TEMP TRIGGER touch AFTER UPDATE ON ledger_accounts "
            "BEGIN INSERT INTO touched VALUES (new.id); END"
        )
        work(tx)
        return list(tx.exec_driver_sql("SELECT id FROM touched").scalars())

    locked = asyncio.run(books.store.run(watched))
    books.close()
    return locked


@pytest.mark.parametrize(
    "work",
    [
        lambda tx: ledger.reserve(tx, [hold(3, "a", "y"), hold(3, "a", "x")]),
        lambda tx: ledger.reserve(tx, [], [hold(1, "a", "y"), hold(1, "a", "x")]),
        lambda tx: ledger.settle(tx, [post(1, "a", "y"), post(1, "a", "x")], NOW),
    ],
    ids=["reserve", "trim", "settle"],
)
def test_accounts_are_locked_in_the_order_of_their_ids(work: Work[object]) -> None:
    assert accounts_locked(work) == ["x", "y"]


def test_an_order_number_counts_once(books: Books) -> None:
    assert books.recharge("5.00", "A-1").changed
    again = books.recharge("5.00", "A-1")
    assert not again.changed
    assert again.credit.balance == Decimal("6.00")
    with pytest.raises(RechargeRefused, match=r"'A-1' has been entered already, with 5\.00, not 4"):
        books.recharge("4.00", "A-1")
    with pytest.raises(RechargeRefused, match=r"with 5\.00, not unlimited"):
        books.recharge(None, "A-1")


@pytest.mark.parametrize("kind", list(RechargeKind))
def test_a_recharge_is_entered_with_kind_note_who_when_and_the_credit_left(
    books: Books, kind: RechargeKind
) -> None:
    books.recharge("0.50", "A-1", kind)
    books.recharge("0.50", "A-1", RechargeKind.CLOSED)  # the order has been entered: as it was
    entry = models.LedgerEntryRow
    query = select(
        entry.kind, entry.note, entry.who, entry.at, entry.balance_after, entry.explanation
    ).where(entry.step == "recharge/A-1")
    found = books.do(lambda tx: tx.execute(query).one())
    left = Decimal("1.50")
    assert found == (kind, "note of A-1", "desk", NOW, left, "order A-1: 0.50")


def test_an_order_number_counts_once_for_each_who_is_recharged(books: Books) -> None:
    books.recharge("0.50", "A-1")
    books.do(lambda tx: ledger.recharge(tx, "y", Decimal("0.20"), "A-1", NOW))
    assert books.balance("y").balance == Decimal("0.25")


def test_a_postpaid_account_pays_out_to_its_limit_and_not_below(books: Books) -> None:
    books.do(lambda tx: ledger.set_credit_limit(tx, "x", Decimal("0.50")))
    books.reserve(hold(9))
    with pytest.raises(RechargeRefused, match=r"1\.41 cannot be taken: at most 1\.40 is avail"):
        books.recharge("-1.41", "A-1", RechargeKind.REFUND)
    assert books.recharge("-1.40", "A-2", RechargeKind.REFUND).credit.available == 0
    assert books.balance().balance == Decimal("-0.40")


def test_nothing_reserved_can_be_taken_away(books: Books) -> None:
    """ASTPP #145 moved the balance away during a call."""
    books.reserve(hold(29))
    with pytest.raises(RechargeRefused, match=r"0\.71 cannot be taken: at most 0\.70 is avail"):
        books.recharge("-0.71", "A-1")
    assert books.recharge("-0.70", "A-2").credit.available == 0


def test_more_than_an_account_can_hold_is_refused(books: Books) -> None:
    for amount in ("999999999999.00", "0.0000001"):
        with pytest.raises(BadAmount):
            books.recharge(amount, "A-1")


def test_an_unlimited_credit_is_entered_with_price_and_no_amount(books: Books) -> None:
    assert books.recharge(None, "A-1").credit.unlimited
    assert not books.recharge(None, "A-1").changed
    assert books.recharge("5.00", "A-2").credit.unlimited
    assert books.balance().available == ledger.UNLIMITED
    books.reserve(hold(999))
    books.settle(post(499))
    assert books.balance().balance == Decimal("1.00")
    assert books.entries()[1:] == [
        ("payment", Decimal(0), None),
        ("payment", Decimal(0), Decimal("5.00")),
        ("call", Decimal(0), Decimal("5.00")),
    ]
    assert books.charges()[0][2:] == (
        Decimal(0),
        "1 s at 0.01, 499 × 1 s at 0.60/min; unlimited credit pays 5.00 of it",
    )


def test_unlimited_plus_less_than_zero_is_zero(books: Books) -> None:
    books.reserve(hold(9, "b"))  # while limited
    books.recharge(None, "A-1")
    books.reserve(hold(99))
    taken = books.recharge("-0.01", "A-2")
    assert taken.credit == ledger.Balance(Decimal(0), Decimal(0), Decimal(0), unlimited=False)
    assert books.reserve(hold(100)) is not None
    books.settle(post(99), post(9, "b"))  # what was granted is not taken back
    assert books.balance().available == 0
    assert sum(amount for _, amount, _ in books.entries()) == 0


def test_money_pays_what_was_granted_after_unlimited(books: Books) -> None:
    books.recharge(None, "A-1")
    books.reserve(hold(9))
    books.recharge("-1.00", "A-2")
    books.recharge("1.00", "A-3")
    books.reserve(hold(19))
    books.settle(post(14))
    assert books.balance().balance == Decimal("0.95")


def test_no_such_account(books: Books) -> None:
    with pytest.raises(KeyError):
        books.balance("z")


# The database's own constraints


def test_entries_are_append_only(books: Books) -> None:
    for change in (
        update(models.LedgerEntryRow).values(amount=Decimal(9)),
        delete(models.LedgerEntryRow),
    ):
        with pytest.raises(IntegrityError, match="append-only"):
            books.do(lambda tx, change=change: tx.execute(change))  # type: ignore[misc]


def test_entries_are_not_truncated(cluster: Cluster) -> None:
    url = cluster.fresh()
    refused = pytest.raises(psycopg.errors.RestrictViolation, match="append-only")
    with psycopg.connect(url) as connection, refused:
        connection.execute("TRUNCATE ledger_entries")
    cluster.give_back(url)


def test_available_is_never_negative(books: Books) -> None:
    with pytest.raises(IntegrityError, match="available"):
        books.do(
            lambda tx: tx.execute(update(models.LedgerAccountRow).values(reserved=Decimal("1.01")))
        )
