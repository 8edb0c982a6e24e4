"""Extensions: making them, and changing their callback setup."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import insert, select
from tests.management.extension_samples import add_number
from tests.management.world import SECRETS, World

from ringback.accounts import numbers, tree
from ringback.faults import Faults
from ringback.management.accounts import changing
from ringback.management.actor import Actor
from ringback.management.extensions import extensions, listing, setups
from ringback.management.history import changes
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import MAY, Right, Role
from ringback.management.verbs import Act, Done
from ringback.store import InlineStore, Store
from ringback.store.models import ExtensionRow, SoundRow

ONE, TWO = "+442071838750", "+442079460001"
OPEN = {"return_calls": "caller", "open_to_anyone": True}


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


@pytest.fixture
def memory() -> World:
    return World(InlineStore())


def one(role: Role, account: str = "acme") -> Actor:
    return Actor(role, {account: MAY[role]}, login_id="x")


OWNER, OPERATOR = one(Role.OWNER), one(Role.OPERATOR)


def lines(done: Done[Any]) -> list[str]:
    return [line for change in done.changes for line in change.lines()]


def faults(deed: Callable[[], object]) -> list[str]:
    with pytest.raises(Faults) as found:
        deed()
    return [str(fault) for fault in found.value.found]


def refused(deed: Callable[[], object]) -> list[tuple[int | str, ...]]:
    with pytest.raises(Forbidden) as found:
        deed()
    return [fault.where for fault in found.value.faults]


def create(world: World, who: Actor = OWNER, account: str = "acme", **values: Any) -> Done[str]:
    return world.do(who, lambda act: extensions.create(act, account, values=values))


def change(
    world: World, values: Mapping[str, Any], who: Actor = OPERATOR, id_: str = "acme-travellers"
) -> Done[setups.Setup]:
    return world.do(who, lambda act: setups.change(act, id_, values=values))


def test_an_extension_is_made_now_and_set_up_later(world: World) -> None:
    made = create(world, name="sales")
    assert lines(made) == ["created extension acme:sales"]
    setup = world.do(OWNER, lambda act: setups.setup(act, made.value))
    assert (setup.fields["ring_seconds"], setup.fields["password_set"]) == (5, False)
    assert "password" not in setup.fields
    found = world.do(OWNER, lambda act: listing.extension(act, made.value))
    assert (found.path, found.status, found.access_numbers) == ("acme:sales", "enabled", ())
    world.machine(lambda act: tree.load_extension(act.tx, made.value))


def test_an_extension_is_made_with_all_at_once(world: World) -> None:
    world.machine(lambda act: add_number(act, "acme", ONE))
    shown = {"set_by": "user", "value": ONE}
    callback = {"ring_seconds": 8, "password": "0042", "caller_id_number": shown}
    made = create(world, name="sales", access_numbers=[ONE], callback=callback)
    assert lines(made) == [
        "created extension acme:sales",
        "extension acme:sales: ring_seconds 5 -> 8",
        "extension acme:sales: caller_id_number "
        f'{{"set_by": "server", "value": null}} -> {{"set_by": "user", "value": "{ONE}"}}',
        "extension acme:sales: password set",
        f'extension acme:sales: access_numbers [] -> ["{ONE}"]',
    ]
    found = world.machine(lambda act: tree.find_access_number(act.tx, ONE))
    assert found is not None
    assert found.extension.id == made.value
    assert SECRETS.matches(made.value, "0042", found.extension.password_mac)


def test_all_that_is_wrong_with_a_new_extension_is_told(memory: World) -> None:
    shown = {"set_by": "user", "value": ONE}
    wrong: dict[str, Any] = {"return_calls": "fixed", "caller_id_number": shown}
    assert faults(
        lambda: create(memory, name="travellers", access_numbers=[TWO], callback=wrong)
    ) == [
        "name: there is 'travellers' already beside it: choose another name",
        f"access_numbers[0]: {TWO} is no access number of the account: have it handed to the "
        "account first",
        "callback.fixed_number: is required with return_calls: fixed",
        "callback.open_to_anyone: return_calls: fixed with neither password nor "
        "require_caller_pin lets anybody call on the owner's money: set one of them, or "
        "open_to_anyone: true",
        f"callback.caller_id_number.value: {ONE} is no access number of the account",
    ]
    assert faults(lambda: create(memory, name="a/b", callback={"ring_seconds": "8"})) == [
        "name: write a name without / and :, which stand between the names of a path",
        "callback.ring_seconds: write a whole number, without quotes",
    ]
    assert faults(lambda: create(memory, account="anna-phones", name="below")) == [
        "parent: is an extension, below which there is no account"
    ]
    assert memory.machine(lambda act: tree.extensions(act.tx)) == [
        "anna-phones",
        "acme-travellers",
        "beta-travellers",
    ]


def test_an_extension_is_made_as_any_account_is(memory: World) -> None:
    above = Actor("x", {"northline": MAY[Role.OWNER]})
    made = create(
        memory, above, name="sales", balance="5.00", guards={"sessions": 3}, language="fr"
    )
    assert made.changes[0].fields == {
        "level": (None, "extension"),
        "name": (None, "sales"),
        "balance": (None, "5.00"),
        "guards": (None, {"sessions": 3}),
        "language": (None, "fr"),
    }
    facts = memory.machine(lambda act: tree.load_extension(act.tx, made.value))
    assert (facts.language, facts.contact_name) == ("fr", "Acme")


def test_limits_of_every_level_hold_for_extensions(memory: World) -> None:
    def limit(account: str, most: int) -> None:
        values = {"limits": {"extensions": most}}
        memory.machine(lambda act: changing.change(act, account, values=values))

    limit("acme", 3)
    create(memory, name="third")
    with pytest.raises(Faults, match="account: the limit of acme is reached: at most 3"):
        create(memory, account="anna", name="fourth")
    limit("acme", 9)
    limit("northline", 4)  # with that of beta
    with pytest.raises(Faults, match=r"account: the limit of Northline is reached$"):
        create(memory, name="fourth")


def test_who_makes_extensions(memory: World) -> None:
    with pytest.raises(Forbidden, match="change accounts"):
        create(memory, OPERATOR, name="sales")
    create(memory, name="sales", callback=OPEN)
    some = Actor("x", {"acme": frozenset(Right) - {Right.OPEN_TO_ANYONE}})
    assert refused(lambda: create(memory, some, name="other", callback=OPEN)) == [
        ("callback", "open_to_anyone")
    ]


def test_a_setup_is_changed_field_by_field(world: World) -> None:
    change(world, {"ring_seconds": 8, "password": "0042"})
    done = change(world, {"attempts": 3, "minimum_credit": "1.50"})
    assert lines(done) == [
        "extension acme:travellers: attempts 2 -> 3",
        "extension acme:travellers: minimum_credit 0.00 -> 1.50",
    ]
    fields = done.value.fields
    assert (fields["ring_seconds"], fields["attempts"]) == (8, 3)
    assert fields["password_set"] is True
    assert change(world, {"ring_seconds": 8, "password": "0042"}).changes == []
    assert lines(change(world, {"password": "0043"})) == [
        "extension acme:travellers: password changed"
    ]
    done = change(world, {"password": None, "ring_seconds": None})
    assert lines(done) == [
        "extension acme:travellers: ring_seconds 8 -> 5",
        "extension acme:travellers: password taken off",
    ]
    assert not done.value.fields["password_set"]
    entries = world.do(OWNER, lambda act: changes(act, "acme"))
    assert [(entry.path, entry.verb, entry.secrets) for entry in entries][:2] == [
        ("acme:travellers", "callback.change", {"password": "taken off"}),
        ("acme:travellers", "callback.change", {"password": "changed"}),
    ]
    assert "004" not in str([entry.fields for entry in entries])


def test_a_setup_that_contradicts_itself_is_refused_whole(memory: World) -> None:
    change(memory, {"return_calls": "caller", "password": "0042"})
    wrong = {"password": None, "attempts": 3, "fixed_number": ONE}
    found = faults(lambda: change(memory, wrong))
    assert [fault.partition(":")[0] for fault in found] == ["fixed_number", "open_to_anyone"]
    setup = memory.do(OPERATOR, lambda act: setups.setup(act, "acme-travellers"))
    assert (setup.fields["attempts"], setup.fields["password_set"]) == (2, True)
    assert faults(lambda: change(memory, {"colour": 1})) == ["colour: there is no such field"]


def test_only_an_owner_opens_an_extension_to_anyone(memory: World) -> None:
    assert refused(lambda: change(memory, OPEN)) == [("open_to_anyone",)]
    change(memory, {**OPEN, "password": "0042"}, OWNER)
    for opening in ({"password": None}, {"password": None, "return_calls": "fixed"}):
        values = {**opening, "attempts": 3}
        if "return_calls" in values:
            values["fixed_number"] = TWO
        assert refused(lambda values=values: change(memory, values)) == [  # type: ignore[misc]
            (name,) for name in ("return_calls", "password") if name in values
        ]
    change(memory, {"password": None}, OWNER)
    change(memory, {"attempts": 3})  # it is open already
    fixed = {"return_calls": "fixed", "fixed_number": TWO}
    assert refused(lambda: change(memory, fixed)) == [("return_calls",)]
    change(memory, {"require_caller_pin": True})
    assert refused(lambda: change(memory, {"require_caller_pin": None})) == [
        ("require_caller_pin",)
    ]


@pytest.mark.parametrize("holder", ["beta", "northline", "anna", None])
def test_what_is_shown_is_a_number_of_the_account(memory: World, holder: str | None) -> None:
    """A number of somebody else is refused like one that nobody has."""
    if holder is not None:
        memory.machine(lambda act: add_number(act, holder, ONE))
    shown = {"caller_id_number": {"set_by": "user", "value": ONE}}
    assert faults(lambda: change(memory, shown)) == [
        f"caller_id_number.value: {ONE} is no access number of the account"
    ]


def test_a_number_led_from_above_may_be_shown(memory: World) -> None:
    memory.machine(lambda act: add_number(act, "northline", ONE))
    memory.machine(lambda act: numbers.lead(act.tx, "acme-travellers", [ONE]))
    shown = {"caller_id_number": {"set_by": "user", "value": ONE}}
    assert change(memory, shown).value.fields["caller_id_number"]["value"] == ONE


def test_a_missing_sound_is_a_hint(memory: World) -> None:
    paths = {"disconnect_sound": "//bye.wav", "no_credit_sound": "/////none.wav"}

    def hints() -> list[str]:
        return [str(hint) for hint in change(memory, paths).value.hints]

    told = "{}: there is no sound {}: it is skipped until there is"
    missing = [told.format(name, path) for name, path in paths.items()]
    assert hints() == missing

    def add(act: Act) -> None:
        act.tx.execute(insert(SoundRow), {"id": "s", "owner_id": "acme", "path": "/bye.wav"})

    memory.machine(add)
    assert hints() == missing[1:]


def test_extensions_are_listed(memory: World) -> None:
    def listed(who: Actor, account: str, **more: Any) -> list[str]:
        found = memory.do(who, lambda act: listing.extensions(act, account, **more))
        return [each.path for each in found.items]

    assert listed(OPERATOR, "acme") == ["acme/anna:phones", "acme:travellers"]
    assert listed(OPERATOR, "acme", below=False) == ["acme:travellers"]
    assert listed(OPERATOR, "acme", name="ph") == ["acme/anna:phones"]
    assert listed(OPERATOR, "acme", name="T") == ["acme:travellers"]
    page = memory.do(OPERATOR, lambda act: listing.extensions(act, "acme", limit=1))
    assert ([each.path for each in page.items], page.total) == (["acme/anna:phones"], "2")
    assert listed(OPERATOR, "acme", cursor=page.next) == ["acme:travellers"]
    assert listed(one(Role.READER, "anna"), "anna-phones") == ["anna:phones"]
    with pytest.raises(NotFound):
        listed(OPERATOR, "beta")


def test_the_extension_of_another_tenant_is_not_there(memory: World) -> None:
    for id_ in ("beta-travellers", "acme", "nowhere"):
        with pytest.raises(NotFound, match="there is no such extension"):
            change(memory, {"ring_seconds": 8}, OWNER, id_)
    query = select(ExtensionRow.callback).where(ExtensionRow.id == "beta-travellers")
    assert memory.machine(lambda act: act.tx.execute(query).scalar()) == {}
