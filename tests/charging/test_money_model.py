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
    granted_by,
    incomes,
    minutes_used,
    paid_by,
    reservations,
    stored_free,
    stored_seconds,
)

from ringback.amounts import to_millionths
from ringback.charging import ledger
from ringback.charging.holds import Role
from ringback.charging.meter import Meter
from ringback.charging.money import Money
from ringback.charging.payers import PayerRate, payers
from ringback.charging.rating import Free
from ringback.charging.steps import Terms
from ringback.levels import of_account
from ringback.store import InlineStore, Store, open_store

T = TypeVar("T")
CALLER = "+447700900123"
TAIL = 3.0
RINGS_AT_LEAST = 5.0
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
    lapsed: float = math.inf
    """When its money ended while it went on."""
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
    first: float = 0.0
    """So long leg B lasts at least."""
    permitted: float = 0.0
    """Leg B may be answered until then, for all but money."""

    @property
    def rings(self) -> bool:
        return "B" in self.legs and self.legs["B"].answered is None


@dataclass(frozen=True)
class Enough:
    """Whether there is enough for something."""

    surely: bool
    perhaps: bool


def world(tx: Connection) -> None:
    """admin > reseller (plan wholesale) > acme (plan retail), and its callerID."""
    helpers.account(tx, "admin", level="administrator")
    helpers.plan(tx, "retail", "admin", RETAIL, minutes={"44": MINUTES})
    helpers.plan(tx, "wholesale", "admin", WHOLESALE)
    helpers.account(tx, "reseller", "admin", "wholesale", "provider")
    helpers.account(tx, "acme", "reseller", "retail", "organization", balance="5")
    helpers.extension(tx, "travellers", "acme")
    helpers.caller_id(tx, CALLER, "travellers")


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

    @initialize(credit=st.integers(7, 70), balance=st.integers(2, 40))
    def calls_begin(self, credit: int, balance: int) -> None:
        """There is little credit, and an account that may have even less."""
        for ledger_id, cents in ((f"ledger-{CALLER}", credit), ("ledger-reseller", balance)):
            amount = Decimal(cents) / 100
            self.do(lambda tx: ledger.recharge(tx, ledger_id, amount, "first", NOW))  # noqa: B023
        for talk in self.talks:
            for _ in range(3):
                self._go_on(talk, 5.0)

    @rule(which=which, steps=st.sampled_from((1, 2, 3, 3, 3, 4)), wait=st.floats(0, 40))
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
            keeps=now + 10,
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

    @rule(which=which, takes=st.sampled_from((0.0, 0.0, 0.3, 30.0)))
    def slice(self, which: int, takes: float) -> None:
        """It takes what there is and no more, so there is always enough for it. While the store
        takes its time, what comes to its end has come to it."""
        talk = self.talks[which]
        rings, before = talk.rings, self._stored(talk)
        assert self._change(talk, Money.slice, takes) is None
        if rings:
            assert self._stored(talk) == before

    @rule(which=which)
    def rings_on(self, which: int) -> None:
        """It is tried to let leg B ring on; what was had in vain cannot be had in part."""
        self._rings_on(self.talks[which])

    @rule(seconds=st.floats(0.0, 90.0))
    def wait(self, seconds: float) -> None:
        """Time passes; what has come to its funded instant is cut, and what rings is given up."""
        until = self.now + seconds
        for talk in self.talks:
            if talk.rings and talk.meter.latest_answer() <= until:
                self.now = max(self.now, talk.meter.latest_answer())
                self._end(talk, "B")
            if talk.meter.funded() <= until:
                self.now = max(self.now, talk.meter.funded())
                self._end(talk, "B")
            if talk.meter.funded_a() <= until:
                self.now = max(self.now, talk.meter.funded_a())
                self._end(talk, "A")
        self.now = max(self.now, until)

    @rule(which=which, late=st.floats(0.0, 4.0))
    def answer_crosses_the_cancel(self, which: int, late: float) -> None:
        """At the last moment, or after it: it is charged its first block, and leg A is paid."""
        talk = self.talks[which]
        if not talk.rings:
            return
        b, latest = talk.legs["B"], talk.meter.latest_answer()
        self.now = max(self.now, latest)
        talk.meter.given_up("B")
        self._change(talk, Money.slice)
        a = talk.legs["A"]
        assert a.answered is not None
        assert a.answered + self._read(stored_seconds, a) >= latest + talk.first + talk.tail - 1e-5
        b.answered = self.now = self.now + min(late, talk.first)
        talk.meter.answered("B", self.now)
        self._end(talk, "B")

    @rule(seconds=st.floats(0.0, 90.0))
    def stalls(self, seconds: float) -> None:
        """The server is stopped, and then tries to go on: no call is longer for it."""
        self.now += seconds
        for talk in self.talks:
            ends = (talk.meter.funded(), talk.meter.funded_a())
            held = self._stored(talk)
            self._change(talk, Money.slice)
            if "B" in talk.legs and not talk.rings and ends[0] < self.now:
                assert talk.meter.funded() == ends[0] and self._stored(talk) == held
            if ends[1] < self.now:
                assert talk.meter.funded_a() == ends[1]
            for role in ("B", "A"):
                if ends["BA".index(role)] < self.now:
                    self._end(talk, role)

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
            self._change(talk, lambda money: money.curtail(money.revoked(), money.now + 0.25))
            talk.tail = talk.meter._tail.held / 10**6 if "B" in talk.legs else talk.tail
            self._rings_on(talk)

    # What must hold

    @invariant()
    def books_are_right(self) -> None:
        self.do(check_books)
        self.do(lambda tx: check_minutes(tx, MINUTES * 60))

    @invariant()
    def what_is_stored_pays_for_what_the_meter_says(self) -> None:
        for talk in self.talks:
            ends = [
                min(call.lapsed, call.answered + self._read(stored_seconds, call))
                for call in talk.legs.values()
                if call.answered is not None
            ]
            if "B" in talk.legs and ends:
                talk.tail = talk.meter._tail.held / 10**6
                ends[0] -= talk.tail
            assert math.isclose(min(ends, default=math.inf), talk.meter.funded(), abs_tol=1e-5)
            if talk.rings:
                latest = talk.meter.latest_answer()
                assert math.isclose(ends[0] - talk.first, latest, abs_tol=1e-5)

    # How

    def _balance(self, ledger_id: str) -> ledger.Balance:
        return self.do(lambda tx: ledger.balance(tx, ledger_id))

    def _paying(self, tx: Connection, who: str | None) -> list[PayerRate]:
        return payers(tx, of_account(tx, "travellers"), who, "+442079460000", NOW)

    def _go_on(self, talk: Talk, wait: float) -> None:
        meter, a, b = talk.meter, talk.legs.get("A"), talk.legs.get("B")
        if a is None:
            self._dial(talk, "A", lambda money, leg, paying: money.open_a(leg, paying))
        elif a.answered is None:
            a.answered = self.now
            meter.answered("A", self.now)
        elif b is None:
            self._dial_b(talk, wait)
        elif b.answered is None and self.now <= meter.latest_answer():
            b.answered = self.now
            meter.answered("B", self.now)

    def _dial_b(self, talk: Talk, wait: float) -> None:
        """It rings, as long as it may, where that is 5 s at least; else nothing has changed."""
        longest = (5.0, 600.0)[self.calls % 2]  # shorter than a first block
        first = min(longest, RETAIL.first_block, WHOLESALE.first_block)
        talk.permitted = self.now + RINGS_AT_LEAST + wait
        meter, keeps = talk.meter, self.now + RINGS_AT_LEAST + first + TAIL
        before, paid = self._stored(talk), meter.funded_a()
        enough = self._enough(talk, keeps)
        shortage = self._dial(
            talk,
            "B",
            lambda money, leg, paying: money.open_b(
                leg, Terms(paying, TAIL, longest), talk.permitted
            ),
            keeps=keeps,
        )
        if shortage is not None:
            assert not enough.surely and self._stored(talk) == before
            return
        assert enough.perhaps
        talk.first, talk.tail = first, TAIL
        assert meter.latest_answer() >= self.now + RINGS_AT_LEAST - 1e-5
        assert meter.funded_a() >= min(paid, keeps) - 1e-5
        if meter.latest_answer() < talk.permitted:
            assert not self._rings_on(talk), "what there is was had at once"

    def _rings_on(self, talk: Talk) -> bool:
        """Whether leg B may ring longer than it might."""
        before, ringing = talk.meter.latest_answer(), talk.rings
        shortage = self._change(talk, lambda money: money.extend_ringing(talk.permitted))
        if not ringing:
            assert shortage is None
            return False
        talk.tail = talk.meter._tail.held / 10**6
        assert talk.meter.latest_answer() >= before - (TAIL if shortage is None else 0) - 1e-5
        return talk.meter.latest_answer() > before

    def _enough(self, talk: Talk, until: float) -> Enough:
        """Whether a leg A until then and a leg B's first block can be paid: surely, where that is
        so without free minutes; perhaps, where it is with all there are."""
        a = talk.legs["A"]
        assert a.answered is not None
        lasts = round(10**6 * (until - a.answered))
        least = most = True
        for payer, free in self._read(stored_free, a).items():
            plan = PLAN_OF[payer]
            found = self._balance(f"ledger-{payer}")
            left = found.available
            if found.unlimited:
                continue
            held = self._read(paid_by, a)[payer]
            granted = self._read(granted_by, a)[payer]
            minutes = PLANS[plan].free_seconds(free) if plan == "retail" else 0
            costly = rated(line(plan), lasts, 0).millionths + rated(line(plan), 1, 0).millionths
            all_free = MINUTES * 60 if plan == "retail" else 0
            cheap = rated(line(plan), lasts, all_free).millionths
            cheap += rated(line(plan), 1, all_free).millionths
            have = to_millionths(left + held)
            least &= costly <= have and not minutes
            most &= cheap <= have + to_millionths(granted)
        return Enough(least, most)

    def _stored(self, talk: Talk) -> list[object]:
        """What is reserved for its legs."""
        return [dict(row) for call in talk.legs.values() for row in self._read(reservations, call)]

    def _dial(
        self,
        talk: Talk,
        role: Role,
        opened: Callable[[Money, str, list[PayerRate]], ledger.Shortage | None],
        keeps: float = math.inf,
    ) -> ledger.Shortage | None:
        self.calls += 1
        name = f"leg {self.calls}"

        def work(money: Money) -> ledger.Shortage | None:
            shortage = opened(money, name, self._paying(money.tx, talk.who))
            if shortage is None:
                helpers.leg(money.tx, name, role)
            return shortage

        shortage = self._change(talk, work, keeps=keeps)
        if shortage is None:
            talk.legs[role] = Call(name)
        return shortage

    def _change(
        self,
        talk: Talk,
        work: Callable[[Money], T],
        takes: float = 0.0,
        keeps: float = math.inf,
    ) -> T:
        """As `Funds.change`; the store takes so many seconds."""

        def unit(tx: Connection) -> tuple[T, Meter]:
            money = Money(tx, talk.meter.copy(), self.now, keeps=keeps)
            return work(money), money.meter

        self._lapse(talk)
        result, after = self.do(unit)
        self.now += takes
        if isinstance(result, ledger.Shortage):
            assert "minutes" not in result.reason, "nobody else takes any meanwhile"
        self._lapse(talk)
        talk.meter.lapse(self.now)
        talk.meter.adopt(after)
        return result

    def _lapse(self, talk: Talk) -> None:
        """What nobody extended in time has come to its end."""
        for role, until in (("B", talk.meter.funded()), ("A", talk.meter.funded_a())):
            call = talk.legs.get(cast(Role, role))
            if call is not None and call.answered is not None and until < self.now - 1e-6:
                call.lapsed = min(call.lapsed, until)

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
            until = min(call.ended, call.lapsed, call.answered + call.lasts)
            duration = round(10**6 * (until - call.answered))
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
