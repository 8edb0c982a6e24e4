"""The guards `spend_per_day` and `spend_per_call` in whole sessions, and as they are counted."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.calls.test_guards import LEVELS, busy, entry, guards, outcomes, reached
from tests.calls.test_session import accepts, accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, EPOCH, PIN, World, in_world

from ringback.accounts.callback import CallbackSetup
from ringback.accounts.tree import CallerIdFacts, ExtensionFacts
from ringback.calls.spending import Remaining, counted, spend_guards, too_little
from ringback.charging.payers import PayerRate
from ringback.charging.rating import Rate
from ringback.engines.simulated import FarCall
from ringback.guards.settings import DEFAULTS, Destinations, Guards, Kind, Subject
from ringback.levels import GivenPlan, Level
from ringback.store.models import SpendingRow

# The rules


def level(name: str, plan: bool, zone: str = "UTC") -> Level:
    given = GivenPlan("p", "p", (), (), f"ledger of {name}", zone) if plan else None
    return Level(
        id=f"id of {name}",
        level="user",
        name=name,
        ledger_id=f"ledger of {name}",
        suspended=False,
        expires=None,
        deleted=None,
        contact_name=name,
        country="GB",
        language="en",
        time_zone=zone,
        plan=given,
        guards={},
        destinations={},
    )


BOTH = Guards(None, None, Decimal(5), Decimal(1))


def subject(kind: Kind, name: str, guards: Guards = BOTH) -> Subject:
    return Subject(kind, f"id of {name}", name, guards, Destinations())


def extension(*levels: Level, guards: Guards = BOTH) -> ExtensionFacts:
    accounts = [subject(Kind.ACCOUNT, each.name, guards) for each in levels]
    itself = subject(Kind.EXTENSION, "e", guards)
    chain = (level("e", False, levels[0].time_zone), *levels)
    return ExtensionFacts("id of e", "e", CallbackSetup(), None, (), chain, (itself, *accounts))


def caller_id() -> CallerIdFacts:
    return CallerIdFacts(
        "id of c",
        CALLER,
        True,
        None,
        None,
        None,
        "ledger of c",
        None,
        {},
        None,
        subject(Kind.CALLER_ID, "c"),
    )


MIDNIGHT = datetime(2026, 11, 26, tzinfo=UTC).timestamp()


def test_everybody_spends_by_the_nearest_plan_at_or_above() -> None:
    accounts = (
        level("user", False),
        level("acme", True),
        level("north", False),
        level("admin", True),
    )
    found = spend_guards("s", extension(*accounts), caller_id(), MIDNIGHT)
    assert {each.subject.name: each.ledger_id for each in found} == {
        "c": "ledger of c",
        "e": "ledger of acme",
        "user": "ledger of acme",
        "acme": "ledger of acme",
        "north": "ledger of admin",
        "admin": "ledger of admin",
    }


def test_without_a_plan_above_it_is_the_uppermost_below() -> None:
    found = spend_guards("s", extension(level("acme", True), level("admin", False)), None, MIDNIGHT)
    assert {each.ledger_id for each in found if each.subject.name == "admin"} == {"ledger of acme"}


def test_a_day_is_one_of_the_accounts_own_zone() -> None:
    accounts = level("acme", True, "America/New_York"), level("admin", True, "Pacific/Auckland")
    found = spend_guards("s", extension(*accounts), None, MIDNIGHT)
    assert {each.id for each in found if each.guard == "spend_per_day"} == {
        "id of e/2026-11-25",
        "id of acme/2026-11-25",
        "id of admin/2026-11-26",
    }
    assert {each.id for each in found if each.guard == "spend_per_call"} == {
        "id of e/s",
        "id of acme/s",
        "id of admin/s",
    }


def test_without_guards_nothing_is_counted() -> None:
    plain = extension(level("acme", True), guards=DEFAULTS[Kind.ACCOUNT])
    assert spend_guards("s", plain, None, MIDNIGHT) == []
    rate = Rate("44", Decimal(0), 60, None, 10, Decimal("0.6"))
    payers = [PayerRate("ledger of acme", "acme", "p", rate)]
    assert counted(payers, []) == payers


def test_what_is_left_and_what_is_too_little() -> None:
    (day, call) = spend_guards("s", extension(level("acme", True)), None, MIDNIGHT)[:2]
    left = [Remaining(day, Decimal("4.95")), Remaining(call, Decimal("1.20"))]
    assert [each.amount for each in left] == [Decimal("0.05"), 0]
    assert too_little(left[:1], {"ledger of acme": Decimal("0.05")}) is None
    too_much = too_little(left[:1], {"ledger of acme": Decimal("0.06")})
    assert str(too_much) == "spend_per_day of extension e: 4.95 of 5.00"
    assert too_little(left, {"ledger of other": Decimal(9)}) is None


# Whole sessions. A leg costs 0.05 for its first 10 s, then 0.05 for each 5 s.


async def talks(call: FarCall) -> None:
    """Dials, and talks until it is cut off."""
    await accepts(call)
    call.press("02079460000#")
    await call.over()


async def only_answers(call: FarCall) -> None:
    call.answer()
    await call.sleep(3.0)
    call.hang_up()


def spending(world: World) -> dict[str, Decimal]:
    """By what is behind the id of the subject."""
    return {row["id"].partition("/")[2]: row["amount"] for row in world.rows(SpendingRow)}


@pytest.mark.parametrize(("level", "account", "name"), LEVELS)
@pytest.mark.parametrize("credit", ["5.00", "unlimited"])
def test_a_live_call_ends_at_spend_per_day(
    tmp_path: Path, level: str, account: str, name: str, credit: str
) -> None:
    """As at the end of credit, and then nobody is called back before midnight."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, talks)
        world.network.phone(CALLEE, talker)
        listed: dict[str, Any] = {"number": CALLER, "credit": credit}
        if credit != "unlimited":
            listed["order_number"] = "A-1"
        await world.setup(caller_ids=[listed])
        await world.apply(guards(level, account=account, spend_per_day="1.00"))
        world.network.ring(ACCESS, CALLER)
        await world.quiet()
        world.network.ring(ACCESS, CALLER)
        await world.sleep(30.0)
        world.network.phone(CALLER, busy)
        # The day is over at midnight; worlds begin at 22:13:20 UTC, which is London's time.
        await world.sleep(EPOCH + 6400.0 - world.clock.now() + 1.0)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["cut_off", "refused_over_limit", "busy"]
    assert Decimal("0.90") < sum(world.charges("acme")) <= Decimal("1.00")
    told = reached(world)
    assert len(told) == 2, "as the call ends, and as the next is refused"
    for each in told:
        assert each.startswith(f"spend_per_day {level} {name} ") and each.endswith("/1.00")
    assert spending(world)["2023-11-14"] == sum(world.charges("acme"))
    assert spending(world)["2023-11-15"] == 0, "what was reserved for the call that nobody took"


