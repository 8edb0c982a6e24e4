"""Sessions that share credit, free minutes and a reseller, under random steps: meter and ledger
together against what a few lines say should come of it, and the books after every step."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Connection
from tests.charging import helpers
from tests.charging.helpers import NOW, check_books, rate
from tests.charging.reference import Line, Rated, rated
from tests.charging.stored import (
    charged,
    check_minutes,
    incomes,
    minutes_used,
    stored_free,
    stored_seconds,
)

from ringback.charging import ledger
from ringback.charging.holds import Role
from ringback.charging.meter import Meter
from ringback.charging.money import Money
from ringback.charging.payers import PayerRate, payers
from ringback.charging.rating import Free
from ringback.levels import of_extension
from ringback.store import InlineStore, Store, open_store

T = TypeVar("T")
CALLER = "+447700900123"
TAIL = 3.0
RETAIL = rate("44", first_block=12, first_price="0.07", next_block=7, price_per_minute="0.31")
WHOLESALE = rate("44", "0.003", 7, None, 6, "0.04")
PLANS = {"retail": RETAIL, "wholesale": WHOLESALE}
PLAN_OF = {CALLER: "retail", "acme": "retail", "reseller": "wholesale"}
MINUTES = 2


@dataclass
class Call:
    """One leg as the model sees it."""

    id: str
    answered: float | None = None
    ended: float | None = None
    lasts: float = 0.0
    """Seconds that were paid for when it was settled."""
    free: dict[str, Free] = field(default_factory=dict)
    """What free minutes paid by payer then: all who pay for it."""


@dataclass
class Talk:
    """One session."""

    meter: Meter = field(default_factory=Meter)
    who: str | None = CALLER
    """The callerID who pays; None until somebody is identified."""
    legs: dict[Role, Call] = field(default_factory=dict)
    tail: float = TAIL


def world(tx: Connection) -> None:
    """admin > reseller (plan wholesale) > acme (plan retail), and its callerID."""
    helpers.account(tx, "admin", level="administrator")
    helpers.plan(tx, "retail", "admin", RETAIL, minutes={"44": MINUTES})
    helpers.plan(tx, "wholesale", "admin", WHOLESALE)
    helpers.account(tx, "reseller", "admin", "wholesale", "provider", balance="0.40")
    helpers.account(tx, "acme", "reseller", "retail", "organization", balance="5")
    helpers.extension(tx, "travellers", "acme")
    helpers.caller_id(tx, CALLER, "travellers")
    ledger.recharge(tx, f"ledger-{CALLER}", Decimal(2), "first", NOW)


class Sessions(RuleBasedStateMachine):
    """Two sessions of one callerID, of which the second is identified later."""

    def __init__(self, open_books: Callable[[], Store]) -> None:
        super().__init__()
        self.store = open_books()
        self.do(world)
        self.now = NOW
        self.orders = 0
        self.calls = 0
        self.talks = [Talk(), Talk(who=None)]
        self.over: list[Call] = []
        """The legs that are settled."""

    def do(self, work: Callable[[Connection], T]) -> T:
        return asyncio.run(self.store.run(work))

    def teardown(self) -> None:
        for which in (0, 1):
            self.ends(which, "A")
        self._see_charges()
        asyncio.run(self.store.close())

    # What may happen

    which = st.sampled_from((0, 1))

    @initialize()
    def calls_begin(self) -> None:
        for talk in self.talks:
            self._go_on(talk, 5.0)

    @rule(which=which, steps=st.integers(1, 4), wait=st.floats(0, 40))
    def goes_on(self, which: int, steps: int, wait: float) -> None:
        """Leg A is dialled, answered, leg B dialled, answered."""
        for _ in range(steps):
            self._go_on(self.talks[which], wait)

    @rule()
    def claims(self) -> None:
        """Whoever is identified pays leg A from its answer, or it ends."""
        talk, now = self.talks[1], self.now
        a = talk.legs.get("A")
        if talk.who is not None or a is None or a.answered is None or "B" in talk.legs:
            return

        shortage = self._change(
            talk,
            lambda money: money.change_payers_a(self._paying(money.tx, CALLER), now + 10),
        )
        if shortage is not None:
            self._end(talk, "A")
            return
        talk.who = CALLER

    account = st.sampled_from(("ledger-acme", "ledger-reseller"))

    @rule(account=account, limit=st.integers(0, 100))
    def limits(self, account: str, limit: int) -> None:
        """It is refused only where more than that is owed or reserved."""
        asked, before = Decimal(limit) / 100, self._balance(account)
        taken = before.reserved - before.balance
        try:
            self.do(lambda tx: ledger.set_credit_limit(tx, account, asked))
        except ledger.LimitRefused:
            assert asked < taken
            return
        assert self._balance(account).available == asked - taken >= 0

    @rule(
        account=account,
        amount=st.integers(-300, 200),
        kind=st.sampled_from(list(ledger.RechargeKind)),
    )
    def recharges_account(self, account: str, amount: int, kind: ledger.RechargeKind) -> None:
        """What is reserved cannot be taken, all else can; nobody above pays for it."""
        self.orders += 1
        order, asked = str(self.orders), Decimal(amount) / 100
        held = {each: self._balance(each).available for each in ("ledger-acme", "ledger-reseller")}
        for _ in range(2):
            try:
                self.do(lambda tx: ledger.recharge(tx, account, asked, order, self.now, kind=kind))
            except ledger.RechargeRefused:
                assert held[account] + asked < 0
                return
        held[account] += asked
        assert held == {each: self._balance(each).available for each in held}

    @rule(which=which)
    def slice(self, which: int) -> None:
        """It takes what there is and no more, so there is always enough for it."""
        assert self._change(self.talks[which], Money.slice) is None

    @rule(seconds=st.floats(0.0, 90.0))
    def wait(self, seconds: float) -> None:
        """Time passes; what has come to its funded instant is cut."""
        until = self.now + seconds
        for talk in self.talks:
            if talk.meter.funded() <= until:
                self.now = max(self.now, talk.meter.funded())
                self._end(talk, "B")
            if talk.meter.funded_a() <= until:
                self.now = max(self.now, talk.meter.funded_a())
                self._end(talk, "A")
        self.now = max(self.now, until)

    @rule(which=which, how=st.sampled_from(("B", "A", "crash")))
    def ends(self, which: int, how: str) -> None:
        talk = self.talks[which]
        if how == "crash":
            self._crash(which)
            return
        self._end(talk, "B")
        if how == "A":
            self._end(talk, "A")

    @rule(amount=st.none() | st.integers(-200, 200))
    def recharge(self, amount: int | None) -> None:
        self.orders += 1
        asked = None if amount is None else Decimal(amount) / 100
        try:
            self.do(
                lambda tx: ledger.recharge(
                    tx, f"ledger-{CALLER}", asked, str(self.orders), self.now
                )
            )
        except ledger.RechargeRefused:
            return
        for talk in self.talks:
            self._change(talk, Money.curtail)
            talk.tail = talk.meter._tail / 10**6 if "B" in talk.legs else talk.tail

    # What must hold

    @invariant()
    def books_are_right(self) -> None:
        self.do(check_books)
        self.do(lambda tx: check_minutes(tx, MINUTES * 60))

    @invariant()
    def what_is_stored_pays_for_what_the_meter_says(self) -> None:
        for talk in self.talks:
            ends = [
                call.answered + self._read(stored_seconds, call)
                for call in talk.legs.values()
                if call.answered is not None
            ]
            if "B" in talk.legs and ends:
                ends[0] -= talk.tail
            assert math.isclose(min(ends, default=math.inf), talk.meter.funded(), abs_tol=1e-5)

    # How

    def _balance(self, ledger_id: str) -> ledger.Balance:
        return self.do(lambda tx: ledger.balance(tx, ledger_id))

    def _paying(self, tx: Connection, who: str | None) -> list[PayerRate]:
        return payers(tx, of_extension(tx, "travellers"), who, "+442079460000", NOW)

    def _go_on(self, talk: Talk, wait: float) -> None:
        meter, a, b = talk.meter, talk.legs.get("A"), talk.legs.get("B")
        if a is None:
            self._dial(talk, "A", lambda money, leg, paying: money.open_a(leg, paying))
        elif a.answered is None:
            a.answered = self.now
            meter.answered("A", self.now)
        elif b is None:
            latest, talk.tail = self.now + wait, TAIL
            self._dial(
                talk, "B", lambda money, leg, paying: money.open_b(leg, paying, latest, TAIL)
            )
        elif b.answered is None:
            b.answered = self.now
            meter.answered("B", self.now)

    def _dial(
        self,
        talk: Talk,
        role: Role,
        opened: Callable[[Money, str, list[PayerRate]], ledger.Shortage | None],
    ) -> None:
        self.calls += 1
        name = f"leg {self.calls}"

        def work(money: Money) -> bool:
            if opened(money, name, self._paying(money.tx, talk.who)) is not None:
                return False
            helpers.leg(money.tx, name, role)
            return True

        if self._change(talk, work):
            talk.legs[role] = Call(name)

    def _change(self, talk: Talk, work: Callable[[Money], T]) -> T:
        """As `Funds.change`."""

        def unit(tx: Connection) -> tuple[T, Meter]:
            money = Money(tx, talk.meter.copy(), self.now)
            return work(money), money.meter

        result, after = self.do(unit)
        talk.meter.adopt(after)
        return result

    def _crash(self, which: int) -> None:
        """The server dies: the legs are charged to the last sign of life by what is stored."""
        for call in self.talks[which].legs.values():
            call.ended = self.now
            self._note(call)
            self._interrupted(call)
        self._anew(self.talks[which])

    def _interrupted(self, call: Call) -> None:
        now, answered = self.now, call.answered
        self.do(lambda tx: ledger.settle_interrupted(tx, call.id, answered, now, now))

    def _end(self, talk: Talk, role: Role) -> None:
        call = talk.legs.pop(role, None)
        if call is None:
            return
        call.ended = self.now
        self._note(call)
        posts = talk.meter.settle(role, self.now)
        self.do(lambda tx: ledger.settle(tx, posts, self.now))
        if role == "A":
            self._anew(talk)

    def _anew(self, over: Talk) -> None:
        which = self.talks.index(over)
        self.talks[which] = Talk(who=None if which else CALLER)

    def _read(self, what: Callable[[Connection, str], T], call: Call) -> T:
        return self.do(lambda tx: what(tx, call.id))

    def _note(self, call: Call) -> None:
        """The leg is about to be settled: what of it was paid for, and how."""
        call.lasts = self._read(stored_seconds, call)
        call.free = self._read(stored_free, call)
        self.over.append(call)

    def _see_charges(self) -> None:
        """Every leg was charged once to every payer, as the reference has it."""
        minutes = 0
        for call in self.over:
            prices = self._read(charged, call)
            if call.answered is None:
                assert prices == {}
                continue
            assert call.ended is not None
            duration = round(10**6 * min(call.ended - call.answered, call.lasts))
            want = {
                payer: expected(PLAN_OF[payer], max(0, duration), free)
                for payer, free in call.free.items()
            }
            assert want.keys() >= {"acme", "reseller"}
            assert prices == {payer: each.millionths for payer, each in want.items()}, call
            assert self._read(incomes, call) == {
                "acme": prices.get(CALLER),
                "reseller": prices["acme"],
                **({CALLER: None} if CALLER in prices else {}),
            }
            minutes += want["acme"].free_seconds
        assert self.do(minutes_used) == minutes


def line(plan: str) -> Line:
    """A rate in the words of the reference."""
    told = PLANS[plan].as_json()
    return Line(**told, valid_from=None, valid_to=None)


def expected(plan: str, duration: int, free: Free) -> Rated:
    seconds = PLANS[plan].free_seconds(free)
    return rated(line(plan), duration, seconds, first_paid=not free.first)


def test_money_in_memory() -> None:
    run_state_machine_as_test(
        cast(type[Sessions], lambda: Sessions(InlineStore)),
        settings=settings(deadline=None, max_examples=60, stateful_step_count=40),
    )


def test_money_in_databases(new_database: Callable[[], str]) -> None:
    run_state_machine_as_test(
        cast(type[Sessions], lambda: Sessions(lambda: open_store(new_database()))),
        settings=settings(deadline=None, max_examples=6, stateful_step_count=30),
    )
