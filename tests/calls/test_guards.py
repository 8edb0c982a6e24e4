"""The guards of section 8 in whole sessions: the last one that is allowed, and the first that is
not, with what is told of it to whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.calls.test_session import accepts, accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, OTHER_CALLER, PIN, World, in_world

from ringback.calls.events import GuardReached, RequestAccepted, TriggerRefused
from ringback.engines.simulated import FarCall
from ringback.store.models import EventRow, GuardCountRow
from ringback.telephony.port import Cause
from ringback.telephony.trunks import Route

HOTEL = "+442071234567"
PARIS = "+33140000000"
NOW = 1_700_000_000.0
"""When every world begins: a Tuesday, 22:13 in London."""


def guards(level: str, *, account: str = "acme", **values: Any) -> dict[str, Any]:
    """A setup document that sets guards, or destinations, at one level."""
    return entry(level, {"guards": values}, account)


def entry(level: str, values: dict[str, Any], account: str = "acme") -> dict[str, Any]:
    if level == "account":
        return {"accounts": [{"name": account, **values}]}
    extension: dict[str, Any] = {"name": "travellers", "account": "acme"}
    if level == "extension":
        extension |= values
    else:
        extension["caller_ids"] = [{"number": CALLER, **values}]
    return {"extensions": [extension]}


async def busy(call: FarCall) -> None:
    call.reject(Cause.BUSY)


async def rings_long(call: FarCall) -> None:
    call.ring()
    await call.over()


def outcomes(world: World) -> list[str]:
    return [row["outcome"] for row in world.rows_of_sessions()]


def reached(world: World) -> list[str]:
    return [
        f"{event.guard} {event.kind} {event.name} {event.used}/{event.limit}"
        for event in world.journal.of(GuardReached)
    ]


TWO_CALLERS = [
    {"number": number, "credit": "5.00", "order_number": number}
    for number in (CALLER, OTHER_CALLER)
]

LEVELS = [
    ("callerID", "acme", CALLER),
    ("extension", "acme", "travellers"),
    ("account", "acme", "acme"),
    ("account", "admin", "admin"),
]


# calls_per_hour


@pytest.mark.parametrize(("level", "account", "name"), LEVELS)
def test_calls_per_hour(tmp_path: Path, level: str, account: str, name: str) -> None:
    """Three are dialled, the fourth is refused until the first is an hour ago."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"retry_after_seconds": 5})
        await world.apply(guards(level, account=account, calls_per_hour=3))
        for _ in range(4):
            world.network.ring(ACCESS, CALLER)
            await world.sleep(120.0)
        first = world.legs("A")[0]["started"]
        await world.sleep(first + 3600.0 - world.clock.now() - 5.2)
        world.network.ring(ACCESS, CALLER)  # decided 5.1 s later
        await world.sleep(30.0)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert outcomes(world) == [
        *["completed"] * 3,
        *["refused_over_limit"] * 2,
        "completed",
    ]
    kind = level if level != "callerID" else "callerID"
    assert reached(world) == [f"calls_per_hour {kind} {name} 3/3"] * 2


def test_retries_count_and_the_decision_is_taken_again_before_each(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, busy)
        await world.setup({"attempts": 10, "retry_after_seconds": 30})
        await world.apply(guards("callerID", calls_per_hour=3))
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert len(world.legs("A")) == 3
    assert (world.session()["outcome"], world.session()["stage"]) == ("over_limit", "return")
    assert reached(world) == [f"calls_per_hour callerID {CALLER} 3/3"]


@pytest.mark.parametrize("limit", [2, 3])
def test_several_trunks_for_one_call_count_once(tmp_path: Path, limit: int) -> None:
    """For the guards of all levels, and for the 30 an hour of one number."""

    async def play(world: World) -> None:
        world.network.failing_trunks.add("trunk")
        world.trunks.replace(world.trunks.by_name.values(), [Route("", ("trunk", "second"))])
        world.network.phone(CALLER, busy)
        await world.setup({"attempts": 10, "retry_after_seconds": 30})
        await world.apply(guards("extension", calls_per_hour=limit))
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    legs = sorted(world.legs("A"), key=lambda leg: leg["started"])
    assert [leg["trunk"] for leg in legs] == ["trunk", "second"] * limit
    first = [leg["id"] for leg in legs[::2]]
    assert [leg["failover_of"] for leg in legs] == [
        failed for id_ in first for failed in (None, id_)
    ]