def test_spend_per_call_is_of_one_return_call(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, talks)
        world.network.phone(CALLEE, talker)
        await world.setup()
        await world.apply(guards("callerID", spend_per_call="0.80"))
        for _ in range(2):
            world.network.ring(ACCESS, CALLER)
            await world.quiet()

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["cut_off", "cut_off"]
    assert len(reached(world)) == 2
    for amount in spending(world).values():
        assert Decimal("0.70") < amount <= Decimal("0.80")


@pytest.mark.parametrize(("left", "outcome"), [("0.05", "hung_up"), ("0.049999", "over_limit")])
def test_the_first_block_must_fit(tmp_path: Path, left: str, outcome: str) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, only_answers)
        await world.setup()
        await world.apply(guards("extension", spend_per_day=left))
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"].removeprefix("refused_") == outcome


def test_an_outgoing_call_that_does_not_fit_is_over_the_limit(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        await accepts(call)
        call.press("02079460000#")
        assert await call.hears("This number cannot be called")
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        await world.setup()
        await world.apply(guards("account", account="admin", spend_per_call="0.15"))
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "over_limit"
    assert [told.split()[:3] for told in reached(world)] == [["spend_per_call", "account", "admin"]]


def test_two_calls_at_once_do_not_spend_more_than_there_is(tmp_path: Path) -> None:
    numbers = [f"+44770090012{last}" for last in range(6)]

    async def play(world: World) -> None:
        world.network.phone(CALLEE, talker)
        for number in numbers:
            world.network.phone(number, talks)
        listed = [{"number": number, "credit": "unlimited"} for number in numbers]
        await world.setup(caller_ids=listed)
        await world.apply(guards("account", spend_per_day="2.00"))
        for number in numbers:
            world.network.ring(ACCESS, number)
            await world.sleep(2.0)

    world = in_world(tmp_path, play)
    assert Decimal("1.50") < sum(world.charges("acme")) <= Decimal("2.00")
    assert spending(world) == {"2023-11-14": sum(world.charges("acme"))}


def test_a_live_leg_over_midnight_is_spent_on_the_day_it_was_dialled(tmp_path: Path) -> None:
    """Leg A before midnight, leg B after it; both are settled on the day after."""

    async def caller(call: FarCall) -> None:
        await accepts(call)
        await call.sleep(12.0)
        call.press("02079460000#")
        await call.hears("[ringback]")
        await call.sleep(20.0)
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talker)
        await world.setup()
        await world.apply(guards("extension", spend_per_day="3.00"))
        await world.sleep(EPOCH + 6400.0 - world.clock.now() - 20.0)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    (a,), (b,) = world.legs("A"), world.legs("B")
    assert str(datetime.fromtimestamp(a["started"], UTC).date()) == "2023-11-14"
    assert a["started"] < EPOCH + 6400.0 < b["started"]
    by_leg = {
        row["leg_id"]: row["amount"] for row in world.rows_of_charges() if row["payer"] == "acme"
    }
    assert spending(world) == {"2023-11-14": by_leg[a["id"]], "2023-11-15": by_leg[b["id"]]}


