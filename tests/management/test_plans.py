"""Charging plans: made, changed, deleted, and read by whoever was given one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select
from tests.charging.helpers import hold
from tests.management.samples import PLAN, add_plan
from tests.management.world import World

from ringback.charging import decks, ledger
from ringback.faults import Faults
from ringback.management.accounts import changing
from ringback.management.history import changes
from ringback.management.people.credentials import SignInToken
from ringback.management.plans import looking, making, rates
from ringback.management.plans.looking import Plan
from ringback.management.plans.whose import find_plan
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import Role
from ringback.management.verbs import Act, Done
from ringback.store import InlineStore, Store
from ringback.store.models import DeckRow, PlanRow, TrunkRow

ACME, BETA, PROVIDER, OPERATOR = (
    f"{who}@example.org" for who in ("acme", "beta", "provider", "operator")
)


def fill(world: World) -> World:
    world.person(ACME, ("acme", Role.ACCOUNTANT))
    world.person(OPERATOR, ("acme", Role.OPERATOR))
    world.person(BETA, ("beta", Role.OWNER))
    world.person(PROVIDER, ("northline", Role.ACCOUNTANT))
    return world


@pytest.fixture
def world() -> World:
    return fill(World(InlineStore()))


@pytest.fixture
def stored(store: Store) -> World:
    return fill(World(store))


def make(world: World, account: str = "northline", **values: Any) -> str:
    return world.machine(lambda act: add_plan(act, account, **values))


def give(world: World, place_id: str, plan_id: str, credit_limit: str | None = None) -> None:
    def deed(act: Act) -> None:
        values = {"plan": looking.plan(act, plan_id).name, "credit_limit": credit_limit}
        changing.change(act, place_id, values=values)

    world.machine(deed)


def change(world: World, plan_id: str, **values: Any) -> Done[None]:
    return world.machine(lambda act: making.change(act, plan_id, values=values))


def listed(world: World, who: SignInToken, account: str) -> list[Plan]:
    return world.do(who, lambda act: looking.plans(act, account))


def faults(caught: pytest.ExceptionInfo[Faults]) -> list[str]:
    return [str(fault) for fault in caught.value.found]


def lines(done: Done[Any]) -> list[str]:
    return [line for change in done.changes for line in change.lines()]


def test_two_tenants_have_plans_of_one_name(stored: World) -> None:
    acme, beta = stored.sign_in(ACME), stored.sign_in(BETA)
    made = stored.do(acme, lambda act: making.create(act, "acme", values=PLAN))
    assert lines(made) == ["created plan retail of acme"]
    stored.do(beta, lambda act: making.create(act, "beta", values={"name": "retail"}))
    with pytest.raises(Faults, match="name: there is a plan 'retail' already"):
        stored.do(acme, lambda act: making.create(act, "acme", values={"name": "retail"}))
    (found,) = listed(stored, acme, "acme")
    assert found == Plan(made.value, "acme", False, PLAN, 0, None)
    (others,) = listed(stored, beta, "beta")
    assert others.settings == {
        "name": "retail",
        "kind": "prepaid",
        "limit": "0.00",
        "special_prefixes": [],
        "packages": [],
    }
    assert {each.account for each in listed(stored, stored.sign_in(PROVIDER), "northline")} == {
        "northline/acme",
        "northline/beta",
    }
    for deed in (making.delete, looking.plan):
        with pytest.raises(NotFound, match="there is no such plan"):
            stored.do(beta, lambda act, deed=deed: deed(act, made.value))  # type: ignore[misc]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": None}, "name: is required"),
        ({"name": "a:b"}, "name: write a name without / and :"),
        ({"kind": "free"}, "kind: must be 'prepaid' or 'postpaid'"),
        ({"limit": "5.00"}, "limit: goes with kind: postpaid only"),
        ({"kind": "postpaid", "limit": "-1"}, "limit: "),
        ({"special_prefixes": ["+44900"]}, r"special_prefixes\[0\]: .* without \+"),
        ({"packages": [{"prefix": "44", "minutes": 1}] * 2}, r"packages\[1\].prefix: .*twice"),
        ({"id": "x"}, "id: there is no such field"),
        ({"rates": []}, "rates: there is no such field"),
    ],
)
def test_every_fault_is_named_by_its_field(
    world: World, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(Faults, match=message):
        make(world, **values)
    plan_id = make(world)
    with pytest.raises(Faults, match=message):
        change(world, plan_id, **values)


def test_what_is_left_out_stays_and_null_is_the_default(world: World) -> None:
    plan_id = make(world, **PLAN)
    done = change(world, plan_id, name="wholesale", packages=None, kind="postpaid")
    assert lines(done) == [
        "plan retail of northline: name retail -> wholesale",
        'plan retail of northline: packages [{"minutes": 100, "prefix": "44"}] -> []',
    ]
    assert lines(change(world, plan_id, kind=None)) == [
        "plan wholesale of northline: kind postpaid -> prepaid",
        "plan wholesale of northline: limit 50.00 -> 0.00",
    ]
    assert change(world, plan_id, kind="prepaid", special_prefixes=["44900"]).changes == ()
    make(world)
    with pytest.raises(Faults, match="name: there is a plan 'wholesale' already"):
        change(
            world,
            world.machine(lambda act: find_plan(act.tx, act.actor, "retail")),
            name="wholesale",
        )
    log = world.do(world.sign_in(PROVIDER), lambda act: changes(act, "northline"))
    assert [(entry.verb, entry.name, entry.path) for entry in log][-2:] == [
        ("plan.change", "retail", "northline"),
        ("plan.create", "retail", "northline"),
    ]


def limit_of(world: World, place_id: str) -> Decimal:
    return world.machine(lambda act: ledger.balance(act.tx, f"ledger-{place_id}").credit_limit)


def owe(world: World, place_id: str, amount: str, leg: str = "a") -> None:
    """A call on the balance is live, and this much is reserved for it."""
    held = replace(hold(0, leg, f"ledger-{place_id}"), total=Decimal(amount))
    world.machine(lambda act: ledger.reserve(act.tx, [held]))


def test_a_limit_is_changed_with_calls_live_where_the_balance_allows_it(stored: World) -> None:
    plan_id = make(stored, **PLAN)
    give(stored, "acme", plan_id)
    give(stored, "beta", plan_id, credit_limit="7.00")
    give(stored, "anna-phones", plan_id)
    owe(stored, "acme", "30.00")
    owe(stored, "beta", "6.00", "b")
    done = change(stored, plan_id, limit="30.00")
    assert done.credited == ["ledger-acme", "ledger-anna-phones"]
    assert [limit_of(stored, each) for each in ("acme", "beta", "anna-phones")] == [30, 7, 30]
    provider = stored.sign_in(PROVIDER)
    with pytest.raises(Faults) as caught:
        stored.do(provider, lambda act: making.change(act, plan_id, values={"kind": "prepaid"}))
    (contradicts, owes) = sorted(faults(caught), key=lambda fault: "acme" in fault)
    assert "northline/beta" in contradicts and "7.00" in contradicts
    assert "northline/acme: a limit of 0.00 is too low: 30.00 is owed or reserved" in owes
    assert limit_of(stored, "anna-phones") == 30
    assert stored.machine(lambda act: looking.plan(act, plan_id)).settings["kind"] == "postpaid"


def test_a_prepaid_plan_is_made_postpaid_with_calls_live(world: World) -> None:
    plan_id = make(world)
    world.machine(lambda act: ledger.recharge(act.tx, "ledger-acme", Decimal(5), "A-1", act.now))
    give(world, "acme", plan_id)
    owe(world, "acme", "5.00")
    assert change(world, plan_id, kind="postpaid", limit="20").credited == ["ledger-acme"]
    owe(world, "acme", "20.00", "b")
    with pytest.raises(Faults, match="acme"):
        change(world, plan_id, kind="prepaid")


def test_a_plan_is_read_by_the_account_that_it_was_given_to(stored: World) -> None:
    plan_id = make(stored, **PLAN)
    secret = make(stored, name="secret")
    give(stored, "acme", plan_id)
    give(stored, "beta", plan_id)
    acme = stored.sign_in(ACME)
    wanted = Plan(plan_id, "Northline", True, PLAN, 0, None)
    assert listed(stored, acme, "acme") == [wanted]
    assert stored.do(acme, lambda act: looking.plan(act, plan_id)) == wanted
    holders = stored.do(acme, lambda act: looking.given_to(act, plan_id))
    assert [holder.path for holder in holders] == ["acme"]
    assert stored.do(acme, lambda act: rates.rates(act, plan_id)) == decks.Page(None, [], False)
    assert stored.do(acme, lambda act: find_plan(act.tx, act.actor, "retail")) == plan_id
    closed = (
        lambda act: making.change(act, plan_id, values={"limit": "99.00"}),
        lambda act: making.delete(act, plan_id),
        lambda act: looking.plan(act, secret),
        lambda act: find_plan(act.tx, act.actor, "secret"),
    )
    for deed in closed:
        with pytest.raises(NotFound):
            stored.do(acme, deed)
    with pytest.raises(Forbidden, match="needs the right to see balances, plans"):
        stored.do(stored.sign_in(OPERATOR), lambda act: looking.plan(act, plan_id))
    whole = stored.do(stored.sign_in(PROVIDER), lambda act: looking.given_to(act, plan_id))
    assert [holder.path for holder in whole] == ["northline/acme", "northline/beta"]


def test_a_plan_from_further_above_is_your_providers(world: World) -> None:
    plan_id = make(world, "admin")
    give(world, "anna-phones", plan_id)
    (seen,) = listed(world, world.sign_in(ACME), "acme")
    assert (seen.account, seen.given, seen.id) == ("your provider", True, plan_id)
    (own,) = world.machine(lambda act: looking.plans(act, "acme"))
    assert (own.account, own.given) == ("admin", True)
    acme = world.sign_in(ACME)
    for view in ("anna", "anna-phones"):

        def deed(act: Act, at: str = view) -> list[Plan]:
            return looking.plans(act, at)

        assert [each.id for each in world.do(acme, deed, view=view)] == [plan_id]
    with pytest.raises(NotFound):
        world.do(
            world.sign_in(ACME), lambda act: looking.plan(act, plan_id), view="acme-travellers"
        )
    with pytest.raises(NotFound):
        world.do(world.sign_in(BETA), lambda act: looking.plan(act, plan_id))


def test_a_deleted_plan_is_in_no_list_and_frees_its_name(stored: World) -> None:
    plan_id = make(stored)
    stored.machine(lambda act: decks.begin(act.tx, "deck", plan_id, "x", act.now))
    stored.machine(lambda act: decks.switch(act.tx, "deck", plan_id))
    done = stored.machine(lambda act: making.delete(act, plan_id))
    assert lines(done) == ["deleted plan retail of northline"]
    assert listed(stored, stored.sign_in(PROVIDER), "northline") == []
    with pytest.raises(NotFound):
        stored.machine(lambda act: making.delete(act, plan_id))
    make(stored)

    def left(act: Act) -> Sequence[Any]:
        plan = act.tx.execute(select(PlanRow.deleted).where(PlanRow.id == plan_id)).scalar_one()
        return plan, act.tx.execute(select(DeckRow.state)).scalars().all()

    assert stored.machine(left) == (stored.time.now, ["condemned"])


def test_what_is_in_the_way_of_a_deletion_is_named(world: World) -> None:
    plan_id = make(world)
    for place_id in ("acme", "anna-phones"):
        give(world, place_id, plan_id)
    with pytest.raises(Faults) as caught:
        world.do(world.sign_in(PROVIDER), lambda act: making.delete(act, plan_id))
    assert faults(caught) == [
        f"given_to: {path} has it: give it another plan, or none, first"
        for path in ("northline/acme", "northline/acme/anna:phones")
    ]
    costs = make(world, "admin", name="london")

    def trunk(act: Act) -> None:
        row = {"id": "t", "version": "t", "name": "london-1", "settings": {}, "cost_plan_id": costs}
        act.tx.execute(insert(TrunkRow), row)

    world.machine(trunk)
    with pytest.raises(Faults) as caught:
        world.machine(lambda act: making.delete(act, costs))
    assert faults(caught) == [
        "trunks: trunk london-1: costs by it: give it another cost_plan first"
    ]


def test_which_plan_a_command_means(world: World) -> None:
    ids = {account: make(world, account) for account in ("admin", "northline", "acme")}

    def found(who: SignInToken | None, text: str) -> str:
        def deed(act: Act) -> str:
            return find_plan(act.tx, act.actor, text)

        return world.machine(deed) if who is None else world.do(who, deed)

    acme = world.sign_in(ACME)
    assert found(None, "admin:retail") == ids["admin"]
    assert found(None, "northline/acme:retail") == ids["acme"]
    assert found(acme, "retail") == ids["acme"]
    with pytest.raises(NotFound, match="write one of admin:retail, northline/acme:retail, north"):
        found(None, "retail")
    for text in ("northline:retail", "acme:wholesale", "wholesale"):
        with pytest.raises(NotFound):
            found(acme, text)
