"""Rates of plans: replaced as a whole, read page by page, copied, looked up."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select
from tests.charging.helpers import rate
from tests.management.samples import add_plan
from tests.management.test_plans import ACME, BETA, OPERATOR, PROVIDER, fill, give, make
from tests.management.world import World

from ringback.charging import decks
from ringback.charging.decks import DeckGone
from ringback.charging.rating import Rate
from ringback.clock import Instant, Timer
from ringback.faults import Faults
from ringback.management.actor import command_line
from ringback.management.history import changes
from ringback.management.people import credentials, logins
from ringback.management.people.credentials import SignInToken
from ringback.management.plans import looking, rates
from ringback.management.plans.loading import Rates, WholeDeck
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import Role
from ringback.store import InlineStore, Store
from ringback.store.models import DeckRow, RateRow

ONE, TWO = rate("44"), rate("4420", first_price="0.05")
NUMBER = "+442079460000"


class Pauses:
    """A clock whose pauses are used for something else."""

    def __init__(self, world: World) -> None:
        self.now = world.time
        self.action: Callable[[], Coroutine[Any, Any, object]] | None = None

    def call_at(self, at: Instant, action: Callable[[], None]) -> Timer:
        raise NotImplementedError

    async def sleep_until(self, at: Instant) -> None:
        if self.action is not None:
            action, self.action = self.action, None
            await action()


@pytest.fixture
def world() -> World:
    return fill(World(InlineStore()))


@pytest.fixture
def stored(store: Store) -> World:
    return fill(World(store))


def by(world: World, who: SignInToken, clock: Pauses | None = None) -> Rates:
    return Rates(world.desk, credentials.by(who), clock or Pauses(world))


def put(world: World, plan_id: str, wanted: Sequence[Rate], **how: Any) -> list[str]:
    """What the provider's accountant changes."""
    provider = by(world, world.sign_in(PROVIDER))
    _, found = world.now(provider.replace(plan_id, wanted, "deck.csv", **how))
    return [line for change in found for line in change.lines()]


def exported(world: World, who: SignInToken, plan_id: str) -> WholeDeck:
    return world.now(by(world, who).export(plan_id))


def test_rates_are_replaced_as_a_whole(stored: World) -> None:
    plan_id = make(stored)
    told: list[int] = []
    assert put(stored, plan_id, [TWO, ONE], progress=told.append) == [
        "plan retail of northline: rates: 2 added, 0 taken out"
    ]
    assert told == [2]
    assert put(stored, plan_id, [ONE, TWO]) == []
    dearer = rate("44", first_price="0.09")
    assert put(stored, plan_id, [dearer, TWO]) == [
        "plan retail of northline: rates: 1 added, 1 taken out"
    ]
    provider = stored.sign_in(PROVIDER)
    assert exported(stored, provider, plan_id).rates == [dearer, TWO]
    assert stored.do(provider, lambda act: looking.plan(act, plan_id)).rates == 2
    log = stored.do(provider, lambda act: changes(act, "northline"))
    assert [(each.verb, each.who) for each in log] == [
        *[("rates.put_in_force", PROVIDER)] * 2,
        ("plan.create", "Admin"),
    ]
    assert log[0].fields == {
        "rates": [2, 2],
        "added": [None, 1],
        "taken_out": [None, 1],
        "source": [None, "deck.csv"],
    }
    assert stored.machine(lambda act: act.tx.execute(_LEFT).one()) == (1, 2), "the old one is gone"


_LEFT = select(
    select(func.count()).select_from(DeckRow).scalar_subquery(),
    select(func.count()).select_from(RateRow).scalar_subquery(),
)


def test_a_loss_is_done_on_purpose_only(world: World) -> None:
    plan_id = make(world)
    put(world, plan_id, [rate(prefix) for prefix in ("1", "33", "44")])
    with pytest.raises(Faults, match="rates: this would take out 2 of its 3 rates"):
        put(world, plan_id, [ONE])
    assert len(exported(world, world.sign_in(PROVIDER), plan_id).rates) == 3
    put(world, plan_id, [ONE], allow_loss=True)
    assert exported(world, world.sign_in(PROVIDER), plan_id).rates == [ONE]


def test_pages_are_of_one_deck_or_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST", 2)
    plan_id = make(world)
    wanted = [rate(prefix) for prefix in ("1", "33", "44", "4420", "49")]
    put(world, plan_id, wanted)
    provider = world.sign_in(PROVIDER)
    assert exported(world, provider, plan_id).rates == wanted
    some = world.do(provider, lambda act: rates.rates(act, plan_id, prefix="44", most=1))
    assert (some.rates, some.more) == ([rate("44")], True)
    rest = world.do(provider, lambda act: rates.rates(act, plan_id, prefix="44", after=some.last))
    assert (rest.rates, rest.more) == ([rate("4420")], False)

    slow = by(world, provider)
    page = slow._page

    async def overtaken(plan_id: str, after: Any) -> decks.Page:
        if after is not None:
            await by(world, provider).replace(plan_id, [*wanted, rate("99")], "other")
        return await page(plan_id, after)

    monkeypatch.setattr(slow, "_page", overtaken)
    with pytest.raises(DeckGone, match="begin again"):
        world.now(slow.export(plan_id))