@pytest.mark.parametrize("point", ["return_answered", "conversation"])
def test_what_is_spent_survives_a_crash(tmp_path: Path, point: str) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup()
        await world.apply(guards("callerID", spend_per_day="3.00"))
        world.dies_at = lambda reached: reached == point
        world.network.ring(ACCESS, CALLER)
        await world.died.wait()
        world.dies_at = lambda reached: False
        await world.restart()

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "interrupted"
    assert spending(world) == {"2023-11-14": sum(world.charges())}


def test_a_claimed_caller_id_spends_from_its_identification(tmp_path: Path) -> None:
    hotel = "+442071234567"

    async def claimer(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your phone number")
        call.press("07700900123#")
        await call.hears("Please enter your PIN")
        call.press(f"{PIN}#")
        await call.hears("Dial the number")
        call.press("02079460000#")
        await call.over()

    async def play(world: World) -> None:
        world.network.phone(hotel, claimer)
        world.network.phone(CALLEE, talker)
        await world.setup({"return_calls": "caller", "require_caller_pin": True})
        await world.apply(entry("callerID", {"guards": {"spend_per_call": "1.00"}}))
        world.network.ring(ACCESS, hotel)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "cut_off"
    (amount,) = spending(world).values()
    assert amount == sum(world.charges())
    assert Decimal("0.90") < amount <= Decimal("1.00")


def test_a_call_that_its_own_credit_ends_tells_of_no_guard(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, talks)
        world.network.phone(CALLEE, talker)
        await world.setup(credit="1.00")
        await world.apply(guards("account", spend_per_day="50.00"))
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "cut_off"
    assert reached(world) == []
