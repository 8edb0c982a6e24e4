"""Trunks and routes belong to the server administrator: who changes them, what is told of it, and
that nobody below learns of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text
from tests.management.everything import ruled
from tests.management.samples import AT_PLACES, add_route, add_trunk
from tests.management.world import NOW, World, add_person, add_session

from ringback.faults import Faults
from ringback.management import places, routes, trunks
from ringback.management.actor import Actor
from ringback.management.history import changes
from ringback.management.naming import find_route, find_trunk
from ringback.management.people.credentials import actor_of
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import MAY, Role
from ringback.management.verbs import Act, AtPlace, Done
from ringback.store import InlineStore, Store
from ringback.store.models import LegCostRow, LegRow, PlanRow, SessionRow
from ringback.trunks.stored import has_former

TOP = "admin"
MARK, PREFIX = "zebra", "88812345"
"""In the names of things at the top, and nowhere else."""


@pytest.fixture
def world(store: Store) -> Iterator[World]:
    yield World(store)


def actor(role: Role = Role.OWNER, account: str = TOP) -> Actor:
    return Actor("me@example.org", {account: MAY[role]}, "me")


def lines(done: Done[Any]) -> list[str]:
    return [line for change in done.changes for line in change.lines()]


def add_plan(act: Act) -> None:
    row = {"id": f"plan-{MARK}", "account_id": TOP, "name": f"{MARK}-plan", "kind": "prepaid"}
    more = {"limit": Decimal(0), "special_prefixes": [], "packages": []}
    act.tx.execute(insert(PlanRow), {**row, **more})


def add_call(tx: Connection, trunk: str, cost_plan: str = "") -> None:
    """A call of northline/acme that is not over, with a leg over the trunk."""
    session = {"id": "s", "extension_id": "acme-travellers", "stage": "conversation"}
    more = {"started": NOW, "attempts": 1, "repeated": 0, "proven": True}
    tx.execute(insert(SessionRow), {**session, **more})
    number = dict.fromkeys(("received", "e164", "dialled"), "+442079460000")
    leg = {"id": "l", "session_id": "s", "leg": "B", "trunk": trunk, "started": NOW, "saved": ""}
    tx.execute(insert(LegRow), {**leg, **number})
    if cost_plan:
        cost = {"leg_id": "l", "trunk": trunk, "plan": cost_plan, "amount": Decimal(1)}
        tx.execute(insert(LegCostRow), {**cost, "explanation": cost_plan})


def test_what_is_changed_is_told_and_written_down(world: World) -> None:
    said = {"name": "t", "host": "h", "user": "u", "password": "hush-1", "port": 5080}
    added = world.do(actor(), lambda act: trunks.add(act, TOP, values=said))
    id_ = added.value
    assert lines(added) == ["created trunk t"]
    said = {"port": None, "password": "hush-2", "name": "v"}
    changed = world.do(actor(), lambda act: trunks.change(act, id_, values=said))
    assert lines(changed) == [
        "trunk v: name t -> v",
        "trunk v: port 5080 -> none",
        "trunk v: password changed",
    ]
    again = world.do(actor(), lambda act: trunks.change(act, id_, values={"password": "hush-2"}))
    assert lines(again) == []
    removed = world.do(actor(), lambda act: trunks.remove(act, id_))
    assert lines(removed) == ["deleted trunk v"]

    third, second, first = world.do(actor(Role.READER), lambda act: changes(act, TOP))
    assert [each.verb for each in (first, second, third)] == [
        "trunk.add",
        "trunk.change",
        "trunk.remove",
    ]
    assert {each.subject_id for each in (first, second, third)} == {id_}
    assert (first.who, first.path, first.name, second.name) == ("me@example.org", TOP, "t", "v")
    assert (first.fields["host"], first.secrets) == ([None, "h"], {"password": "set"})
    assert (second.fields["port"], second.secrets) == ([5080, None], {"password": "changed"})
    assert (third.fields["host"], third.secrets) == (["h", None], {"password": "taken off"})
    written = world.now(world.store.read(lambda tx: tx.execute(text("SELECT * FROM audit")).all()))
    assert "hush" not in repr((added, changed, removed, written))


def test_routes_likewise(world: World) -> None:
    world.machine(lambda act: add_trunk(act, "a"))
    world.machine(lambda act: add_trunk(act, "b"))
    said: dict[str, Any] = {"trunks": ["a", "b"], "weights": [3, 1]}
    added = world.do(actor(), lambda act: routes.add(act, TOP, values=said))
    assert lines(added) == ['created route ""']
    said = {"prefix": "44", "weights": None}
    changed = world.do(actor(), lambda act: routes.change(act, added.value, values=said))
    assert lines(changed) == ['route 44: prefix "" -> 44', "route 44: weights [3, 1] -> none"]
    assert world.do(actor(Role.READER), lambda act: routes.route(act, added.value)) == {
        "id": added.value,
        "prefix": "44",
        "trunks": ["a", "b"],
        "weights": None,
    }
    assert len(world.do(actor(Role.ACCOUNTANT), lambda act: routes.routes(act, TOP))) == 1
    removed = world.do(actor(), lambda act: routes.remove(act, added.value))
    assert lines(removed) == ["deleted route 44"]
    entry = world.do(actor(), lambda act: changes(act, TOP))[0]
    assert (entry.verb, entry.kind, entry.fields["trunks"]) == (
        "route.remove",
        "route",
        [["a", "b"], None],
    )


def test_put_adds_and_changes(world: World) -> None:
    def put(**values: Any) -> list[str]:
        return lines(world.do(actor(), lambda act: trunks.put(act, TOP, values=values)))

    def put_route(**values: Any) -> list[str]:
        return lines(world.do(actor(), lambda act: routes.put(act, TOP, values=values)))

    assert put(name="t", host="h") == ["created trunk t"]
    assert put(name="t", port=5080) == ["trunk t: port none -> 5080"]
    assert put(name="t", port=5080) == []
    assert put_route(trunks=["t"]) == ['created route ""']
    assert put_route(trunks=["t"], weights=[2]) == ['route "": weights none -> [2]']


def test_what_is_refused_leaves_no_trace(world: World) -> None:
    id_ = world.machine(lambda act: add_trunk(act))
    world.machine(lambda act: add_route(act))
    before = world.do(actor(), lambda act: changes(act, TOP))
    with pytest.raises(Faults, match="routes: 44 names it: take it out of there first"):
        world.do(actor(), lambda act: trunks.remove(act, id_))
    for values in ({"port": "x"}, {"colour": "red"}, {"cost_plan": "none"}, {"register": True}):
        with pytest.raises(Faults, match=f"^{next(iter(values))}"):
            world.do(actor(), lambda act, v=values: trunks.change(act, id_, values=v))  # type: ignore[misc]
    assert world.do(actor(), lambda act: changes(act, TOP)) == before


def test_a_password_is_in_no_document(world: World) -> None:
    id_ = world.machine(lambda act: add_trunk(act, user="u", password="hush"))
    (listed,) = world.do(actor(Role.READER), lambda act: trunks.trunks(act, TOP))
    assert listed == world.do(actor(Role.READER), lambda act: trunks.trunk(act, id_))
    assert (listed["password_set"], "password" in listed) == (True, False)
    assert world.do(actor(), lambda act: trunks.to_test(act, id_)).password == "hush"
    with pytest.raises(Forbidden):
        world.do(actor(Role.READER), lambda act: trunks.to_test(act, id_))


def test_a_trunk_is_removed_with_a_call_on_it(world: World) -> None:
    """What its end needs is kept."""
    id_ = world.machine(lambda act: add_trunk(act, "t"))
    world.now(world.store.run(lambda tx: add_call(tx, "t")))
    world.do(actor(), lambda act: trunks.remove(act, id_))
    assert world.do(actor(), lambda act: trunks.trunks(act, TOP)) == []
    assert world.now(world.store.read(has_former))


# Nobody below


@pytest.mark.parametrize("role", Role)
def test_a_provider_learns_of_no_trunk_route_or_cost_plan(role: Role) -> None:
    """Whatever somebody in the provider's account asks for, by whatever id."""
    world = World(InlineStore())
    placed = {name: deed for name, deed in ruled().items() if isinstance(deed, AtPlace)}
    answers = [answer for name in placed for answer in answers_to(world, placed[name], name, role)]
    assert len(answers) > 100
    assert not [answer for answer in answers if MARK in answer or PREFIX in answer]


