"""Lists of callerIDs: every filter and order, page by page, against a model."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, event, select, update
from sqlalchemy.engine import Engine
from tests.management.world import World

from ringback.faults import Faults
from ringback.management import paging
from ringback.management.actor import Actor
from ringback.management.caller_ids import verbs
from ringback.management.caller_ids.found import CallerId
from ringback.management.caller_ids.lists import Filter, Sort, caller_ids
from ringback.management.paging import Page
from ringback.management.refusals import NotFound
from ringback.management.rights import MAY, Role
from ringback.store import InlineStore, Store
from ringback.store.models import AccountRow, CallerIdRow

HERE = "acme-travellers"
NAMES = (None, "Anna", "anna", "Ánna", "ÉMILE", "Zoë", "%", "_", "Anna-Lena")
READER = Actor("reader", {"acme": MAY[Role.READER]}, login_id="reader")


@pytest.fixture
def world(store: Store) -> World:
    world = World(store)
    in_britain = update(AccountRow).where(AccountRow.id == "acme").values(country="GB")
    world.now(store.run(lambda tx: tx.execute(in_britain).rowcount))
    chance = random.Random(5)
    for number in range(40):
        values: dict[str, Any] = {
            "number": f"+4477009{chance.choice('01')}{number:04}",
            "name": chance.choice(NAMES),
            "reference": chance.choice((None, "C-1", "c-2", "D")),
            "enabled": chance.random() < 0.7,
        }
        if chance.random() < 0.6:
            values |= {"credit": f"{chance.randrange(4)}.00", "order_number": "A-1"}
        elif chance.random() < 0.5:
            values["credit"] = "unlimited"
        add(world, HERE if number < 30 else "anna-phones", values)
    elsewhere = {"number": "+447700900001", "name": "Anna"}
    add(world, "beta-travellers", elsewhere)
    return world


def add(world: World, place: str, values: Mapping[str, Any]) -> None:
    world.machine(lambda act: verbs.create(act, place, values=values))


def page(world: World, place: str = HERE, who: Actor = READER, **more: Any) -> Page[CallerId]:
    deed = partial(caller_ids, **more)
    return world.now(world.desk.read(lambda tx, now: who, lambda act: deed(act, place)))


def every(world: World, place: str = HERE, **more: Any) -> Iterator[CallerId]:
    """All pages."""
    cursor = None
    while True:
        found = page(world, place, cursor=cursor, limit=7, **more)
        assert len(found.items) == 7 or found.next is None
        yield from found.items
        cursor = found.next
        if cursor is None:
            return


def order(each: CallerId, sort: Sort) -> Any:
    return {
        Sort.NUMBER: each.number,
        Sort.NAME: (each.name or "").casefold().encode(),
        Sort.REFERENCE: (each.reference or "").casefold().encode(),
        Sort.CREDIT: (each.credit.unlimited, each.credit.balance),
    }[sort]


@pytest.mark.parametrize("place", [HERE, "acme"])
def test_each_order_goes_over_all_of_them_once(world: World, place: str) -> None:
    whole = {each.id for each in page(world, place, limit=1000).items}
    assert len(whole) == (30 if place == HERE else 40)
    for sort in Sort:
        for descending in (False, True):
            found = list(every(world, place, sort=sort, descending=descending))
            assert {each.id for each in found} == whole
            assert len(found) == len(whole)
            keys = [order(each, sort) for each in found]
            assert keys == sorted(keys, reverse=descending), (sort, descending)


@pytest.mark.parametrize(
    ("which", "fits"),
    [
        (Filter(enabled=True), lambda each: each.enabled),
        (Filter(enabled=False), lambda each: not each.enabled),
        (Filter(number="0770090"), lambda each: each.number.startswith("+44770090")),
        (Filter(number="+44 77009-1"), lambda each: each.number.startswith("+44770091")),
        (Filter(number="0044 77009 0"), lambda each: each.number.startswith("+44770090")),
        (Filter(number="77009 0"), lambda each: each.number.startswith("+44770090")),
        (Filter(number="4477009 0"), lambda each: each.number.startswith("+44770090")),
        (Filter(number="08"), lambda each: False),
        (Filter(name="ann"), lambda each: (each.name or "").lower().startswith("ann")),
        (Filter(name="émi"), lambda each: each.name == "ÉMILE"),
        (Filter(name="%"), lambda each: each.name == "%"),
        (Filter(name="_"), lambda each: each.name == "_"),
        (Filter(name=""), lambda each: True),
        (Filter(reference="C"), lambda each: each.reference in ("C-1", "c-2")),
        (
            Filter(enabled=True, name="a", reference="d"),
            lambda each: (
                each.enabled
                and each.name in ("Anna", "anna", "Anna-Lena")
                and each.reference == "D"
            ),
        ),
    ],
)
def test_filters(world: World, which: Filter, fits: Any) -> None:
    whole = page(world, "acme", limit=1000).items
    wanted = {each.id for each in whole if fits(each)}
    for sort in Sort:
        assert {each.id for each in every(world, "acme", which=which, sort=sort)} == wanted
    assert page(world, "acme", which=which).count == len(wanted)


def test_totals_are_of_recharges(world: World) -> None:
    for each in page(world, limit=1000).items:
        assert each.credit.total == each.credit.balance == each.credit.available
        assert each.credit.unlimited or each.credit.total in map(Decimal, range(4))


@pytest.mark.parametrize(
    ("which", "field"), [(Filter(number="x"), "number"), (Filter(name="a\nb"), "name")]
)
def test_what_cannot_be_looked_for_is_named(world: World, which: Filter, field: str) -> None:
    with pytest.raises(Faults) as refused:
        page(world, which=which)
    assert [fault.where for fault in refused.value.found] == [(field,)]


def test_a_cursor_is_of_one_question_of_one_actor(world: World) -> None:
    first = page(world, limit=5)
    assert first.next is not None
    second = page(world, limit=9, cursor=first.next)
    assert len(second.items) == 9
    others: list[dict[str, Any]] = [
        {"descending": True},
        {"sort": Sort.NAME},
        {"which": Filter(enabled=True)},
        {"place": "acme"},
        {"who": Actor("other", {"acme": MAY[Role.READER]}, login_id="other")},
        {"cursor": first.next[:-2] + "AA"},
        {"cursor": "é"},
        {"cursor": ""},
    ]
    for other in others:
        with pytest.raises(Faults, match="cursor: is of another list"):
            page(world, **{"cursor": first.next, **other})


def test_what_comes_in_between_neither_repeats_nor_skips(world: World) -> None:
    first = page(world, limit=5)
    seen = [each.number for each in first.items]
    values = {"number": "+447700900000"}
    world.machine(lambda act: verbs.create(act, HERE, values=values))
    world.machine(lambda act: verbs.delete(act, first.items[-1].id))
    rest = page(world, limit=1000, cursor=first.next)
    assert min(each.number for each in rest.items) > max(seen)
    assert len(rest.items) == 25


def test_it_counts_no_further_than_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (page(world).count, page(world).more, page(world).total) == (30, False, "30")
    monkeypatch.setattr("ringback.management.caller_ids.lists.COUNTED", 29)
    assert (page(world, limit=1).count, page(world, limit=1).more) == (29, True)
    assert Page([], None, paging.COUNTED, more=True).total == "more than 10,000"


def test_nobody_sees_another_ones(world: World) -> None:
    numbers = {each.number for each in page(world, "acme", limit=1000).items}
    assert len(numbers) == 40
    with pytest.raises(NotFound):
        page(world, "northline")
    with pytest.raises(NotFound):
        page(world, "beta-travellers")


def test_each_order_of_an_extension_is_read_from_an_index() -> None:
    """And so is the trigger's own look-up, whatever else there is."""
    world = World(InlineStore())
    found: list[tuple[str, Any]] = []

    def see(connection: Any, cursor: Any, statement: str, values: Any, *rest: Any) -> None:
        found.append((statement, values))

    def plans(tx: Connection) -> list[str]:
        return [
            row.detail
            for statement, values in found
            if "caller_ids" in statement and "count(" not in statement
            for row in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]

    indexes = {
        Sort.NUMBER: ("caller_ids", "uq_caller_ids_number"),
        Sort.NAME: ("caller_ids", "ix_caller_ids_name"),
        Sort.REFERENCE: ("caller_ids", "ix_caller_ids_reference"),
        Sort.CREDIT: ("ledger_accounts", "ix_ledger_accounts_holder"),
    }
    for sort, (table, index) in indexes.items():
        for descending in (False, True):
            found.clear()
            event.listen(Engine, "before_cursor_execute", see)
            page(world, sort=sort, descending=descending)
            event.remove(Engine, "before_cursor_execute", see)
            first, *others = world.now(world.store.read(plans))
            assert re.match(f"SEARCH {table} USING (COVERING )?INDEX {index} ", first), first
            assert not any(plan.startswith("SCAN") for plan in others), others
            assert "USE TEMP B-TREE FOR ORDER BY" not in others
    query = select(CallerIdRow.id).where(
        CallerIdRow.extension_id == "x", CallerIdRow.number == "+1", CallerIdRow.deleted.is_(None)
    )
    found[:] = [(str(query.compile(compile_kwargs={"literal_binds": True})), ())]
    assert "INDEX uq_caller_ids_number (extension_id=? AND number=?)" in str(
        world.now(world.store.read(plans))
    )