def test_thirty_an_hour_to_one_number_though_the_first_trunk_is_dead(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.failing_trunks.add("trunk")
        world.trunks.replace(world.trunks.by_name.values(), [Route("", ("trunk", "second"))])
        world.network.phone(CALLER, busy)
        await world.setup({"attempts": 1, "return_calls": "caller", "password": "1234"})
        await world.apply(guards("callerID", calls_per_hour="unlimited"))
        for _ in range(31):
            world.network.ring(ACCESS, CALLER)
            await world.sleep(80.0)  # later than a minute after the busy: no loop

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["busy"] * 30 + ["refused_over_limit"]
    assert reached(world) == [f"return_calls_per_hour server {CALLER} 30/30"]


# sessions


@pytest.mark.parametrize(("level", "account", "name"), LEVELS[1:])
def test_sessions_at_once(tmp_path: Path, level: str, account: str, name: str) -> None:
    """Open requests count as well as live sessions, and none that is over."""
    third = "+447700900125"

    async def play(world: World) -> None:
        for number in (CALLER, OTHER_CALLER, third):
            world.network.phone(number, rings_long)
        listed = [*TWO_CALLERS, {"number": third, "credit": "5.00", "order_number": "A-3"}]
        await world.setup({"attempts": 1}, caller_ids=listed)
        await world.apply(guards(level, account=account, sessions=2))
        for number in (CALLER, OTHER_CALLER, third):
            world.network.ring(ACCESS, number)
            await world.sleep(1.0)
        await world.quiet()
        world.network.ring(ACCESS, third)

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["no_answer", "no_answer", "refused_over_limit", "no_answer"]
    assert reached(world) == [f"sessions {level} {name} 2/2"]


def test_two_triggers_at_once_do_not_both_have_the_last_place(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        for number in (CALLER, OTHER_CALLER):
            world.network.phone(number, rings_long)
        await world.setup({"attempts": 1}, caller_ids=TWO_CALLERS)
        await world.apply(guards("account", sessions=1))
        world.slow(1.0)
        for number in (CALLER, OTHER_CALLER):
            world.network.ring(ACCESS, number)

    assert sorted(outcomes(in_world(tmp_path, play))) == ["no_answer", "refused_over_limit"]


@pytest.mark.parametrize("where", ["accepted", "return_dialled", "conversation"])
def test_no_session_is_counted_for_ever(tmp_path: Path, where: str) -> None:
    """Whatever ends them: a crash, too."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"retry_after_seconds": 5})
        await world.apply(guards("account", sessions=1))
        died: list[str] = []

        def once(point: str) -> bool:
            if point == where and not died:
                died.append(point)
                return True
            return False

        world.dies_at = once
        world.network.ring(ACCESS, CALLER)
        await world.died.wait()
        await world.restart()
        await world.quiet()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert outcomes(world)[-1] == "completed"
    assert {row["sessions"] for row in world.rows(GuardCountRow)} == {0}


def test_of_those_that_are_decided_on_at_once_the_first_to_be_proven_has_the_place(
    tmp_path: Path,
) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, rings_long)
        world.network.phone(OTHER_CALLER, rings_long)
        await world.setup({"attempts": 1}, caller_ids=TWO_CALLERS)
        await world.apply(guards("extension", sessions=1))
        for number in (CALLER, OTHER_CALLER):
            world.network.ring(ACCESS, number)
        await world.quiet()

    world = in_world(tmp_path, play)
    assert sorted(outcomes(world)) == ["no_answer", "refused_over_limit"]
    assert len(world.journal.of(RequestAccepted)) == 2, "neither counted yet"
    (reached,) = world.journal.of(GuardReached)
    assert reached.guard == "sessions"
    assert len(world.network.calls) == 1


def test_forged_requests_take_no_place(tmp_path: Path) -> None:
    """Before and after a restart: nobody is kept from being called back by forged triggers."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, busy)
        await world.setup({"attempts": 1}, caller_ids=TWO_CALLERS)
        await world.apply(guards("extension", sessions=1))
        world.network.ring(ACCESS, OTHER_CALLER, acknowledges=False)
        await world.sleep(10.0)
        world.network.ring(ACCESS, CALLER)
        await world.sleep(10.0)
        await world.crash_and_restart()
        world.network.ring(ACCESS, CALLER)

    assert outcomes(in_world(tmp_path, play)) == ["abandoned", "busy", "busy"]


def test_forged_triggers_do_not_make_a_number_one_that_nobody_accepts(tmp_path: Path) -> None:
    """They count for nothing that a trigger of its own would count for."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, busy)
        await world.setup({"attempts": 1})
        for _ in range(4):
            world.network.ring(ACCESS, CALLER)
            await world.sleep(15.0)  # its return call was busy at once
            world.network.ring(ACCESS, CALLER, acknowledges=False)
            await world.sleep(120.0)

    world = in_world(tmp_path, play)
    assert [each for each in outcomes(world) if each != "abandoned"] == ["busy"] * 4


# A claimed callerID


def claims(hangs_up: bool = True) -> Callable[[FarCall], Awaitable[None]]:
    async def claimer(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your phone number")
        call.press("07700900123#")
        await call.hears("Please enter your PIN")
        call.press(f"{PIN}#")
        if await call.hears("Dial the number", 10.0) and hangs_up:
            call.hang_up()
        await call.over()

    return claimer


def test_a_claimed_caller_id_counts_from_its_identification(tmp_path: Path) -> None:
    """Its own return call is under way: nobody else is identified as it meanwhile."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, rings_long)
        world.network.phone(HOTEL, claims())
        await world.setup({"return_calls": "caller", "require_caller_pin": True})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(0.01)
        world.network.ring(ACCESS, HOTEL)
        await world.quiet()
        world.network.ring(ACCESS, HOTEL)

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["no_answer", "over_limit", "hung_up"]
    assert reached(world) == [f"sessions callerID {CALLER} 1/1"]
    assert {row["sessions"] for row in world.rows(GuardCountRow)} == {0}


def test_claims_count_among_the_calls_of_the_hour(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(HOTEL, claims())
        await world.setup({"return_calls": "caller", "require_caller_pin": True})
        await world.apply(guards("callerID", calls_per_hour=2))
        for _ in range(3):
            world.network.ring(ACCESS, HOTEL)
            await world.sleep(120.0)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["hung_up", "hung_up", "over_limit", "refused_over_limit"]
    assert reached(world) == [f"calls_per_hour callerID {CALLER} 2/2"] * 2


# What is told


def test_a_guard_above_is_explained_without_name_or_count(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, busy)
        await world.setup({"attempts": 1})
        await world.apply(guards("account", account="admin", calls_per_hour=0))
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert [each.reason for each in world.journal.of(TriggerRefused)] == ["your provider: not now"]
    (event,) = [row for row in world.rows(EventRow) if row["type"] == "guard.reached"]
    assert event["session_id"] == world.session()["id"]
    assert {key: event["data"][key] for key in ("guard", "kind", "name", "used", "limit")} == {
        "guard": "calls_per_hour",
        "kind": "account",
        "name": "admin",
        "used": "0",
        "limit": "0",
    }


def test_a_guard_of_ones_own_is_explained_with_its_count(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await world.setup()
        await world.apply(guards("callerID", sessions=0))
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert [each.reason for each in world.journal.of(TriggerRefused)] == [
        "sessions of its callerID is reached: 0 of 0"
    ]


# destinations


@pytest.mark.parametrize(("level", "account", "name"), LEVELS)
@pytest.mark.parametrize(
    ("lists", "outcome"),
    [
        ({"deny": ["4420794"]}, "forbidden_number"),
        ({"deny": ["4420794"], "allow": ["44207946"]}, "refused_forbidden_number"),
        ({"deny": ["44"], "allow": ["447700900123", "44207946"]}, "completed"),
        ({"allow": ["44"]}, "completed"),
        ({"allow": ["4477"]}, "forbidden_number"),
        ({"allow": ["44207946"]}, "refused_forbidden_number"),
        ({"deny": ["4477"]}, "refused_forbidden_number"),
    ],
)
def test_destinations_hold_for_both_legs(
    tmp_path: Path, level: str, account: str, name: str, lists: dict[str, list[str]], outcome: str
) -> None:
    async def caller(call: FarCall) -> None:
        await accepts(call)
        call.press("02079460000#")
        if await call.hears("[ringback]", 10.0):
            await call.sleep(12.0)
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talker)
        await world.setup()
        await world.apply(entry(level, {"destinations": lists}, account))
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == outcome
    assert len(world.legs("B")) == (outcome == "completed")


@pytest.mark.parametrize(
    ("level", "lists", "outcome"),
    [
        ("extension", {}, "refused_forbidden_number"),
        ("extension", {"allow": ["33"]}, "hung_up"),
        ("account", {"allow": ["33"]}, "hung_up"),
        ("extension", {"allow": ["33"], "deny": ["331"]}, "refused_forbidden_number"),
    ],
)
def test_caller_mode_abroad(
    tmp_path: Path, level: str, lists: dict[str, list[str]], outcome: str
) -> None:
    """A number abroad is called back only where destinations allow it."""

    async def caller(call: FarCall) -> None:
        call.answer()
        await call.sleep(1.0)
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(PARIS, caller)
        await world.setup({"return_calls": "caller", "password": "1234"})
        await world.apply(entry(level, {"destinations": lists}))
        world.network.ring(ACCESS, PARIS)

    assert in_world(tmp_path, play).session()["outcome"] == outcome


# hours


def weekday(after: float = 0.0) -> tuple[str, str]:
    """The day and time of day in London, so long after a world begins."""
    local = datetime.fromtimestamp(NOW + after, ZoneInfo("Europe/London"))
    return f"{local:%a}".lower(), f"{local:%H:%M}"


@pytest.mark.parametrize(
    ("callback", "outcome"),
    [
        ({"hours": [{"days": [weekday()[0]], "from": "08:00", "to": "18:00"}]}, "refused"),
        ({"hours": [{"days": [weekday()[0]], "from": "08:00", "to": "23:00"}]}, "open"),
        ({"hours": [{"days": [weekday()[0]], "from": "20:00", "to": "02:00"}]}, "open"),
        ({"closed": ["2023-11-14"]}, "refused"),
        ({"closed": ["2023-11-15"]}, "open"),
    ],
)
def test_out_of_hours(tmp_path: Path, callback: dict[str, Any], outcome: str) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, busy)
        await world.setup({"attempts": 1, **callback}, start=False)
        await world.apply({"accounts": [{"name": "acme", "time_zone": "Europe/London"}]})
        await world.exchange.start()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert weekday() == ("tue", "22:13")
    assert world.session()["outcome"] == ("busy" if outcome == "open" else "refused_out_of_hours")


def test_a_retry_after_hours_is_not_dialled(tmp_path: Path) -> None:
    hours = [{"days": ["tue"], "from": "20:00", "to": "22:15"}]

    async def play(world: World) -> None:
        world.network.phone(CALLER, busy)
        callback = {"attempts": 5, "retry_after_seconds": 120, "hours": hours}
        await world.setup(callback, start=False)
        await world.apply({"accounts": [{"name": "acme", "time_zone": "Europe/London"}]})
        await world.exchange.start()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert (world.session()["outcome"], world.session()["stage"]) == ("out_of_hours", "return")
    assert len(world.legs("A")) == 1


def test_forbidden_comes_before_out_of_hours_and_that_before_duplicate(tmp_path: Path) -> None:
    closed = {"return_calls": "caller", "password": "1234", "closed": ["2023-11-14"]}

    async def play(world: World) -> None:
        await world.setup(closed)
        world.network.ring(ACCESS, "+449001234567")

    assert in_world(tmp_path, play).session()["outcome"] == "refused_forbidden_number"


# Loops


def rings_back(world: World, after: float = 3.0) -> Callable[[FarCall], Awaitable[None]]:
    """A callback server: it rejects the call once it has rung for 5 s, and then calls back."""

    async def server(call: FarCall) -> None:
        call.ring()
        await call.sleep(5.0)
        call.reject(Cause.BUSY)
        await call.sleep(after)
        world.network.ring(ACCESS, HOTEL)

    return server


@pytest.mark.parametrize("attempts", [1, 2])
def test_two_callback_servers_that_ring_each_other_stop(tmp_path: Path, attempts: int) -> None:
    """Whether each return call is a session of its own or one session is moved on and on."""

    async def play(world: World) -> None:
        world.network.phone(HOTEL, rings_back(world))
        await world.setup({"return_calls": "caller", "password": "1234", "attempts": attempts})
        world.network.ring(ACCESS, HOTEL)
        await world.sleep(3000.0)
        assert len(world.legs("A")) == 3
        world.network.ring(ACCESS, HOTEL)
        await world.sleep(300.0)
        assert len(world.legs("A")) == 3, "none for an hour"
        await world.sleep(600.0)
        world.network.ring(ACCESS, HOTEL)
        await world.sleep(10.0)
        assert len(world.legs("A")) == 4
        world.network.phone(HOTEL, busy)

    world = in_world(tmp_path, play)
    told = f"return calls in a row that nobody accepted server {HOTEL} 3/3"
    assert reached(world)[:2] == [told, told]


def test_who_triggers_again_after_a_minute_is_no_loop(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(HOTEL, rings_back(world, after=61.0))
        await world.setup({"return_calls": "caller", "password": "1234", "attempts": 1})
        world.network.ring(ACCESS, HOTEL)
        await world.sleep(600.0)
        world.network.phone(HOTEL, busy)

    assert len(in_world(tmp_path, play).legs("A")) > 5