def answers_to(world: World, deed: AtPlace[Any, Any], name: str, role: Role) -> list[str]:
    """What somebody in northline is answered to one deed; all of it undone afterwards."""
    answers: list[str] = []

    def work(act: Act) -> None:
        add_plan(act)
        trunk_id = add_trunk(act, f"{MARK}-trunk", host=f"{MARK}.example", cost_plan=f"{MARK}-plan")
        route_id = add_route(act, PREFIX, f"{MARK}-trunk")
        add_call(act.tx, f"{MARK}-trunk", f"{MARK}-plan")
        own, arguments = AT_PLACES[name](act, "northline")
        login_id = add_person(act.tx, "me@example.org", "x", ("northline", role))
        provider = replace(act, actor=actor_of(act.tx, add_session(act, login_id), act.now))
        for subject in (own, "northline", TOP, trunk_id, route_id, f"plan-{MARK}"):
            undone = act.tx.begin_nested()
            try:
                answers.append(repr(deed(provider, subject, **arguments)))
            except (NotFound, Forbidden, Faults) as refused:
                answers.append(str(refused))
            undone.rollback()
        raise _Undo

    with pytest.raises(_Undo):
        world.machine(work)
    return answers


class _Undo(Exception):
    pass


def test_there_and_absent_are_refused_alike(world: World) -> None:
    id_ = world.machine(lambda act: add_trunk(act))
    route_id = world.machine(lambda act: add_route(act))

    def refusal(who: Actor, deed: Callable[[Act], object], view: str | None = None) -> str:
        with pytest.raises(NotFound) as refused:
            world.do(who, deed, view)
        return str(refused.value)

    for who, view in ((actor(account="northline"), None), (actor(), "northline")):
        assert {
            refusal(who, lambda act, id_=each: trunks.change(act, id_, values={}), view)  # type: ignore[misc]
            for each in (id_, "nowhere", TOP)
        } == {"there is no such trunk"}
        assert {
            refusal(who, lambda act, name=each: find_trunk(act.tx, act.actor, name), view)  # type: ignore[misc]
            for each in ("london-1", "nothing")
        } == {"there is no such trunk"}
        assert {
            refusal(who, lambda act, id_=each: routes.remove(act, id_), view)  # type: ignore[misc]
            for each in (route_id, "nowhere")
        } == {"there is no such route"}
        assert {
            refusal(who, lambda act, prefix=each: find_route(act.tx, act.actor, prefix), view)  # type: ignore[misc]
            for each in ("44", "33")
        } == {"there is no such route"}
        for below in ("northline", "acme"):
            assert refusal(who, lambda act, id_=below: trunks.trunks(act, id_), view)  # type: ignore[misc]


def test_the_top_finds_them_by_name(world: World) -> None:
    id_ = world.machine(lambda act: add_trunk(act))
    route_id = world.machine(lambda act: add_route(act))
    assert world.do(actor(), lambda act: find_trunk(act.tx, act.actor, "london-1")) == id_
    assert world.do(actor(), lambda act: find_route(act.tx, act.actor, "44")) == route_id
    with pytest.raises(NotFound, match="there is no trunk 'x'"):
        world.do(actor(), lambda act: find_trunk(act.tx, act.actor, "x"))
    with pytest.raises(NotFound, match="there is no route with the prefix '4'"):
        world.do(actor(), lambda act: find_route(act.tx, act.actor, "4"))


def test_the_machines_owner_may(world: World) -> None:
    done = world.machine(
        lambda act: trunks.add(act, places.top(act.tx), values={"name": "t", "host": "h"})
    )
    assert done.changes[0].author.who == "command line"
