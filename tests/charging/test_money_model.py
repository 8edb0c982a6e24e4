"""Sessions that share credit, free minutes and a reseller, under random steps: meter and ledger
together against what a few lines say should come of it, and the books after every step."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Sequence
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
from sqlalchemy import Connection, RowMapping, select
from tests.charging import helpers
from tests.charging.helpers import NOW, check_books, rate
from tests.charging.reference import Line, Rated, rated

from ringback.amounts import to_millionths
from ringback.charging import ledger
from ringback.charging.ledger import InsufficientCredit
from ringback.charging.meter import Meter, Role, Step
from ringback.charging.packages import allowances_of
from ringback.charging.payers import PayerRate, payers
from ringback.charging.rating import Free, Rate
from ringback.store import InlineStore, Store, models, open_store

T = TypeVar("T")
CALLER = "+447700900123"
TAIL = 3.0
RETAIL = rate("44", first_block=12, first_price="0.07", next_block=7, price_per_minute="0.31")
WHOLESALE = rate("44", "0.003", 6, "0.004", 6, "0.04")
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
    """What free minutes paid by payer then."""


@dataclass
class Talk:
    """One session."""

    meter: Meter = field(default_factory=Meter)
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


class Money(RuleBasedStateMachine):
    """Two sessions of one callerID."""

    def __init__(self, open_books: Callable[[], Store]) -> None:
        super().__init__()
        self.store = open_books()
        self.do(world)
        self.now = NOW
        self.orders = 0
        self.calls = 0
        self.talks = [Talk(), Talk()]
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

    @rule(which=which)
    def slice(self, which: int) -> None:
        """It takes what there is and no more, so there is always enough for it."""
        meter = self.talks[which].meter

        def work(tx: Connection) -> Step:
            step = meter.slice(ledger.available(tx, meter.ledger_ids()), free_left(tx, meter))
            ledger.reserve(tx, step.holds)
            return step

        meter.applied(self.do(work))

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

            def work(tx: Connection, talk: Talk = talk) -> Step:
                revoked = ledger.revoked(tx, talk.meter.leg_ids())
                step = talk.meter.curtail(revoked, self.now)
                ledger.trim(tx, step.trims)
                return step

            step = self.do(work)
            talk.meter.applied(step)
            if step.tail is not None:
                talk.tail = step.tail

    # What must hold

    @invariant()
    def books_are_right(self) -> None:
        self.do(check_books)
        self.do(check_minutes)

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

    def _paying(self, tx: Connection) -> list[PayerRate]:
        return payers(tx, "travellers", CALLER, "+442079460000", NOW)

    def _call(self, tx: Connection, role: str) -> Call:
        self.calls += 1
        helpers.leg(tx, f"leg {self.calls}", role)
        return Call(f"leg {self.calls}")

    def _go_on(self, talk: Talk, wait: float) -> None:
        meter, a, b = talk.meter, talk.legs.get("A"), talk.legs.get("B")
        if a is None:
            self._dial(talk, "A", lambda leg, paying, left: meter.open_a(leg, paying, left))
        elif a.answered is None:
            a.answered = self.now
            meter.answered("A", self.now)
        elif b is None:
            latest, talk.tail = self.now + wait, TAIL
            self._dial(
                talk, "B", lambda leg, paying, left: meter.open_b(leg, paying, latest, TAIL, left)
            )
        elif b.answered is None:
            b.answered = self.now
            meter.answered("B", self.now)
            step = meter.trim()
            self.do(lambda tx: ledger.trim(tx, step.trims))
            meter.applied(step)

    def _dial(
        self,
        talk: Talk,
        role: Role,
        opened: Callable[[str, list[PayerRate], dict[str, int]], Step],
    ) -> None:
        def work(tx: Connection) -> tuple[Step, Call]:
            call = self._call(tx, role)
            paying = self._paying(tx)
            step = opened(call.id, paying, free_left(tx, talk.meter, paying))
            ledger.reserve(tx, step.holds)
            return step, call

        try:
            step, call = self.do(work)
        except InsufficientCredit:
            return
        talk.meter.applied(step)
        talk.legs[role] = call

    def _crash(self, which: int) -> None:
        """The server dies: the legs are charged to the last sign of life by what is stored."""
        for call in self.talks[which].legs.values():
            call.ended = self.now
            self._note(call)
            self._interrupted(call)
        self.talks[which] = Talk()

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
            self.talks[self.talks.index(talk)] = Talk()

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
                payer: expected(plan, max(0, duration), call.free[payer])
                for payer, plan in PLAN_OF.items()
            }
            assert prices == {payer: each.millionths for payer, each in want.items()}, call
            minutes += want["acme"].free_seconds
        assert self.do(minutes_used) == minutes


def line(plan: str) -> Line:
    """A rate in the words of the reference."""
    told = PLANS[plan].as_json()
    return Line(**told, valid_from=None, valid_to=None)


def free_left(tx: Connection, meter: Meter, paying: Iterable[PayerRate] = ()) -> dict[str, int]:
    return ledger.free_left(tx, [*meter.allowances(), *allowances_of(paying)])


def reservations(tx: Connection, leg: str) -> Sequence[RowMapping]:
    query = select(models.Reservation.__table__).where(models.Reservation.leg_id == leg)
    return tx.execute(query).mappings().all()


def stored_seconds(tx: Connection, leg: str) -> float:
    """For how long what is reserved pays for a leg: block after block is taken off it."""
    lasts = []
    for row in reservations(tx, leg):
        tariff, left, blocks = Rate.from_json(row["rate"]), row["amount"] + row["free"], 0
        free = Free(row["free_first"], row["free_blocks"])
        while tariff.price(blocks + 1, free.used(blocks + 1)) <= left:
            blocks += 1
        lasts.append(tariff.first_block + blocks * tariff.next_block)
    return float(min(lasts))


def stored_free(tx: Connection, leg: str) -> dict[str, Free]:
    return {
        row["payer"]: Free(row["free_first"], row["free_blocks"]) for row in reservations(tx, leg)
    }


def expected(plan: str, duration: int, free: Free) -> Rated:
    seconds = PLANS[plan].free_seconds(free)
    return rated(line(plan), duration, seconds, first_paid=not free.first)


def minutes_used(tx: Connection) -> int:
    """Seconds of free minutes that are gone."""
    return sum(tx.execute(select(models.Allowance.used)).scalars())


def charged(tx: Connection, leg: str) -> dict[str, int]:
    """Millionths by payer, before what unlimited credit pays of them."""
    entry, held = models.LedgerEntry, models.Reservation
    query = (
        select(held.payer, entry.price)
        .join(held, held.id == entry.step)
        .where(held.leg_id == leg, entry.kind == "call")
    )
    rows = tx.execute(query).all()
    assert len(rows) == len({row.payer for row in rows}), "charged twice"
    return {row.payer: to_millionths(row.price) for row in rows}


def check_minutes(tx: Connection) -> None:
    """An allowance's seconds are those of the reservations on it, and within what it gives."""
    for allowance in tx.execute(select(models.Allowance.__table__)).mappings():
        held = 0
        query = select(models.Reservation.__table__).where(
            models.Reservation.allowance_id == allowance["id"], ~models.Reservation.settled
        )
        for row in tx.execute(query).mappings():
            free = Free(row["free_first"], row["free_blocks"])
            held += Rate.from_json(row["rate"]).free_seconds(free)
        assert allowance["reserved"] == held
        assert 0 <= allowance["used"] + held <= MINUTES * 60


def test_money_in_memory() -> None:
    run_state_machine_as_test(
        cast(type[Money], lambda: Money(InlineStore)),
        settings=settings(deadline=None, max_examples=60, stateful_step_count=40),
    )


def test_money_in_databases(new_database: Callable[[], str]) -> None:
    run_state_machine_as_test(
        cast(type[Money], lambda: Money(lambda: open_store(new_database()))),
        settings=settings(deadline=None, max_examples=6, stateful_step_count=30),
    )
