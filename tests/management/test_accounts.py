"""Accounts are made, changed, listed and looked at."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select
from tests.management.world import World

from ringback.charging import ledger
from ringback.faults import Faults
from ringback.management import history
from ringback.management.accounts import changing, deleting, listing, making, showing
from ringback.management.accounts.changing import NEEDS_OF_CHANGE
from ringback.management.accounts.making import NEEDS_OF_NEW
from ringback.management.accounts.showing import Account
from ringback.management.actor import Actor, command_line
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import MAY, Reach, Right, Role
from ringback.management.verbs import Done
from ringback.store import Store
from ringback.store.models import AccountRow, PlanRow


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def actor(**roles: Role) -> Actor:
    return Actor("me@example.org", {name: MAY[role] for name, role in roles.items()}, "me")


NORTHLINE = actor(northline=Role.OWNER)
ACME = actor(acme=Role.OWNER)


def create(world: World, parent: str, who: Actor = NORTHLINE, **values: Any) -> Done[str]:
    return world.do(who, lambda act: making.create(act, parent, values=values))


def change(world: World, account: str, who: Actor = NORTHLINE, **values: Any) -> Done[None]:
    return world.do(who, lambda act: changing.change(act, account, values=values))


def get(world: World, account: str, who: Actor = NORTHLINE) -> Account:
    return world.do(who, lambda act: showing.account(act, account))


def lines(done: Done[Any]) -> list[str]:
    return [line for change in done.changes for line in change.lines()]


def plan(world: World, owner: str, name: str = "retail", kind: str = "prepaid") -> str:
    id_ = f"{owner}-{name}"
    row = {
        "id": id_,
        "account_id": owner,
        "name": name,
        "kind": kind,
        "limit": Decimal(0 if kind == "prepaid" else 20),
        "special_prefixes": [],
        "packages": [],
    }
    world.now(world.store.run(lambda tx: tx.execute(insert(PlanRow), row)))
    return id_


def test_an_account_is_made_with_all_that_is_said_of_it(world: World) -> None:
    plan(world, "northline", kind="postpaid")
    done = create(
        world,
        "northline",
        name="gamma",
        level="user",
        contact_name="Gamma Ltd",
        country="GB",
        language="en",
        time_zone="Europe/London",
        status="suspended",
        expires="2030-01-01",
        plan="retail",
        balance="100.00",
        low_credit="10.00",
        limits={"extensions": 20, "storage_mb": "unlimited"},
        guards={"sessions": 5},
        destinations={"allow": ["44"]},
    )
    assert lines(done) == ["created account northline/gamma with 100.00"]
    found = get(world, done.value)
    assert (found.path, found.level, found.name) == ("northline/gamma", "user", "gamma")
    assert (found.contact_name, found.provider) == ("Gamma Ltd", "Northline")
    assert (found.country, found.language, found.time_zone) == ("GB", "en", "Europe/London")
    assert (found.status, found.expires) == ("suspended", 1893456000.0)
    assert (found.guards, found.destinations) == ({"sessions": 5}, {"allow": ["44"]})
    assert {name: limit.most for name, limit in found.limits.items()} == {
        "extensions": 20,
        "caller_ids": None,
        "storage_mb": None,
    }
    money = found.money
    assert money is not None
    assert (money.plan, money.balance, money.available) == ("retail", Decimal(100), Decimal(120))
    assert (money.credit_limit, money.credit_limit_in_force) == (None, Decimal(20))
    assert money.low_credit == Decimal(10)
    (entry,) = world.do(NORTHLINE, lambda act: history.changes(act, done.value))
    assert (entry.verb, entry.action, entry.who) == ("account.create", "created", "me@example.org")
    assert entry.fields["balance"] == [None, "100.00"]
    assert entry.fields["expires"] == [None, "2030-01-01T00:00:00Z"]


def test_what_is_left_out_is_that_of_the_account_above(world: World) -> None:
    change(world, "northline", actor(admin=Role.OWNER), country="PT", language="pt")
    found = get(world, create(world, "acme", ACME, name="bob", level="user").value, ACME)
    assert (found.path, found.contact_name, found.country) == ("acme/bob", "bob", None)
    assert (found.in_force.country, found.in_force.language) == ("PT", "pt")
    assert found.provider == "Acme"


@pytest.mark.parametrize(
    ("parent", "values", "message"),
    [
        ("northline", {"name": "acme"}, "name: there is 'acme' already beside it"),
        ("northline", {"name": "a/b"}, "name: write a name without / and :"),
        ("northline", {"name": "admin"}, "name: "),
        ("northline", {}, "name: is required"),
        ("acme", {"name": "x"}, "level: must be below that of the account above, organization"),
        ("anna", {"name": "x", "level": "user"}, "level: must be below"),
        ("northline", {"name": "x", "level": "extension"}, "level: must be"),
        ("acme-travellers", {"name": "x", "level": "user"}, "parent: is an extension"),
        ("northline", {"name": "x", "plan": "gold"}, "plan: no account above it has a plan"),
        ("northline", {"name": "x", "balance": "-1"}, "balance: "),
        ("northline", {"name": "x", "limits": {"extensions": -1}}, r"limits.extensions: write a"),
        ("northline", {"name": "x", "status": "gone"}, "status: must be"),
        ("northline", {"name": "x", "expires": "soon"}, "expires: write a date"),
        ("northline", {"name": "x", "colour": "red"}, "colour: there is no such field"),
    ],
)
def test_every_fault_is_named_by_its_field(
    world: World, parent: str, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(Faults, match=message):
        create(world, parent, **values)


def test_all_faults_are_told_at_once(world: World) -> None:
    with pytest.raises(Faults) as refused:
        create(world, "acme", name="anna", level="organization", plan="gold")
    assert [fault.where for fault in refused.value.found] == [("level",), ("name",), ("plan",)]
    with pytest.raises(Faults) as refused:
        change(world, "acme", name="beta", plan="gold")
    assert [fault.where for fault in refused.value.found] == [("name",), ("plan",)]


def test_names_are_unique_among_siblings_only(world: World) -> None:
    create(world, "southline", actor(admin=Role.OWNER), name="acme")
    create(world, "acme", name="travellers", level="user")  # an extension has the name
    with pytest.raises(Faults, match="name: there is 'beta' already"):
        change(world, "acme", name="beta")
    assert lines(change(world, "acme", name="acme-2")) == [
        "account northline/acme: name acme -> acme-2"
    ]
    create(world, "northline", name="acme")


def test_a_change_is_told_field_by_field_and_what_is_left_out_stays(world: World) -> None:
    change(world, "acme", guards={"sessions": 5, "calls_per_hour": 7}, limits={"extensions": 3})
    done = change(
        world,
        "acme",
        guards={"sessions": None},
        limits={"caller_ids": 9},
        status="suspended",
        contact_name=None,
    )
    assert lines(done) == [
        "account northline/acme: contact_name Acme -> acme",
        "account northline/acme: status enabled -> suspended",
        'account northline/acme: limits {"extensions": 3} -> {"caller_ids": 9, "extensions": 3}',
        'account northline/acme: guards {"calls_per_hour": 7, "sessions": 5} -> '
        '{"calls_per_hour": 7}',
    ]
    assert change(world, "acme", status="suspended", limits={"extensions": 3}).changes == ()
    change(world, "acme", status=None)
    assert get(world, "acme").status == "enabled"


def test_an_extension_is_changed_likewise(world: World) -> None:
    done = change(world, "acme-travellers", ACME, status="suspended", limits={"caller_ids": 1})
    assert lines(done)[0] == "extension acme:travellers: status enabled -> suspended"
    assert get(world, "acme-travellers", ACME).status == "suspended"


def test_of_itself_an_account_changes_its_contact_name_language_and_time_zone() -> None:
    """Section 2, written out: everything else from above only, each field by its right."""
    itself = {name for name, need in NEEDS_OF_CHANGE.items() if need.reach is Reach.ANY}
    assert itself == {"contact_name", "language", "time_zone"}
    assert NEEDS_OF_NEW.keys() - NEEDS_OF_CHANGE.keys() == {"level", "balance"}
    assert all(need.reach is Reach.ANY for need in NEEDS_OF_NEW.values())
    for needs in (NEEDS_OF_CHANGE, NEEDS_OF_NEW):
        other = {name: need.right for name, need in needs.items()}
        assert {name for name in other if other[name] is Right.PLANS} == {
            "plan",
            "credit_limit",
            "low_credit",
        }
        assert {name for name in other if other[name] is Right.GUARDS} == {"guards", "destinations"}
    assert NEEDS_OF_NEW["balance"].right is Right.RECHARGE


def test_the_top_keeps_its_name_country_and_place(world: World) -> None:
    top = actor(admin=Role.OWNER)
    with pytest.raises(Faults, match="name: stays admin"):
        change(world, "admin", top, name="root")
    with pytest.raises(Faults, match="country: is the home_country"):
        change(world, "admin", top, country="FR")
    with pytest.raises(Faults, match="account: is above all others"):
        world.do(top, lambda act: deleting.remove(act, "admin"))
    assert lines(change(world, "admin", top, contact_name="We")) == [
        "account admin: contact_name Admin -> We"
    ]


def test_an_accountant_gives_plans_and_changes_nothing_else(world: World) -> None:
    plan(world, "northline")
    accountant = actor(northline=Role.ACCOUNTANT)
    assert lines(change(world, "acme", accountant, plan="retail")) == [
        "account northline/acme: plan none -> retail"
    ]
    with pytest.raises(Forbidden, match="contact_name: needs the right to change accounts"):
        change(world, "acme", accountant, contact_name="x")
    with pytest.raises(Forbidden, match=r"plan: .*only an account above"):
        change(world, "acme", actor(acme=Role.ACCOUNTANT), plan="retail")


def test_a_plan_is_the_nearest_that_the_actor_may_know(world: World) -> None:
    top, own = plan(world, "admin"), plan(world, "northline")
    plan(world, "acme")  # by its own it would set its own prices
    plan(world, "admin", "secret")
    plan(world, "southline", "others")

    def given(account: str) -> str | None:
        query = select(AccountRow.plan_id).where(AccountRow.id == account)
        return world.now(world.store.read(lambda tx: tx.execute(query).scalar()))

    change(world, "acme", plan="retail")
    assert given("acme") == own
    for name in ("secret", "others", "nothing"):  # invisible and absent alike
        with pytest.raises(Faults, match=f"plan: no account above it has a plan '{name}'"):
            change(world, "acme", plan=name)
    change(world, "northline", actor(admin=Role.OWNER), plan="secret")
    change(world, "acme", plan="secret")  # what it was given it may pass on
    assert given("acme") == "admin-secret"
    change(world, "northline", actor(admin=Role.OWNER), plan=None)
    assert change(world, "acme", plan="secret").changes == ()  # it has it
    assert top != own


def test_an_account_is_not_given_what_it_made_itself(world: World) -> None:
    """Or it would set its own prices, under a name that its provider means."""
    own, provider = plan(world, "acme"), plan(world, "northline")
    change(world, "acme", plan="retail")
    change(world, "anna", plan="retail")
    query = select(AccountRow.plan_id).where(AccountRow.id.in_(["acme", "anna"]))
    given = world.now(
        world.store.read(lambda tx: tx.execute(query.order_by(AccountRow.id)).scalars().all())
    )
    assert list(given) == [provider, own]
    plan(world, "admin", "of the top")
    change(world, "admin", actor(admin=Role.OWNER), plan="of the top")  # nobody is above it


def test_money_is_shown_to_those_who_may_see_it(world: World) -> None:
    for role in Role:
        found = get(world, "anna", actor(acme=role))
        assert (found.money is None) == (role is Role.OPERATOR)
    with pytest.raises(NotFound):
        get(world, "northline", ACME)


def names(world: World, place: str, who: Actor = NORTHLINE, **filters: Any) -> list[str]:
    page = world.do(who, lambda act: listing.accounts(act, place, **filters))
    return [each.path for each in page.items]


def test_a_list_has_what_lies_below(world: World) -> None:
    assert names(world, "northline") == [
        "northline/acme",
        "northline/acme/anna",
        "northline/beta",
    ]
    assert names(world, "acme", ACME) == ["acme/anna"]
    extensions = names(world, "acme", ACME, level="extension")
    assert extensions == ["acme/anna:phones", "acme:travellers"]
    change(world, "acme", status="suspended")
    assert names(world, "northline", status="suspended") == ["northline/acme"]
    assert names(world, "northline", level="user") == ["northline/acme/anna"]
    assert names(world, "northline", name="A") == ["northline/acme", "northline/acme/anna"]
    assert names(world, "northline", name="%") == []


@pytest.mark.parametrize("limit", [1, 0])
def test_a_list_is_read_page_by_page(world: World, limit: int) -> None:
    seen: list[str] = []
    cursor, pages = None, 0
    while pages == 0 or cursor is not None:
        page = world.do(
            NORTHLINE,
            lambda act, cursor=cursor: listing.accounts(  # type: ignore[misc]
                act, "northline", cursor=cursor, limit=limit
            ),
        )
        assert (page.count, page.more) == (3, False)
        seen += [each.path for each in page.items]
        cursor, pages = page.next, pages + 1
    assert pages == 3
    assert seen == names(world, "northline")


def test_a_balance_at_the_beginning_is_an_opening(world: World) -> None:
    made = create(world, "acme", name="bob", level="user", balance="5.00").value

    def opening(act: Any) -> tuple[str, Decimal]:
        row = act.tx.execute(select(AccountRow).where(AccountRow.id == made)).one()
        return row.level, ledger.balance(act.tx, row.ledger_id).balance

    assert world.now(world.desk.read(command_line, opening)) == ("user", Decimal(5))
