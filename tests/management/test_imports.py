"""CallerIDs imported: checked whole, brought in exactly so, and again without effect."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update
from tests.management.world import SECRETS, World

from ringback.accounts import tree
from ringback.accounts.tree import CallerIdFacts
from ringback.faults import Faults
from ringback.management.actor import Actor
from ringback.management.caller_ids import verbs
from ringback.management.caller_ids.found import CallerId
from ringback.management.caller_ids.imports import course
from ringback.management.caller_ids.imports.course import HalfImported, Report
from ringback.management.caller_ids.imports.faults import BadImport
from ringback.management.caller_ids.imports.unit import How, Part
from ringback.management.caller_ids.lists import caller_ids
from ringback.management.history import changes
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import MAY, Role
from ringback.management.verbs import Done
from ringback.store import Store
from ringback.store.models import AccountRow, AuditRow

HERE = "acme-travellers"
HEAD = "number,name,pin,order number,credit\n"
OWNER = Actor("owner", {"acme": MAY[Role.OWNER]}, login_id="owner")
PLAIN = How()
OPERATOR = Actor("operator", {"acme": MAY[Role.OPERATOR]}, login_id="operator")


@pytest.fixture
def world(store: Store) -> World:
    world = World(store)
    in_britain = update(AccountRow).where(AccountRow.id == "acme").values(country="GB")
    world.now(store.run(lambda tx: tx.execute(in_britain).rowcount))
    return world


class NoPause:
    """Nobody waits."""

    size = 20

    async def pause(self) -> None: ...


def check(
    world: World, text: str, how: How = PLAIN, who: Actor = OWNER, place: str = HERE
) -> Report:
    return world.now(
        course.check(world.desk, lambda tx, now: who, place, text.encode(), how, pace=NoPause())
    )


def apply(
    world: World, text: str, how: How = PLAIN, who: Actor = OWNER, digest: str | None = None
) -> list[Done[Part]]:
    digest = digest or check(world, text, how, who).digest
    parts: list[Done[Part]] = []

    async def keep(part: Done[Part]) -> None:
        parts.append(part)

    world.now(
        course.apply(
            *(world.desk, lambda tx, now: who, HERE, text.encode(), how, digest),
            pace=NoPause(),
            done=keep,
        )
    )
    return parts


def listed(world: World) -> list[CallerId]:
    found = world.machine(lambda act: caller_ids(act, HERE, limit=1000))
    return list(found.items)


def _found(number: str, tx: Connection) -> CallerIdFacts | None:
    return tree.find_caller_id(tx, HERE, number)


def many(count: int) -> str:
    return HEAD + "".join(
        f"0770090{number:04},Person {number},{7000 + number},A-{number},0.50\n"
        for number in range(count)
    )


def audited(tx: Connection) -> int:
    return tx.execute(select(func.count()).select_from(AuditRow)).scalar_one()


def test_from_a_file_to_callers(world: World) -> None:
    text = many(45)
    report = check(world, text)
    assert (report.lines, report.new, report.changed, report.same) == (45, 45, 0, 0)
    assert (report.recharges, report.recharged) == (45, Decimal("22.50"))
    assert report.told[:2] == [
        "created callerID +447700900000 of acme:travellers",
        "recharged +447700900000 by 0.50 (order A-0)",
    ]
    assert listed(world) == []
    assert world.now(world.store.read(audited)) == 0
    parts = apply(world, text)
    assert [part.value.new for part in parts] == [20, 20, 5]
    assert sum(len(part.credited) for part in parts) == 45
    found = listed(world)
    assert [each.name for each in found] == [f"Person {number}" for number in range(45)]
    assert {each.credit.total for each in found} == {Decimal("0.5")}
    one = world.now(world.store.read(partial(_found, "+447700900007")))
    assert one is not None
    assert SECRETS.matches(one.id, "7007", one.pin_mac)
    assert len(world.machine(lambda act: changes(act, HERE))) == 90
    again = check(world, text)
    assert (again.new, again.changed, again.same, again.recharges) == (0, 0, 45, 0)
    apply(world, text)
    assert listed(world) == found
    assert world.now(world.store.read(audited)) == 90


def test_an_empty_cell_says_nothing(world: World) -> None:
    apply(world, HEAD + "07700900123,Anna,0042,A-1,5.00\n")
    report = check(world, HEAD + "07700900123,,,,\n07700900124\n")
    assert (report.new, report.changed, report.same) == (1, 0, 1)
    apply(world, "number,name\n07700900123,Anna Reed\n")
    (only,) = listed(world)
    assert (only.name, only.pin_set, only.credit.total) == ("Anna Reed", True, Decimal(5))


def test_every_fault_of_every_line_is_told_and_nothing_is_done(world: World) -> None:
    apply(world, HEAD + "07700900123,Anna,0042,A-1,5.00\n")
    text = HEAD + (
        "07700900123,,,A-1,6.00\n"
        "07700900124,,,B,-1.00\n"
        "077,,42,,\n"
        "07700900125\n"
        "0044 7700 900125\n"
        "07700900126,,,,1.00\n"
    )
    with pytest.raises(BadImport) as refused:
        check(world, text)
    told = str(refused.value).splitlines()
    assert [line.partition(":")[0] for line in told] == [
        *("line 2", "line 3", "line 4", "line 4", "line 6", "line 7")
    ]
    assert "order_number: order number 'A-1' has been entered already, with 5.00" in told[0]
    assert "at most 0.00 is available" in told[1]
    assert "+447700900125 is on line 5 already" in told[4]
    assert len(listed(world)) == 1
    with pytest.raises(BadImport, match="no callerIDs follow it"):
        check(world, HEAD)


def test_each_column_needs_the_right_of_its_field(world: World) -> None:
    with pytest.raises(Forbidden, match=r"credit: needs the right to recharge.*take such columns"):
        check(world, many(1), who=OPERATOR)
    apply(world, "number,pin\n07700900123,0042\n", who=OPERATOR)
    reader = Actor("reader", {"acme": MAY[Role.READER]}, login_id="reader")
    with pytest.raises(Forbidden):
        check(world, "number\n07700900123\n", who=reader)
    other = Actor("other", {"beta": MAY[Role.OWNER]}, login_id="other")
    with pytest.raises(NotFound):
        check(world, "number\n07700900123\n", who=other)
    with pytest.raises(Faults, match="name an extension"):
        check(world, "number\n07700900123\n", place="acme")


def test_the_rest_is_brought_in_disabled_if_one_wants_that(world: World) -> None:
    limit = update(AccountRow).where(AccountRow.id == "acme").values(limits={"caller_ids": 30})
    world.now(world.store.run(lambda tx: tx.execute(limit).rowcount))
    world.machine(lambda act: verbs.create(act, "anna-phones", values={"number": "+447700900999"}))
    text = many(45)
    with pytest.raises(BadImport) as refused:
        check(world, text)
    assert refused.value.count == 16
    assert str(refused.value).startswith("line 31: enabled: as many are enabled as")
    how = How(rest_disabled=True)
    assert check(world, text, how).left_disabled == 16
    apply(world, text, how)
    assert [each.enabled for each in listed(world)] == [True] * 29 + [False] * 16
    again = check(world, text, how)
    assert (again.same, again.left_disabled) == (45, 0)


def test_pins_are_made_for_those_without_and_told_once(world: World) -> None:
    apply(world, "number,pin\n07700900001,0042\n07700900002,\n")
    text = "number,name,pin\n07700900001,A,\n07700900002,B,\n07700900003,C,7007\n07700900004,D,\n"
    how = How(make_pins=6)
    report = check(world, text, how)
    assert report.pins == 2
    (part,) = apply(world, text, how)
    slips = part.value.slips
    assert [(slip.number, slip.name) for slip in slips] == [
        ("+447700900002", "B"),
        ("+447700900004", "D"),
    ]
    for slip in slips:
        one = world.now(world.store.read(partial(_found, slip.number)))
        assert one is not None
        assert SECRETS.matches(one.id, slip.pin, one.pin_mac)
        assert slip.pin not in repr(part)
    assert all(each.pin_set for each in listed(world))
    assert check(world, text, how).pins == 0


def test_only_what_was_checked_is_brought_in(world: World) -> None:
    digest = check(world, many(2)).digest
    with pytest.raises(Faults, match="check it again"):
        apply(world, many(3), digest=digest)
    with pytest.raises(Faults, match="check it again"):
        apply(world, many(2), How(rest_disabled=True), digest=digest)
    assert listed(world) == []


def test_what_has_changed_since_the_check_stops_it_and_it_can_be_done_again(world: World) -> None:
    text = many(25)
    digest = check(world, text).digest
    values: dict[str, Any] = {"number": "07700900022", "credit": "9.00", "order_number": "A-22"}
    world.machine(lambda act: verbs.create(act, HERE, values=values))
    with pytest.raises(HalfImported, match=r"line\[24\]\.order_number: .* 20 callerIDs before"):
        apply(world, text, digest=digest)
    assert len(listed(world)) == 21
    mended = text.replace("A-22", "B-22")
    apply(world, mended)
    assert len(listed(world)) == 25


def test_hints(world: World) -> None:
    rows = "".join(f"0770090{number:04},,{700000 + number}\n" for number in range(30))
    report = check(world, HEAD + rows + "07700900999,,70001\n")
    assert "1 PINs are shorter" in report.hints[0]
    coded = asyncio.run(
        course.check(
            *(
                world.desk,
                lambda tx, now: OWNER,
                HERE,
                "number,name\n07700900123,Zoë\n".encode("cp1252"),
            ),
            How(),
            pace=NoPause(),
        )
    )
    assert "Windows-1252" in coded.hints[0]
    assert coded.told
