"""Access numbers: added at the top, handed down and taken back, led to extensions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.management.extension_samples import add_number
from tests.management.world import World

from ringback.accounts import numbers as rows
from ringback.accounts import tree
from ringback.faults import Faults
from ringback.management.actor import Actor
from ringback.management.extensions import extensions, setups
from ringback.management.history import changes
from ringback.management.numbers import holding, leading, listing
from ringback.management.paging import Page, whole
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import MAY, Role
from ringback.management.verbs import Act, Done
from ringback.store import InlineStore, Store

ONE, TWO, THREE = "+442071838750", "+442079460001", "+442079460002"


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def memory() -> World:
    return World(InlineStore())


def one(role: Role, account: str) -> Actor:
    return Actor(role, {account: MAY[role]}, login_id="x")


def owner(account: str) -> Actor:
    return one(Role.OWNER, account)


def give(world: World, number: str, account: str) -> None:
    world.machine(lambda act: add_number(act, account, number))


def lines(done: Done[Any]) -> list[str]:
    return [line for change in done.changes for line in change.lines()]


def faults(deed: Callable[[], object]) -> list[str]:
    with pytest.raises(Faults) as found:
        deed()
    return [str(fault) for fault in found.value.found]


def lead(world: World, who: Actor, number: str, to: str | None, position: int | None = None) -> Any:
    return world.do(who, lambda act: leading.lead(act, number, extension_id=to, position=position))


def hand(world: World, who: Actor, number: str, to: str) -> Any:
    return world.do(who, lambda act: holding.hand(act, number, account_id=to))


def led(world: World, extension: str) -> list[str]:
    return world.machine(lambda act: rows.leading_to(act.tx, extension))


def listed(world: World, who: Actor, account: str, **more: Any) -> list[tuple[Any, ...]]:
    found = world.do(who, lambda act: listing.access_numbers(act, account, **more))
    return [(each.number, each.path, each.extension) for each in found.items]


def test_the_server_administrator_adds_a_number_for_an_account(world: World) -> None:
    values = {"number": "+44 20 7183 8750", "destination": "+442079460000"}
    done = world.machine(lambda act: holding.add(act, "acme", values=values))
    assert (done.value, lines(done)) == (
        ONE,
        [f"created access number {ONE} of northline/acme"],
    )
    assert listed(world, owner("acme"), "acme") == [(ONE, "acme", None)]
    again = faults(lambda: world.machine(lambda act: holding.add(act, "beta", values=values)))
    assert again == ["number: is there already"]
    wrong = {"number": TWO, "destination": TWO, "colour": "red"}
    assert faults(lambda: world.machine(lambda act: holding.add(act, "acme", values=wrong))) == [
        "colour: unknown key: take it out, or check its spelling"
    ]
    wrong = {"number": TWO, "destination": TWO}
    assert faults(lambda: world.machine(lambda act: holding.add(act, "acme", values=wrong))) == [
        "destination: is the access number itself: write another number"
    ]
    wrong = {"number": ONE}
    assert faults(
        lambda: world.machine(lambda act: holding.add(act, "acme-travellers", values=wrong))
    ) == [
        "number: is there already",
        "account: is an extension: hand the number to its account, and lead it here",
    ]
    with pytest.raises(Forbidden, match="which only the server administrator may do"):
        world.do(owner("northline"), lambda act: holding.add(act, "acme", values={"number": TWO}))


def test_a_number_is_led_to_an_extension_below_its_holder(world: World) -> None:
    for number in (ONE, TWO, THREE):
        give(world, number, "acme")
    operator = one(Role.OPERATOR, "acme")
    done = lead(world, operator, ONE, "acme-travellers")
    assert lines(done) == [f'extension acme:travellers: access_numbers [] -> ["{ONE}"]']
    lead(world, operator, TWO, "acme-travellers")
    lead(world, operator, THREE, "acme-travellers", 0)
    assert led(world, "acme-travellers") == [THREE, ONE, TWO]
    assert lead(world, operator, ONE, "acme-travellers").changes == []
    lead(world, operator, THREE, "acme-travellers", 9)
    assert led(world, "acme-travellers") == [ONE, TWO, THREE]
    done = lead(world, operator, ONE, "anna-phones")
    assert [change.place.path for change in done.changes] == [
        "northline/acme:travellers",
        "northline/acme/anna:phones",
    ]
    assert (led(world, "acme-travellers"), led(world, "anna-phones")) == ([TWO, THREE], [ONE])
    found = world.machine(lambda act: tree.find_access_number(act.tx, ONE))
    assert found is not None
    assert found.extension.id == "anna-phones"
    lead(world, operator, ONE, None)
    assert led(world, "anna-phones") == []


def test_a_number_is_led_only_where_holder_and_actor_reach(memory: World) -> None:
    give(memory, ONE, "acme")
    give(memory, TWO, "anna")
    boss = owner("northline")
    assert faults(lambda: lead(memory, boss, ONE, "beta-travellers")) == [
        "extension: is not below the account that holds the number: hand the number to the "
        "extension's account, or to one above it, first"
    ]
    assert faults(lambda: lead(memory, boss, TWO, "acme-travellers", -1))[0].startswith("extension")
    for absent in ("beta-travellers", "nowhere", "acme", "\ud800"):
        with pytest.raises(NotFound, match="there is no such extension"):
            lead(memory, owner("acme"), ONE, absent)
    with pytest.raises(Forbidden):
        lead(memory, one(Role.ACCOUNTANT, "acme"), ONE, "acme-travellers")
    for number in (ONE, THREE):  # that of another tenant, and one that nobody has
        with pytest.raises(NotFound, match="there is no such access number"):
            lead(memory, owner("beta"), number, "beta-travellers")
        with pytest.raises(NotFound, match="there is no such access number"):
            hand(memory, owner("beta"), number, "beta")


def test_a_number_is_handed_down_and_taken_back(world: World) -> None:
    give(world, ONE, "acme")
    acme, anna = owner("acme"), owner("anna")
    done = hand(world, acme, ONE, "anna")
    assert lines(done) == [
        f"access number {ONE} of acme: account acme -> acme/anna",
        f"access number {ONE} of acme/anna: account none -> anna",
    ]
    assert listed(world, anna, "anna") == [(ONE, "anna", None)]
    assert listed(world, acme, "acme") == [(ONE, "acme/anna", None)]
    assert listed(world, acme, "acme", below=False) == []
    lead(world, one(Role.OPERATOR, "anna"), ONE, "anna-phones")
    with pytest.raises(NotFound, match="there is no such account"):
        hand(world, anna, ONE, "acme")
    done = hand(world, acme, ONE, "acme")
    assert led(world, "anna-phones") == [ONE], "it is still below its holder"
    assert listed(world, anna, "anna") == []
    entries = world.do(anna, lambda act: changes(act, "anna"))
    assert [(entry.verb, entry.fields) for entry in entries if entry.kind == "access number"] == [
        ("number.hand", {"account": ["anna", None]}),
        ("number.hand", {"account": [None, "anna"]}),
    ]
    assert hand(world, acme, ONE, "acme").changes == ()
    with pytest.raises(Forbidden):
        hand(world, one(Role.OPERATOR, "acme"), ONE, "anna")


def test_a_number_in_use_is_not_handed_away_or_removed(memory: World) -> None:
    give(memory, ONE, "acme")
    acme, boss = owner("acme"), owner("northline")
    lead(memory, acme, ONE, "acme-travellers")
    shown = {"caller_id_number": {"set_by": "user", "value": ONE}}
    memory.do(acme, lambda act: setups.change(act, "acme-travellers", values=shown))
    leads = "the number leads to the extension {}: let it lead nowhere first"
    shows = "the extension {} shows the number to called parties: change its caller_id_number first"
    assert faults(lambda: hand(memory, boss, ONE, "beta")) == [
        "account: " + leads.format("northline/acme:travellers, not below it")
    ]
    assert faults(lambda: memory.machine(lambda act: holding.remove(act, ONE))) == [
        "extension: " + shows.format("northline/acme:travellers"),
        "extension: " + leads.format("northline/acme:travellers"),
    ]
    lead(memory, acme, ONE, None)
    assert faults(lambda: hand(memory, boss, ONE, "beta")) == [
        "account: " + shows.format("northline/acme:travellers")
    ]
    hidden = {"caller_id_number": None}
    memory.do(acme, lambda act: setups.change(act, "acme-travellers", values=hidden))
    hand(memory, boss, ONE, "beta")
    done = memory.machine(lambda act: holding.remove(act, ONE))
    assert lines(done) == [f"deleted access number {ONE} of northline/beta"]
    assert memory.machine(lambda act: rows.find(act.tx, ONE)) is None


def test_a_number_that_is_shown_by_an_extension_it_leads_to_stays_there(memory: World) -> None:
    give(memory, ONE, "acme")
    acme = owner("acme")
    lead(memory, acme, ONE, "anna-phones")
    shown = {"caller_id_number": {"set_by": "user", "value": ONE}}
    memory.do(acme, lambda act: setups.change(act, "anna-phones", values=shown))
    assert faults(lambda: lead(memory, acme, ONE, None)) == [
        "extension: the extension acme/anna:phones shows the number to called parties: change its "
        "caller_id_number first"
    ]
    hand(memory, acme, ONE, "anna")
    lead(memory, acme, ONE, None)


def test_a_destination_is_changed_by_who_holds_the_number(world: World) -> None:
    give(world, ONE, "acme")
    operator = one(Role.OPERATOR, "acme")

    def change(**values: Any) -> list[str]:
        return lines(world.do(operator, lambda act: holding.change(act, ONE, values=values)))

    assert change(destination="+44 20 7946 0000") == [
        f"access number {ONE} of acme: destination none -> +442079460000"
    ]
    assert change(destination="+442079460000") == change() == []
    assert faults(lambda: change(destination=ONE)) == [
        "destination: is the access number itself: write another number"
    ]
    assert faults(lambda: change(destination="020 7946 0000"))[0].startswith("destination: ")
    hand(world, owner("acme"), ONE, "anna")
    (kept,) = world.machine(lambda act: listing.access_numbers(act, "anna")).items
    assert kept.destination == "+442079460000"
    done = hand(world, owner("northline"), ONE, "beta")
    assert lines(done) == [
        f"access number {ONE} of northline/acme/anna: account anna -> none",
        f"access number {ONE} of northline/acme/anna: destination +442079460000 -> none",
        f"access number {ONE} of northline/beta: account none -> beta",
    ]


def test_the_list_of_an_extension_is_set_at_once(world: World) -> None:
    for number, account in ((ONE, "acme"), (TWO, "anna"), (THREE, "northline")):
        give(world, number, account)

    def put(who: Actor, extension: str, *wanted: str) -> list[str]:
        values = {"access_numbers": list(wanted)}
        return lines(world.do(who, lambda act: extensions.change(act, extension, values=values)))

    operator = one(Role.OPERATOR, "acme")
    assert put(operator, "anna-phones", TWO, ONE) == [
        f'extension acme/anna:phones: access_numbers [] -> ["{TWO}", "{ONE}"]'
    ]
    assert led(world, "anna-phones") == [TWO, ONE]
    assert put(one(Role.OPERATOR, "anna"), "anna-phones", ONE, TWO) != []
    assert faults(lambda: put(owner("anna"), "anna-phones", TWO)) == [
        f"access_numbers: {ONE} was led here from above, and is taken out only there"
    ]
    absent = "+442079460009"
    told = "is no access number of the account: have it handed to the account first"
    assert faults(lambda: put(operator, "acme-travellers", absent, THREE, TWO, ONE)) == [
        f"access_numbers[0]: {absent} {told}",
        f"access_numbers[1]: {THREE} {told}",
        f"access_numbers[2]: {TWO} {told}",
        f"access_numbers[3]: {ONE} leads to the extension acme/anna:phones already: take it out "
        "there first",
    ]
    assert put(owner("northline"), "acme-travellers", THREE) != []
    assert faults(lambda: put(operator, "anna-phones", ONE, ONE)) == [
        "access_numbers[1]: is there twice: take one out, or give it another name"
    ]
    values: dict[str, Any] = {"access_numbers": None}
    world.do(operator, lambda act: extensions.change(act, "anna-phones", values=values))
    assert led(world, "anna-phones") == []


def test_numbers_are_listed_page_by_page(memory: World) -> None:
    for number in (ONE, TWO, THREE):
        give(memory, number, "acme")
    acme = owner("acme")
    page = memory.do(acme, lambda act: listing.access_numbers(act, "acme", limit=2))
    assert ([each.number for each in page.items], page.count) == ([ONE, TWO], 3)
    assert listed(memory, acme, "acme", cursor=page.next) == [(THREE, "acme", None)]
    assert [row[0] for row in listed(memory, acme, "acme", number="+442071")] == [ONE]
    assert len(memory.do(acme, lambda act: whole(lambda cursor: page_by_one(act, cursor)))) == 3


def page_by_one(act: Act, cursor: str | None) -> Page[listing.AccessNumber]:
    return listing.access_numbers(act, "acme", cursor=cursor, limit=1)