def test_an_import_that_is_overtaken_changes_nothing(stored: World) -> None:
    plan_id = make(stored)
    provider = stored.sign_in(PROVIDER)
    pauses = Pauses(stored)
    pauses.action = lambda: by(stored, provider).replace(plan_id, [TWO], "second")
    with pytest.raises(DeckGone, match="begin again"):
        stored.now(by(stored, provider, pauses).replace(plan_id, [ONE], "first"))
    assert exported(stored, provider, plan_id).rates == [TWO]


def test_who_loses_the_right_while_rates_are_loaded_puts_none_in_force(world: World) -> None:
    plan_id = make(world)
    provider = world.sign_in(PROVIDER)
    pauses = Pauses(world)

    async def demote() -> None:
        await world.desk.run(
            command_line,
            lambda act: logins.change_role(
                act, "northline", login_id=f"login-{PROVIDER}", role=Role.READER
            ),
        )

    pauses.action = demote
    with pytest.raises(Forbidden, match="change plans and rates"):
        world.now(by(world, provider, pauses).replace(plan_id, [ONE], "x"))
    assert exported(world, provider, plan_id) == WholeDeck(None, [])


def test_the_plan_that_one_was_given_is_read_and_copied(stored: World) -> None:
    """Spec section 6: times a factor, plus an amount a minute."""
    given = make(stored)
    put(stored, given, [rate("44", "0.01", 30, "0.03", 6, "0.04"), rate("1", first_price=None)])
    give(stored, "acme", given)
    own = stored.machine(lambda act: add_plan(act, "acme", name="mine"))
    acme = stored.sign_in(ACME)
    mine = by(stored, acme)
    made = stored.now(mine.copied(given, Decimal("1.25"), Decimal("0.01")))
    stored.now(mine.replace(own, made, "a copy"))
    assert exported(stored, acme, own).rates == [
        rate("1", "0", 60, None, 10, "0.035"),
        rate("44", "0.0125", 30, "0.0425", 6, "0.06"),
    ]
    with pytest.raises(NotFound):
        stored.now(mine.replace(given, made, "theirs"))
    with pytest.raises(NotFound):
        stored.now(by(stored, stored.sign_in(BETA)).copied(own, Decimal(1)))
    with pytest.raises(Forbidden):
        stored.now(by(stored, stored.sign_in(OPERATOR)).copied(own, Decimal(1)))


@pytest.mark.parametrize(
    ("factor", "amount", "message"),
    [
        ("0", "0", "factor: must be above 0"),
        ("1", "-0.01", "amount: must not be below 0"),
        ("999999999999", "0", r"factor: prefix '44': "),
    ],
)
def test_a_copy_that_makes_no_sense(world: World, factor: str, amount: str, message: str) -> None:
    plan_id = make(world)
    put(world, plan_id, [rate("44", price_per_minute="100")])
    with pytest.raises(Faults, match=message):
        world.now(
            by(world, world.sign_in(PROVIDER)).copied(plan_id, Decimal(factor), Decimal(amount))
        )


def test_which_rate_a_number_has_now_and_at_another_time(world: World) -> None:
    plan_id = make(world)
    later = datetime(2030, 6, 1, tzinfo=UTC)
    put(world, plan_id, [ONE, rate("4420", "0.01", valid_from=later.timestamp())])
    give(world, "acme", plan_id)
    acme = world.sign_in(ACME)

    def look(at: datetime | None, number: str = NUMBER) -> rates.Looked:
        return world.do(acme, lambda act: rates.check(act, plan_id, number=number, at=at))

    now, then = look(None), look(later)
    assert (now.plan, now.account, now.number) == ("retail", "Northline", NUMBER)
    assert [each.prefix for each in (now.rate, then.rate) if each] == ["44", "4420"]
    assert ([each.prefix for each in now.passed_over], then.passed_over) == (["4420"], [])
    assert [(minutes, cost.amount) for minutes, cost in then.costs()] == [
        (1, Decimal("0.03")),
        (5, Decimal("0.11")),
    ]
    assert look(later.replace(tzinfo=None)).at == later.timestamp(), "in the account's zone, UTC"
    nothing = look(None, "+33123456789")
    assert (nothing.rate, list(nothing.costs())) == (None, [])
    with pytest.raises(Faults, match="number: "):
        look(None, "12")


def test_an_extension_is_priced_by_the_plans_in_sight(world: World) -> None:
    """Whoever pays further above is nobody's business below."""
    wholesale, retail = make(world, "admin", name="wholesale"), make(world)
    put(world, retail, [ONE])
    for place_id, plan_id in (("northline", wholesale), ("acme", retail)):
        give(world, place_id, plan_id)

    def look(who: str) -> list[str]:
        def plans(act: Any) -> list[str]:
            found = rates.check_extension(act, "acme-travellers", number=NUMBER)
            return [each.plan for each in found]

        return world.do(world.sign_in(who), plans)

    assert look(ACME) == ["retail"]
    assert look(PROVIDER) == ["retail", "wholesale"]
    with pytest.raises(NotFound):
        look(BETA)


def test_rates_of_a_request_are_checked_as_those_of_a_file() -> None:
    documents = [{"prefix": "44", "price_per_minute": "0.02"}]
    (read,) = rates.read_rates(documents)
    assert (read.prefix, read.price_per_minute, read.first_price) == ("44", Decimal("0.02"), None)
    with pytest.raises(Faults, match=r"rates\[1\]: holds at a time when"):
        rates.read_rates(documents * 2)
