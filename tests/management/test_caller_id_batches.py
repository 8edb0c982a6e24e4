"""Many callerIDs at once, and out of the house."""

from __future__ import annotations

import asyncio
import csv
import io
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.management.test_imports import HERE, OPERATOR, OWNER, apply, check, listed, many

# The fixture.
from tests.management.test_imports import world as world
from tests.management.world import World

from ringback.faults import Faults
from ringback.management.actor import Actor
from ringback.management.caller_ids import verbs
from ringback.management.caller_ids.batches import MOST, How, Outcome, change_many, delete_many
from ringback.management.caller_ids.exports import export
from ringback.management.caller_ids.found import CallerId
from ringback.management.caller_ids.imports.faults import BadImport
from ringback.management.caller_ids.lists import EVERY
from ringback.management.refusals import Forbidden
from ringback.management.rights import MAY, Role
from ringback.management.verbs import Done
from ringback.spreadsheets import CsvSheet, xlsx_sheet

ACCOUNTANT = Actor("accountant", {"acme": MAY[Role.ACCOUNTANT]}, login_id="accountant")
EACH = How(together=False)


def change(
    world: World, ids: Sequence[str], how: How = EACH, who: Actor = OWNER, **values: Any
) -> Done[tuple[Outcome, ...]]:
    return world.do(who, lambda act: change_many(act, "acme", ids=ids, values=values, how=how))


def delete(
    world: World, ids: Sequence[str], how: How = EACH, who: Actor = OWNER
) -> Done[tuple[Outcome, ...]]:
    return world.do(who, lambda act: delete_many(act, "acme", ids=ids, how=how))


@pytest.fixture
def ids(world: World) -> list[str]:
    apply(world, many(4))
    return [each.id for each in listed(world)]


def told(done: Done[tuple[Outcome, ...]]) -> list[tuple[str, ...]]:
    return [outcome.told or tuple(str(fault) for fault in outcome.faults) for outcome in done.value]


def test_each_for_itself(world: World, ids: list[str]) -> None:
    elsewhere = world.machine(
        lambda act: verbs.create(act, "beta-travellers", values={"number": "+447700900000"})
    ).value.id
    done = change(world, [ids[0], elsewhere, "x", ids[0], ids[1]], enabled=False)
    line = "callerID +44770090000{} of acme:travellers: enabled true -> false"
    absent = ("the file: there is no such callerID",)
    assert told(done) == [(line.format(0),), absent, absent, (line.format(1),)]
    assert len(done.changes) == 2
    assert [each.enabled for each in listed(world)] == [False, False, True, True]
    again = change(world, ids[:2], enabled=False)
    assert not again.changes
    assert not any(outcome.told or outcome.faults for outcome in again.value)


def test_recharging_many_is_for_the_accountant(world: World, ids: list[str]) -> None:
    with pytest.raises(Forbidden, match="recharge"):
        change(world, ids, who=OPERATOR, credit="1.00", order_number="Gift")
    done = change(world, ids, who=ACCOUNTANT, credit="1.00", order_number="Gift")
    assert len(done.credited) == 4
    assert not change(world, ids, who=ACCOUNTANT, credit="1.00", order_number="Gift").credited
    assert {each.credit.total for each in listed(world)} == {Decimal("1.5")}


def test_all_or_nothing(world: World, ids: list[str]) -> None:
    world.machine(
        lambda act: verbs.change(act, ids[2], values={"credit": "1.00", "order_number": "B"})
    )
    taken: dict[str, Any] = {"credit": "-1.00", "order_number": "C"}
    with pytest.raises(Faults) as refused:
        change(world, ids, How(), **taken)
    assert [fault.where for fault in refused.value.found] == [
        ("ids", place, "credit") for place in (0, 1, 3)
    ]
    assert {each.credit.total for each in listed(world)} == {Decimal("0.5"), Decimal("1.5")}
    assert [bool(each.faults) for each in change(world, ids, EACH, **taken).value] == [
        *(True, True, False, True)
    ]
    with pytest.raises(Faults, match=f"at most {MOST}"):
        change(world, ["x"] * (MOST + 1))


