"""The ledger under random steps, against a model of a few lines, on every store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection
from tests.charging.helpers import NOW, check_books, leg, rate

from ringback.charging import ledger
from ringback.charging.holds import Hold, Post
from ringback.charging.ledger import (
    CALL,
    LedgerFault,
    LimitRefused,
    RechargeKind,
    RechargeRefused,
    Shortage,
)
from ringback.charging.statement import statement
from ringback.store import InlineStore, Store, open_store

LEGS = ("a", "b", "c")
TARIFF = rate(first_price="0.01", first_block=1, next_block=1, price_per_minute="0.60")

legs = st.sampled_from(LEGS)
blocks = st.integers(0, 40)


@dataclass(frozen=True)
class Reserve:
    holds: dict[str, int]
    """Blocks by leg."""
    trims: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Settle:
    leg: str
    blocks: int | None
    """None: it was not answered."""


@dataclass(frozen=True)
class Recharge:
    amount: int | None
    """Cents; None: unlimited."""
    order: int
    kind: RechargeKind


@dataclass(frozen=True)
class Limit:
    amount: int
    """Cents."""


Operation = Reserve | Settle | Recharge | Limit
operations = st.one_of(
    st.builds(Reserve, st.dictionaries(legs, blocks, min_size=1)),
    st.builds(Reserve, st.dictionaries(legs, blocks), st.dictionaries(legs, blocks)),
    st.builds(Settle, legs, st.none() | blocks),
    st.builds(
        Recharge,
        st.none() | st.integers(-60, 60),
        st.integers(0, 9),
        st.sampled_from(list(RechargeKind)),
    ),
    st.builds(Limit, st.integers(0, 60)),
)


@dataclass
class Model:
    """What should come of it, in cents."""

    balance: int = 50
    limit: int = 0
    unlimited: bool = False
    paid: dict[str, int] = field(default_factory=dict)
    free: dict[str, int] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    orders: dict[int, int | None] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=lambda: {RechargeKind.OPENING: 50})

    @property
    def available(self) -> int:
        return self.balance + self.limit - sum(self.paid.values())

    def enter(self, kind: str, amount: int) -> None:
        self.balance += amount
        self.totals[kind] = self.totals.get(kind, 0) + amount

    def reserve(
        self, holds: dict[str, int], trims: dict[str, int]
    ) -> type[Exception] | type[Shortage] | None:
        if self.settled & (holds.keys() | trims.keys()):
            return LedgerFault
        paid, free = dict(self.paid), dict(self.free)
        for which in trims.keys() & (paid.keys() | free.keys()):
            had = paid.get(which, 0), free.get(which, 0)
            less = max(0, sum(had) - trims[which] - 1)
            of_paid = min(less, had[0])
            paid[which], free[which] = had[0] - of_paid, had[1] - (less - of_paid)
        more = {
            leg: max(0, blocks + 1 - paid.get(leg, 0) - free.get(leg, 0))
            for leg, blocks in holds.items()
        }
        released = sum(self.paid.values()) - sum(paid.values())
        if not self.unlimited and sum(more.values()) - released > self.available:
            return Shortage
        side = free if self.unlimited else paid
        for which, amount in more.items():
            side[which] = side.get(which, 0) + amount
        self.paid, self.free = paid, free
        return None

    def settle(self, leg: str, blocks: int | None) -> type[Exception] | None:
        if leg in self.settled or leg not in self.paid.keys() | self.free.keys():
            return None
        price = 0 if blocks is None else blocks + 1
        if price > self.paid.get(leg, 0) + self.free.get(leg, 0):
            return LedgerFault
        free = self.free.pop(leg, 0)
        if price:
            self.enter(CALL, -max(0, price - free))
        self.paid.pop(leg, 0)
        self.settled.add(leg)
        return None

    def recharge(self, amount: int | None, order: int, kind: str) -> type[Exception] | None:
        if order in self.orders:
            return None if self.orders[order] == amount else RechargeRefused
        if amount is None or (self.unlimited and amount >= 0):
            self.unlimited = True
            for leg, held in self.paid.items():
                self.free[leg] = self.free.get(leg, 0) + held
            self.paid.clear()
            self.enter(kind, 0)
        elif self.unlimited:
            self.unlimited = False
            self.enter(kind, -self.balance)
        elif self.available + amount < 0:
            return RechargeRefused
        else:
            self.enter(kind, amount)
        self.orders[order] = amount
        return None

    def set_limit(self, amount: int) -> type[Exception] | None:
        if self.available - self.limit + amount < 0:
            return LimitRefused
        self.limit = amount
        return None


def expect(model: Model, operation: Operation) -> type[Exception] | type[Shortage] | None:
    match operation:
        case Reserve(holds, trims):
            return model.reserve(holds, trims)
        case Settle(which, used):
            return model.settle(which, used)
        case Recharge(amount, order, kind):
            return model.recharge(amount, order, kind)
        case Limit(amount):
            return model.set_limit(amount)


def held(blocks: dict[str, int]) -> list[Hold]:
    return [Hold(leg, "x", "x", TARIFF.price(n), TARIFF) for leg, n in blocks.items()]


def do(tx: Connection, operation: Operation) -> Shortage | None:
    match operation:
        case Reserve(holds, trims):
            return ledger.reserve(tx, held(holds), held(trims))
        case Settle(which, None):
            ledger.settle(tx, [Post(which, "x", "x", answered=False)], NOW)
        case Settle(which, int(used)):
            price = TARIFF.price(used)
            ledger.settle(tx, [Post(which, "x", "x", True, price, used + 1, "x")], NOW)
        case Recharge(amount, order, kind):
            asked = None if amount is None else Decimal(amount) / 100
            ledger.recharge(tx, "x", asked, str(order), NOW, kind=kind)
        case Limit(cents):
            ledger.set_credit_limit(tx, "x", Decimal(cents) / 100)
    return None


def begin(tx: Connection) -> None:
    ledger.open_account(tx, "x", NOW, balance=Decimal("0.50"))
    for each in LEGS:
        leg(tx, each)


async def play(store: Store, played: list[Operation]) -> None:
    model = Model()
    await store.run(begin)
    for operation in played:
        expected = expect(model, operation)
        for _ in range(2):  # once more changes nothing
            try:
                done = await store.run(lambda tx, operation=operation: do(tx, operation))  # type: ignore[misc]
                met: type | None = None if done is None else type(done)
            except (LedgerFault, RechargeRefused, LimitRefused) as error:
                met = type(error)
            assert met is expected
            await store.read(check_books)
            found = await store.read(lambda tx: ledger.balance(tx, "x"))
            assert found == ledger.Balance(
                Decimal(model.balance) / 100,
                Decimal(sum(model.paid.values())) / 100,
                Decimal(model.limit) / 100,
                model.unlimited,
            )
            told = await store.read(lambda tx: statement(tx, "x"))
            assert told.totals == {
                kind: Decimal(amount) / 100 for kind, amount in model.totals.items()
            }
    await store.close()


@settings(deadline=None)
@given(st.lists(operations, max_size=30))
def test_inline(played: list[Operation]) -> None:
    asyncio.run(play(InlineStore(), played))


@settings(
    deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(played=st.lists(operations, min_size=10, max_size=15))
def test_on_a_database(played: list[Operation], new_database: Callable[[], str]) -> None:
    asyncio.run(play(open_store(new_database()), played))
