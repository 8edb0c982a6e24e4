"""The meter against what charging by the same instants would come to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.charging.helpers import NOW, payer, rate

from ringback.charging.ledger import UNLIMITED, Shortage
from ringback.charging.means import Means
from ringback.charging.meter import Meter
from ringback.charging.packages import Allowance
from ringback.charging.payers import PayerRate
from ringback.charging.rating import SECOND, Rate, charge, microseconds
from ringback.charging.steps import Step, Terms

cents = st.integers(0, 300_000).map(lambda millionths: Decimal(millionths) / 10**6)
priced = st.builds(Rate, st.just("44"), cents, st.integers(1, 90), cents, st.integers(1, 90), cents)
credits = st.integers(0, 20_000_000).map(lambda millionths: Decimal(millionths) / 10**6)
instants = st.integers(0, 40 * SECOND).map(lambda later: NOW + later / SECOND)


class Purse:
    """A ledger reduced to what is reserved: it takes each step that it can pay."""

    def __init__(self, credit: Decimal, ledgers: Sequence[str] = ("x",)) -> None:
        self.credit = dict.fromkeys(ledgers, credit)
        self.held: dict[tuple[str, str], Decimal] = {}

    @property
    def means(self) -> Means:
        return Means(self.available)

    @property
    def available(self) -> dict[str, Decimal]:
        left = dict(self.credit)
        for (_, ledger_id), amount in self.held.items():
            left[ledger_id] -= amount
        return left

    def take(self, meter: Meter, step: Step | Shortage) -> bool:
        if isinstance(step, Shortage):
            return False
        held = self.held | {
            (hold.leg_id, hold.ledger_id): hold.total for hold in (*step.trims, *step.holds)
        }
        before, self.held = self.held, held
        if min(self.available.values()) < 0:
            self.held = before
            return False
        meter.applied(step)
        return True


def in_conversation(
    purse: Purse, a: list[PayerRate], b: list[PayerRate], answers: tuple[float, float], tail: float
) -> Meter | None:
    """A meter with both legs answered; None where the credit is not enough for that."""
    meter = Meter()
    if not purse.take(meter, meter.open_a("a", a)):
        return None
    meter.answered("A", answers[0])
    terms = Terms(b, tail)
    if not purse.take(meter, meter.open_b("b", terms, answers[0], answers[0] + 55, purse.means)):
        return None
    meter.answered("B", min(meter.latest_answer(), max(answers)))
    return meter


@given(
    priced, priced, priced, priced, credits, instants, instants,
    st.integers(0, 15), st.integers(0, 5),
)  # fmt: skip
def test_funded_is_exactly_the_last_instant_covered(
    a: Rate, b: Rate, c: Rate, d: Rate, credit: Decimal, first: float, second: float,
    tail: int, slices: int,
) -> None:  # fmt: skip
    purse = Purse(credit, ("x", "y"))
    payers_a, payers_b = [payer("x", a), payer("y", b)], [payer("x", c), payer("y", d)]
    meter = in_conversation(purse, payers_a, payers_b, (first, second), tail)
    if meter is None:
        return
    for _ in range(slices):
        assert purse.take(meter, meter.slice(purse.means))
    b_answered = meter._legs["B"].answered
    assert b_answered is not None
    start = {"a": microseconds(first), "b": b_answered}

    def covered(leg: str, paying: list[PayerRate], until: int) -> bool:
        return all(
            charge(who.rate, until - start[leg]).amount <= purse.held[leg, who.ledger_id]
            for who in paying
        )

    funded, own = microseconds(meter.funded()), microseconds(meter.funded_a())
    assert covered("b", payers_b, funded) and covered("a", payers_a, funded + tail * SECOND)
    assert covered("a", payers_a, own)
    if all(who.rate.price_per_minute > Decimal("0.001") for who in payers_a + payers_b):
        after = funded + 1
        assert not (covered("b", payers_b, after) and covered("a", payers_a, after + tail * SECOND))
        assert not covered("a", payers_a, own + 1)

    # However late it ends, no leg is charged beyond what was reserved, and none for nothing.
    for role, leg in (("B", "b"), ("A", "a")):
        posts = meter.settle(role, NOW + 10**6)  # type: ignore[arg-type]
        assert posts == meter.settle(role, NOW + 10**6)  # type: ignore[arg-type]
        assert len(posts) == 2
        for post in posts:
            assert post.leg_id == leg
            assert post.answered
            assert 0 <= post.price <= purse.held[leg, post.ledger_id]


@given(priced, priced, credits, st.integers(0, 15))
def test_slices_spend_the_last_block_there_is(a: Rate, b: Rate, credit: Decimal, tail: int) -> None:
    purse = Purse(credit)
    meter = in_conversation(purse, [payer("x", a)], [payer("x", b)], (NOW, NOW + 20), tail)
    if meter is None:
        return
    for _ in range(200):
        before = meter.funded()
        assert purse.take(meter, meter.slice(purse.means))
        if meter.funded() == before:
            break
        assert before < meter.funded() < before + 60 + 90 + 1e-3
        if meter.funded() < before + 60:
            assert not meter.slice(purse.means).holds
    else:
        return  # more credit than 200 slices spend
    left = purse.available["x"]
    both = sum(r.price(10**6 + 1) - r.price(10**6) for r in (a, b))
    assert 0 <= left <= both + Decimal("0.000002")


@given(priced, priced, credits, st.integers(0, 15), st.integers(0, 50))
def test_longest_is_what_slices_come_to(
    a: Rate, b: Rate, credit: Decimal, tail: int, rang: int
) -> None:
    """Announced: 5 minutes; then the call is cut after 5 minutes, first block and leg A included.
    (a2billing #22 left the first block out.)"""
    purse, meter, terms = Purse(credit), Meter(), Terms([payer("x", b)], tail)
    if not purse.take(meter, meter.open_a("a", [payer("x", a)])):
        return
    meter.answered("A", NOW)
    answer = NOW + rang
    longest = meter.longest(terms, answer, purse.means)
    if not purse.take(meter, meter.open_b("b", terms, answer, answer + 55, purse.means)):
        assert longest == 0
        return
    assert longest >= b.first_block
    meter.answered("B", answer)
    for _ in range(300):
        before = meter.funded()
        assert purse.take(meter, meter.slice(purse.means))
        if meter.funded() == before:
            assert microseconds(longest) == microseconds(before) - microseconds(answer)
            return
    assert longest > 5 * 3600


@given(
    priced, priced, credits, st.integers(0, 15), st.integers(0, 3), st.integers(1, 100),
    st.integers(0, 55),
)  # fmt: skip
def test_leg_b_may_ring_as_long_as_its_answer_is_covered(
    a: Rate, b: Rate, credit: Decimal, tail: int, slices: int, longest: int, ahead: int
) -> None:
    """To the microsecond, whatever leg A holds at the time."""
    purse, meter = Purse(credit), Meter()
    if not purse.take(meter, meter.open_a("a", [payer("x", a)])):
        return
    meter.answered("A", NOW)
    for _ in range(slices):
        assert purse.take(meter, meter.slice(purse.means))
    now, latest = NOW + 0.7, NOW + 0.7 + ahead
    first = min(longest, b.first_block)

    def covered(answer: float) -> bool:
        lasts = microseconds(answer + first + tail) - microseconds(NOW)
        return charge(a, lasts).amount + b.price(0) <= credit

    step = meter.open_b("b", Terms([payer("x", b)], tail, longest), now, latest, purse.means)
    assert isinstance(step, Step) is covered(min(latest, now + 5))
    if not purse.take(meter, step):
        return
    until = min(latest, meter.latest_answer())
    assert covered(until)
    assert until == latest or (until >= now + 5 and not covered(until + 1e-5))
    # What it holds is that and no more, and enough for an answer at the last moment.
    lasts = microseconds(until + first + tail) - microseconds(NOW)
    held = charge(a, lasts).amount
    assert sum(purse.held.values()) == held + b.price(0)
    meter.answered("B", until)
    assert meter.funded() >= until + first - 1e-5
    assert meter.funded_a() >= until + first + tail - 1e-5


def dialled_a(credit: str = "1", tariff: Rate | None = None) -> tuple[Purse, Meter]:
    purse, meter = Purse(Decimal(credit)), Meter()
    assert purse.take(meter, meter.open_a("a", [payer("x", tariff or rate())]))
    return purse, meter


def test_leg_a_reserves_setup_and_first_block() -> None:
    step = Meter().open_a("a", [payer("x", rate(setup="0.05")), payer("y", rate())])
    assert [(hold.ledger_id, hold.total) for hold in step.holds] == [
        ("x", Decimal("0.07")),
        ("y", Decimal("0.02")),
    ]


def test_no_instant_before_an_answer() -> None:
    purse, meter = dialled_a()
    assert meter.funded() == meter.funded_a() == math.inf
    assert not meter.slice(purse.means).holds
    meter.answered("A", NOW)
    assert meter.funded() == meter.funded_a() == NOW + 60


def test_an_answer_at_instant_zero_is_an_answer() -> None:
    """a2billing #129 read an answered time of 0 as none."""
    _, meter = dialled_a()
    meter.answered("A", 0.0)
    assert meter.funded_a() == 60
    assert [post.price for post in meter.settle("A", 10.0)] == [Decimal("0.02")]


def b_terms(*, ledger_id: str = "x", tail: float = 0, longest: float = math.inf) -> Terms:
    return Terms([payer(ledger_id, rate("33"))], tail, longest)


def test_leg_b_reserves_leg_a_to_the_end_of_its_block_and_tail() -> None:
    purse, meter = dialled_a()
    meter.answered("A", NOW)
    terms = Terms([payer("x", rate("33", first_price="0.5"))], 15)
    step = meter.open_b("b", terms, NOW, NOW + 55, purse.means)
    assert isinstance(step, Step)
    # Leg A is to last 55 + 60 + 15 = 130 s: its first minute and seven blocks of 10 s.
    assert {(hold.leg_id, hold.total) for hold in step.holds} == {
        ("b", Decimal("0.5")),
        ("a", Decimal("0.043334")),
    }
    assert purse.take(meter, step)
    assert meter.latest_answer() == NOW + 55
    meter.answered("B", NOW + 20)
    assert meter.latest_answer() == math.inf
    assert meter.funded() == NOW + 80
    assert meter.funded_a() == NOW + 130


def test_credit_for_half_a_minute_of_talk_is_enough() -> None:
    """0.55 at 0.60 a minute each second was refused, where what is needed is far less."""
    second = rate(first_block=1, first_price="0.01", next_block=1, price_per_minute="0.60")
    purse, meter = Purse(Decimal("0.55")), Meter()
    assert purse.take(meter, meter.open_a("a", [payer("x", second)]))
    meter.answered("A", NOW)
    for _ in range(2):
        assert purse.take(meter, meter.slice(purse.means))
    assert purse.available["x"] == 0, "leg A holds all of it"
    terms = Terms([payer("x", rate(first_block=10, first_price="0.10"))], 3)
    assert purse.take(meter, meter.open_b("b", terms, NOW + 10, NOW + 65, purse.means))
    assert purse.available["x"] == 0
    assert meter.latest_answer() == NOW + 32, "0.45 for leg A to T + 10 + 3 s"


def test_leg_a_keeps_what_it_may_be_using_when_the_store_is_done() -> None:
    purse, meter = dialled_a("0.06")
    meter.answered("A", NOW)
    assert purse.take(meter, meter.slice(purse.means))
    assert meter.funded_a() == NOW + 120
    step = meter.open_b("b", b_terms(longest=1), NOW, NOW + 20, purse.means, keeps=NOW + 75)
    assert purse.take(meter, step)
    assert meter.funded_a() == NOW + 80
    purse, meter = dialled_a("0.06")
    meter.answered("A", NOW)
    assert purse.take(meter, meter.slice(purse.means))
    assert purse.take(meter, meter.open_b("b", b_terms(longest=1), NOW, NOW + 20, purse.means))
    assert meter.funded_a() == NOW + 60


def test_a_call_shorter_than_its_first_block_is_reserved_as_it_is() -> None:
    purse, meter = dialled_a()
    meter.answered("A", NOW)
    terms = b_terms(tail=5, longest=10)
    assert purse.take(meter, meter.open_b("b", terms, NOW, NOW + 55, purse.means))
    assert meter.funded_a() == NOW + 70
    assert meter.latest_answer() == NOW + 55


def test_a_leg_b_that_rings_may_ring_on_after_a_recharge() -> None:
    purse, meter = dialled_a("0.05")
    meter.answered("A", NOW)
    assert purse.take(meter, meter.open_b("b", b_terms(), NOW, NOW + 55, purse.means))
    assert meter.latest_answer() == NOW + 30, "0.03 pay leg A for 60 and three times 10 s"
    shortage = meter.extend_ringing(NOW + 55, purse.means)
    assert str(shortage) == "payer x: 0.003334 is to be reserved, 0.00 is available"
    assert not meter.slice(purse.means).holds
    purse.credit["x"] += Decimal("0.006667")
    assert purse.take(meter, meter.extend_ringing(NOW + 55, purse.means))
    assert meter.latest_answer() == NOW + 50
    purse.credit["x"] += 1
    assert not meter.slice(purse.means).holds, "while it rings nothing else is sliced"
    assert purse.take(meter, meter.extend_ringing(NOW + 55, purse.means))
    assert meter.latest_answer() == NOW + 60
    assert not step_of(meter.extend_ringing(NOW + 60, purse.means)).holds
    meter.given_up("B")
    assert meter.slice(purse.means).holds, "leg A goes on"


def test_free_minutes_that_leg_a_gives_back_are_there_for_both_legs() -> None:
    allowance = Allowance("x", "44", "2026-11", 120)
    a = replace(payer("x", rate()), allowance=allowance)
    b = replace(payer("x", rate(first_block=30)), allowance=allowance)
    meter, broke = Meter(), {"x": Decimal(0)}
    meter.applied(meter.open_a("a", [a], {allowance.id: 120}))
    meter.answered("A", NOW)
    meter.applied(meter.slice(Means(broke, {allowance.id: 60})))
    assert meter.funded_a() == NOW + 120, "it holds all of them"
    step = step_of(meter.open_b("b", Terms([b], 5), NOW, NOW + 100, Means(broke)))
    assert sum(hold.free_seconds for hold in step.holds) == 120
    meter.applied(step)
    assert meter.latest_answer() == NOW + 55, "30 s are leg B's, 90 s leg A's"


def step_of(found: Step | Shortage) -> Step:
    assert isinstance(found, Step)
    return found


def test_who_has_too_little_for_leg_b_is_named_the_nearest_first() -> None:
    purse, meter = Purse(Decimal("0.03"), ("caller", "account")), Meter()
    both = [payer("caller", rate()), payer("account", rate())]
    assert purse.take(meter, meter.open_a("a", both))
    meter.answered("A", NOW)
    for poor in ("caller", "account"):
        means = Means(purse.available | {"caller": Decimal(1), poor: Decimal(0)})
        found = meter.open_b("b", Terms(both, 0), NOW, NOW + 55, means)
        assert isinstance(found, Shortage) and found.ledger_id == poor


def test_what_has_lapsed_is_not_extended() -> None:
    """The server was stopped beyond the funded instant."""
    purse, meter = dialled_a()
    meter.answered("A", NOW)
    assert purse.take(meter, meter.open_b("b", b_terms(), NOW, NOW + 55, purse.means))
    meter.answered("B", NOW + 10)
    sliced = meter.copy()
    step = sliced.slice(purse.means)
    sliced.applied(step)
    assert sliced.funded() == NOW + 130
    meter.lapse(NOW + 70)
    assert meter.slice(purse.means).holds, "not before it has passed"
    meter.lapse(NOW + 100)
    assert meter.time_ended("B", NOW + 100) == NOW + 70
    assert meter.time_ended("A", NOW + 100) == NOW + 100
    assert not meter.slice(purse.means).holds
    meter.adopt(sliced)  # a slice that was committed in the meantime
    assert meter.funded() == NOW + 70
    (post,) = meter.settle("B", NOW + 100)
    assert post.billed_seconds == 60
    assert meter.funded_a() > NOW + 100
    meter.lapse(NOW + 1000)
    (post,) = meter.settle("A", NOW + 1000)
    assert NOW + post.billed_seconds == meter.funded_a()


def test_a_tail_that_was_given_back_is_reserved_again_first() -> None:
    purse, meter = Purse(Decimal(1)), Meter()
    assert purse.take(meter, meter.open_a("a", [payer("x", rate(next_block=1))]))
    meter.answered("A", NOW)
    terms = Terms([payer("x", rate("33", next_block=1))], 3)
    assert purse.take(meter, meter.open_b("b", terms, NOW, NOW + 1, purse.means))
    meter.answered("B", NOW + 1)
    assert purse.take(meter, meter.slice(purse.means))
    assert purse.take(meter, meter.curtail(["x"], NOW + 80))
    assert (meter.funded(), meter.funded_a()) == (NOW + 80, NOW + 80)
    for seconds, funded, own in ((2, 80, 80), (3, 80, 83), (7, 82, 85)):
        left = {"x": seconds * Decimal("0.000334")}
        trial = meter.copy()
        trial.applied(trial.slice(Means(left)))
        assert (trial.funded(), trial.funded_a()) == (NOW + funded, NOW + own)


def test_both_legs_are_billed() -> None:
    """a2billing #91 billed only one."""
    purse, meter = dialled_a()
    meter.answered("A", NOW)
    assert purse.take(meter, meter.open_b("b", b_terms(), NOW, NOW + 55, purse.means))
    meter.answered("B", NOW + 20)
    (b,) = meter.settle("B", NOW + 50)
    assert (b.leg_id, b.price, b.billed_seconds) == ("b", Decimal("0.02"), 60)
    (a,) = meter.settle("A", NOW + 75)
    assert (a.leg_id, a.price, a.billed_seconds) == ("a", Decimal("0.026667"), 80)


def test_an_unanswered_leg_costs_nothing() -> None:
    _, meter = dialled_a()
    (post,) = meter.settle("A", NOW + 30)
    assert (post.answered, post.price) == (False, Decimal(0))


def test_an_ended_leg_counts_no_more() -> None:
    purse, meter = dialled_a()
    meter.answered("A", NOW)
    purse.credit["y"] = Decimal(1)
    terms = b_terms(ledger_id="y", tail=15)
    assert purse.take(meter, meter.open_b("b", terms, NOW, NOW + 55, purse.means))
    assert meter.ledger_ids() == ["x", "y"]
    meter.settle("B", NOW + 30)
    assert meter.ledger_ids() == ["x"]
    assert meter.funded() == meter.funded_a() == NOW + 130
    assert {hold.leg_id for hold in meter.slice(purse.means).holds} == {"a"}


def test_a_slice_is_whole_blocks_or_those_there_are() -> None:
    purse, meter = dialled_a("0.04")
    meter.answered("A", NOW)
    assert purse.take(meter, meter.slice(purse.means))
    assert meter.funded() == NOW + 120
    assert not meter.slice(purse.means).holds
    purse.credit["x"] += Decimal("0.007")  # a recharge: two blocks of 0.003333..
    assert purse.take(meter, meter.slice(purse.means))
    assert meter.funded() == NOW + 140


def test_a_step_that_was_not_committed_changes_nothing() -> None:
    purse, meter = dialled_a()
    meter.answered("A", NOW)
    first = meter.slice(purse.means)
    assert meter.funded() == NOW + 60
    assert meter.slice(purse.means) == first


def test_a_step_that_another_has_overtaken_is_a_fault() -> None:
    purse, meter = dialled_a()
    meter.answered("A", NOW)
    sliced = meter.slice(purse.means)
    meter.applied(step_of(meter.open_b("b", b_terms(), NOW, NOW + 55, purse.means)))
    with pytest.raises(AssertionError, match="two steps"):
        meter.applied(sliced)


def test_unlimited_and_free_are_metered_by_the_minute() -> None:
    free = rate(first_price="0", price_per_minute="0")
    purse, meter = dialled_a("0", free)
    meter.answered("A", NOW)
    unlimited = Means({"x": UNLIMITED})
    assert meter.longest(Terms([payer("x", free)], 15), NOW, purse.means) == math.inf
    assert meter.longest(b_terms(tail=15), NOW, unlimited) == math.inf
    assert meter.longest(b_terms(tail=15), NOW, purse.means) == 0
    assert purse.take(meter, meter.slice(purse.means))
    assert meter.funded() == NOW + 120
    meter.applied(meter.slice(unlimited))
    assert meter.funded() == NOW + 180


def test_a_caller_who_is_identified_pays_leg_a_from_its_answer() -> None:
    purse, meter = dialled_a()
    meter.answered("A", NOW)
    assert purse.take(meter, meter.slice(purse.means))
    dearer = rate(first_price="0.1", price_per_minute="0.6")
    step = meter.change_payers_a([payer("caller", dearer)])
    assert [(hold.ledger_id, hold.total) for hold in step.holds] == [("caller", Decimal("0.7"))]
    assert [(post.ledger_id, post.answered) for post in step.releases] == [("x", False)]
    assert meter.ledger_ids() == ["x"]
    meter.applied(step)
    assert meter.ledger_ids() == ["caller"]
    assert meter.funded_a() == NOW + 120
    (post,) = meter.settle("A", NOW + 65)
    assert (post.ledger_id, post.price) == ("caller", Decimal("0.2"))


def test_who_comes_to_pay_leg_a_pays_no_more_than_is_asked() -> None:
    purse, meter = dialled_a()
    meter.answered("A", NOW)
    assert purse.take(meter, meter.slice(purse.means))
    assert meter.funded_a() == NOW + 120
    step = meter.change_payers_a([payer("y", rate()), payer("x", rate())], until=NOW + 65)
    assert [(hold.ledger_id, hold.total) for hold in step.holds] == [
        ("y", rate().price(1)),
        ("x", rate().price(1)),
    ]
    assert [(hold.ledger_id, hold.total) for hold in step.trims][1] == ("x", rate().price(1))
    meter.applied(step)
    assert meter.funded_a() == NOW + 70


def test_who_pays_already_keeps_his_rate() -> None:
    _, meter = dialled_a()
    meter.answered("A", NOW)
    later = payer("x", rate(first_price="9"))
    step = meter.change_payers_a([later, payer("y", rate())])
    assert [(hold.ledger_id, hold.total) for hold in step.holds] == [
        ("x", Decimal("0.02")),
        ("y", Decimal("0.02")),
    ]
    assert not step.releases


@pytest.mark.parametrize("ended", [NOW - 5, NOW])
def test_a_leg_that_ends_at_its_answer_has_begun_its_first_block(ended: float) -> None:
    _, meter = dialled_a()
    meter.answered("A", NOW)
    assert [post.price for post in meter.settle("A", ended)] == [Decimal("0.02")]
