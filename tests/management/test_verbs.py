"""The core: field by field, from above only, acting for another, what changed."""

from __future__ import annotations

from typing import Any

import pytest
from tests.management.example import change_example
from tests.management.samples import second_factor_for
from tests.management.world import World

from ringback.faults import Fault, Faults
from ringback.management.accounts import listing
from ringback.management.actor import Actor
from ringback.management.extensions import listing as extensions
from ringback.management.history import changes
from ringback.management.naming import find_place
from ringback.management.numbers import listing as numbers
from ringback.management.people import keys, logins, second_factor
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import MAY, Role
from ringback.management.verbs import Act, Done
from ringback.store import InlineStore


@pytest.fixture
def world() -> World:
    return World(InlineStore())


def actor(**roles: Role) -> Actor:
    return Actor("me@example.org", {name: MAY[role] for name, role in roles.items()}, "me")


def given(world: World, who: Actor, account: str, **values: Any) -> Done[None]:
    return world.do(who, lambda act: change_example(act, account, values=values))


def test_each_field_needs_the_right_that_its_own_verb_needs(world: World) -> None:
    accountant = actor(acme=Role.ACCOUNTANT)
    given(world, accountant, "anna", credit="5.00", note="x")
    with pytest.raises(Forbidden) as refused:
        given(world, accountant, "anna", contact_name="x", credit="5.00", status="suspended")
    assert [fault.where for fault in refused.value.faults] == [("contact_name",), ("status",)]
    with pytest.raises(Forbidden, match="credit: needs the right to recharge"):
        given(world, actor(acme=Role.OPERATOR), "anna", credit="0.00")


def test_a_field_that_does_not_exist_is_a_fault_for_who_sees_the_account(world: World) -> None:
    with pytest.raises(Faults, match="colour: there is no such field"):
        given(world, actor(acme=Role.OWNER), "acme", colour="red")
    with pytest.raises(NotFound):
        given(world, actor(acme=Role.OWNER), "beta", colour="red")


def test_some_fields_of_an_account_are_changed_from_above_only(world: World) -> None:
    with pytest.raises(Forbidden, match="which only an account above may do"):
        given(world, actor(acme=Role.OWNER), "acme", status="suspended")
    given(world, actor(acme=Role.OWNER), "anna", status="suspended")
    given(world, actor(acme=Role.OWNER), "acme-travellers", status="suspended")
    given(world, actor(northline=Role.OWNER), "acme", status="suspended")
    with pytest.raises(Forbidden):  # a reader above lends an owner nothing
        given(world, actor(northline=Role.READER, acme=Role.OWNER), "acme", status="suspended")
    given(world, actor(admin=Role.OWNER), "admin", status="enabled")


def test_acting_for_an_account_keeps_the_own_role_and_sees_nothing_else(world: World) -> None:
    owner = actor(northline=Role.OWNER)
    world.do(owner, lambda act: change_example(act, "anna", values={"note": "x"}), view="acme")
    for out_of_view in ("northline", "beta"):
        with pytest.raises(NotFound):
            world.do(
                owner,
                lambda act, id_=out_of_view: change_example(act, id_, values={}),  # type: ignore[misc]
                view="acme",
            )
    with pytest.raises(NotFound):
        world.do(actor(acme=Role.OWNER), lambda act: None, view="beta")
    with pytest.raises(Forbidden):
        world.do(
            actor(northline=Role.READER),
            lambda act: change_example(act, "acme", values={"contact_name": "x"}),
            view="acme",
        )
    (entry,) = world.do(owner, lambda act: changes(act, "acme"))
    assert entry.acting_for_id == "acme"


def test_second_factors_and_keys_are_closed_while_acting_for_another(world: World) -> None:
    somebody = world.person("somebody@example.org", ("acme", Role.OWNER))
    world.machine(lambda act: second_factor_for(act, somebody))
    owner = actor(northline=Role.OWNER)
    with pytest.raises(Forbidden, match="not while you act for another account"):
        world.do(
            owner, lambda act: second_factor.reset(act, "acme", login_id=somebody), view="acme"
        )
    with pytest.raises(Forbidden, match="not while you act for another account"):
        world.do(
            owner,
            lambda act: keys.make(act, "acme", name="x", role=Role.READER),
            view="acme",
        )


def test_a_list_holds_what_is_in_view_and_in_reach(world: World) -> None:
    for place in ("northline", "acme", "anna", "acme-travellers", "beta"):
        world.person(f"p@{place}.example", (place, Role.READER))
    everybody = actor(northline=Role.OWNER)

    def seen(who: Actor, place: str, view: str | None = None) -> list[str]:
        found = world.do(who, lambda act: logins.people(act, place, below=True), view)
        return [person.path for person in found]

    assert seen(everybody, "northline") == [
        "northline/acme:travellers",
        "northline/acme",
        "northline/acme/anna",
        "northline/beta",
        "northline",
    ]
    assert seen(everybody, "acme", "acme") == [
        "northline/acme:travellers",
        "northline/acme",
        "northline/acme/anna",
    ]
    assert seen(actor(acme=Role.OWNER), "acme") == ["acme:travellers", "acme", "acme/anna"]