def test_a_preview_is_the_deed_undone(world: World, ids: list[str]) -> None:
    before = listed(world)
    for together in (True, False):
        look = How(together, preview=True)
        seen = change(world, ids, look, enabled=False, credit="-1.00", order_number="C")
        assert [len(outcome.faults) for outcome in seen.value] == [1] * 4
        deleting = delete(world, ids, look)
        assert told(deleting)[0] == ("deleted callerID +447700900000 of acme:travellers",)
        assert not seen.changes
        assert not deleting.changes
        assert not deleting.credited
    assert listed(world) == before


def test_deleting_many(world: World, ids: list[str]) -> None:
    refused = delete(world, ids, who=OPERATOR)
    assert all("has credit, 0.50" in text for (text,) in told(refused))
    with pytest.raises(Faults, match="has credit"):
        delete(world, ids, How(), who=OPERATOR)
    assert len(delete(world, ids[:3], How()).credited) == 3
    assert [each.id for each in listed(world)] == ids[3:]


def credit(each: CallerId) -> object:
    return "unlimited" if each.credit.unlimited else each.credit.balance


def exported(world: World, place: str = HERE) -> str:
    text = io.StringIO(newline="")
    sheet = CsvSheet(text)
    who = OWNER
    asyncio.run(export(world.desk, lambda tx, now: who, place, EVERY, sheet.row))
    return text.getvalue()


def test_an_export_can_be_imported_again(world: World, ids: list[str]) -> None:
    values = {
        "name": "=SUM(1)",
        "note": 'two\nlines, "quoted"',
        "reference": "'t",
        "enabled": False,
        "expires": "2030-01-01T12:00:00Z",
        "language": "fr",
        "credit": "unlimited",
    }
    world.machine(lambda act: verbs.change(act, ids[1], values=values))
    text = exported(world)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows[0]["credit"] == "0.50"
    assert rows[0]["order number"] == f"export {ids[0]}"
    assert rows[0]["pin set"] == "yes"
    assert rows[1]["name"] == "'=SUM(1)"
    assert "7000" not in text.replace("7700", "").replace(ids[0], ""), "PINs stay at home"
    report = check(world, text)
    assert (report.same, report.changed, report.new, report.unused) == (4, 0, 0, ())
    before = listed(world)
    delete(world, ids)
    for _ in range(2):
        apply(world, text)
        after = listed(world)
        assert list(map(credit, after)) == list(map(credit, before))
        for old, new in zip(before, after, strict=True):
            assert (old.number, old.name, old.note, old.reference) == (
                *(new.number, new.name, new.note, new.reference),
            )
            assert (old.enabled, old.expires, old.language) == (
                *(new.enabled, new.expires, new.language),
            )


def test_one_of_another_extension_is_refused(world: World, ids: list[str]) -> None:
    world.machine(lambda act: verbs.create(act, "anna-phones", values={"number": "+447700900999"}))
    text = exported(world, "acme")
    with pytest.raises(BadImport, match="extension: is another"):
        check(world, text)


def test_a_workbook_has_typed_cells(tmp_path: Path, world: World, ids: list[str]) -> None:
    path = tmp_path / "a.xlsx"
    with xlsx_sheet(path) as sheet:
        who = OWNER
        asyncio.run(export(world.desk, lambda tx, now: who, HERE, EVERY, sheet.row))
        sheet.row(["=1+1", "+44", Decimal("123456789012.123456"), True, 7, None])
    with zipfile.ZipFile(path) as book:
        text = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in text
    assert '<c r="A2" t="inlineStr"><is><t>+447700900000</t>' in text
    assert '<c r="H2" s="1"><v>0.5</v></c>' in text
    assert '<c r="E2" t="b"><v>1</v></c>' in text
    assert "<t>=1+1</t>" in text
    assert "<t>123456789012.123456</t>" in text