def test_one_who_sees_some_people_only_is_shown_no_others(world: World) -> None:
    """Rights may differ within what an actor sees: an operator of acme, who owns anna."""
    world.person("a@example.org", ("acme", Role.OWNER))
    world.person("b@example.org", ("anna", Role.OWNER))
    both = actor(acme=Role.OPERATOR, anna=Role.OWNER)
    assert len(world.do(both, lambda act: logins.people(act, "anna", below=True))) == 1
    with pytest.raises(Forbidden):
        world.do(both, lambda act: logins.people(act, "acme", below=True))


def test_what_changed_is_told_in_lines_and_written_down(world: World) -> None:
    done = given(world, actor(acme=Role.OWNER), "acme", contact_name="New", note="x")
    (change,) = done.changes
    assert list(change.lines()) == [
        "account acme: contact_name Old -> New",
        "account acme: note none -> x",
        "account acme: pin changed",
    ]
    (entry,) = world.do(actor(acme=Role.READER), lambda act: changes(act, "acme"))
    assert (entry.verb, entry.action, entry.kind) == ("example.change", "updated", "account")
    assert entry.fields == {"contact_name": ["Old", "New"], "note": [None, "x"]}
    assert entry.secrets == {"pin": "changed"}
    assert (entry.path, entry.who) == ("acme", "me@example.org")


def test_a_refused_deed_leaves_no_trace(world: World) -> None:
    with pytest.raises(Forbidden):
        given(world, actor(acme=Role.READER), "acme", contact_name="x")
    assert world.do(actor(acme=Role.OWNER), lambda act: changes(act, "acme")) == []


def test_accounts_below_see_which_account_acted_and_not_who(world: World) -> None:
    given(world, actor(northline=Role.OWNER), "acme", note="from above")
    given(world, actor(admin=Role.OWNER), "acme", note="from the top")
    given(world, actor(acme=Role.OWNER), "acme", note="own")

    def authors(account: str) -> list[str]:
        entries = world.do(actor(**{account: Role.READER}), lambda act: changes(act, "acme"))
        return [entry.who for entry in entries]

    assert authors("acme") == ["me@example.org", "your provider", "Northline"]
    assert authors("northline") == ["me@example.org", "Admin", "me@example.org"]
    assert authors("admin") == ["me@example.org"] * 3


def test_a_page_of_the_audit_log(world: World) -> None:
    owner = actor(acme=Role.OWNER)
    for number in range(5):
        given(world, owner, "anna", note=str(number))
    first = world.do(owner, lambda act: changes(act, "acme", limit=2))
    rest = world.do(owner, lambda act: changes(act, "acme", before=first[-1].number))
    notes = [entry.fields["note"][1] for entry in (*first, *rest)]
    assert notes == ["4", "3", "2", "1", "0"]


def test_whom_a_command_means(world: World) -> None:
    def path(who: Actor, text: str) -> str:
        return world.do(who, lambda act: find_place(act.tx, act.actor, text).id)

    top = actor(admin=Role.OWNER)
    for text, meant in {
        "admin": "admin",
        "acme": "acme",
        "northline/acme": "acme",
        "admin/northline/acme": "acme",
        "northline/acme:travellers": "acme-travellers",
        "beta:travellers": "beta-travellers",
    }.items():
        assert path(top, text) == meant
    for text in ("southline/acme", "admin/acme", "nobody", "acme:nothing", ""):
        with pytest.raises(NotFound):
            path(top, text)
    with pytest.raises(NotFound):
        path(actor(beta=Role.OWNER), "acme")


def test_faults_name_their_field() -> None:
    refused = Forbidden("", [Fault(("credit",), "needs the right to recharge")])
    assert str(refused) == "credit: needs the right to recharge"


def test_the_places_of_a_list_are_looked_up_together(world: World) -> None:
    """However long it is, it takes as many statements."""

    def statements(account: str) -> int:
        said: list[str] = []

        def deed(act: Act) -> int:
            connection: Any = act.tx.connection.driver_connection
            connection.set_trace_callback(said.append)
            listing.accounts(act, account)
            extensions.extensions(act, account)
            numbers.access_numbers(act, account)
            changes(act, account)
            connection.set_trace_callback(None)
            return len(said)

        return world.machine(deed)

    for name in ("anna", "acme", "beta"):
        given(world, actor(admin=Role.OWNER), name, note=name)
    assert statements("admin") == statements("acme")
