"""What is out of use stops triggers, withdraws requests and ends live sessions (spec section 2)."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.calls.falls import EXTENSION_DELETED, FALLS, PROVIDER, SUSPENDED, Fall
from tests.calls.scene import LATENCY, far_of
from tests.calls.test_session import accepts, accepts_and_dials, patient, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, PIN, World, in_world

from ringback.calls import supervision
from ringback.calls.events import (
    FoundOutOfUse,
    Happening,
    OutgoingDialled,
    Rang,
    RequestAccepted,
    ReturnAgain,
    ReturnAnswered,
    Talking,
    TriggerRefused,
)
from ringback.calls.supervision import LOOK_SECONDS
from ringback.engines.simulated import FarCall
from ringback.store.models import EventRow, ReservationRow
from ringback.telephony.port import Cause, Rejection

HOTEL = "+442071234567"
EVERY_FALL = pytest.mark.parametrize(
    "fall", [*FALLS, EXTENSION_DELETED], ids=lambda fall: fall.told
)


async def begin(world: World, callback: dict[str, Any] | None = None, **setup: Any) -> None:
    """The example setup with a provider, and phones that talk until they are hung up on."""
    world.network.phone(CALLER, patient)
    world.network.phone(CALLEE, talker)
    await world.apply(PROVIDER)
    await world.setup(callback, **setup)


def check_charged(world: World) -> None:
    """Each leg was charged once, for as long as it lasted to our BYE."""
    charges = world.rows_of_charges()
    for leg in world.rows_of_legs():
        blocks = math.ceil(max(0.0, leg["ended"] - leg["answered"] - 10) / 5)
        amounts = [row["amount"] for row in charges if row["leg_id"] == leg["id"]]
        assert amounts == [Decimal("0.05") * (1 + blocks)] * 2, "callerID and acme"
        assert 0 < (far_of(world, leg).ended or 0.0) - leg["ended"] <= LATENCY
    assert all(row["settled"] for row in world.rows(ReservationRow))


@EVERY_FALL
def test_a_conversation_ends(tmp_path: Path, fall: Fall) -> None:
    fell: list[float] = []

    async def play(world: World) -> None:
        await begin(world)
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        await world.sleep(17.7)
        fell.append(world.clock.now())
        fall.happens(world)

    world = in_world(tmp_path, play)
    session = world.session()
    assert (session["outcome"], session["stage"]) == ("ended", "conversation")
    assert fell[0] < session["ended"] <= fell[0] + LOOK_SECONDS + 2 * LATENCY
    (found,) = world.journal.of(FoundOutOfUse)
    assert found.told().startswith(f"out of use: {fall.told}")
    assert [row["data"] for row in world.rows(EventRow) if row["type"] == "out_of_use"] == [
        found.facts()
    ]
    check_charged(world)


@EVERY_FALL
def test_a_request_is_withdrawn_and_triggers_are_refused(tmp_path: Path, fall: Fall) -> None:
    async def play(world: World) -> None:
        await begin(world, {"callback_delay_seconds": 30})
        first = world.network.ring(ACCESS, CALLER)
        await world.sleep(10.0)
        fall.happens(world)
        await world.sleep(LOOK_SECONDS)
        assert world.session()["outcome"] == "cancelled"
        again = world.network.ring(ACCESS, CALLER)
        await world.sleep(10.0)
        unknown = fall is EXTENSION_DELETED
        assert again.rejected is (Rejection.UNKNOWN_NUMBER if unknown else first.rejected)

    world = in_world(tmp_path, play)
    refused = [] if fall is EXTENSION_DELETED else [f"refused_{fall.refused}"]
    assert [row["outcome"] for row in world.rows_of_sessions()] == ["cancelled", *refused]
    assert world.network.calls == {}, "nobody was called"


@pytest.mark.parametrize("fall", FALLS, ids=lambda fall: fall.told)
def test_why_a_trigger_is_refused(tmp_path: Path, fall: Fall) -> None:
    """Whoever may see less than the operator is not told which account it is."""

    async def play(world: World) -> None:
        await begin(world)
        fall.happens(world)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    (refused,) = world.journal.of(TriggerRefused)
    assert refused.outcome == world.session()["outcome"] == f"refused_{fall.refused}"
    assert "acme" not in refused.reason and "northline" not in refused.reason
    told = [event.told() for event in world.journal.of(FoundOutOfUse)]
    if fall.refused == "unlisted":
        assert told == [] and "not among the authorized callerIDs" in refused.reason
    elif fall.told.startswith("account"):
        assert len(told) == 1 and told[0].startswith(f"out of use: {fall.told}")
    else:
        assert told == [] and fall.told.removeprefix("extension travellers ") in refused.reason


def test_nobody_is_called_back_by_order_either(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await begin(world)
        SUSPENDED.happens(world)
        _, refused = await world.exchange.call_me_back(await world.extension(), CALLER)
        assert refused is not None and refused.reason == "suspended"

    assert in_world(tmp_path, play).session()["outcome"] == "refused_suspended"


@pytest.mark.parametrize(
    ("kind", "outcome", "stage"),
    [
        (RequestAccepted, "cancelled", "return"),
        (ReturnAgain, "cancelled", "return"),
        (Rang, "ended", "return"),
        (ReturnAnswered, "ended", "number"),
        (OutgoingDialled, "ended", "outgoing"),
    ],
)
def test_at_any_step(tmp_path: Path, kind: type[Happening], outcome: str, stage: str) -> None:
    calls: list[FarCall] = []

    async def phone(call: FarCall) -> None:
        calls.append(call)
        if len(calls) == 1:
            call.reject(Cause.BUSY)
            return
        call.ring()
        await call.sleep(3.0)
        await accepts_and_dials(call)

    async def rings(call: FarCall) -> None:
        call.ring()
        await call.over()

    async def play(world: World) -> None:
        await begin(world, {"retry_after_seconds": 5, "callback_delay_seconds": 3})
        world.network.phone(CALLER, phone)
        world.network.phone(CALLEE, rings)
        world.network.ring(ACCESS, CALLER)
        await world.until(kind)
        await world.sleep(0.5)
        SUSPENDED.happens(world)
        await world.exchange.standing_changed()
        await world.sleep(LATENCY * 2)
        assert world.session()["outcome"] == outcome, "at once, when told"

    world = in_world(tmp_path, play)
    assert world.session()["stage"] == stage
    assert len(world.journal.of(FoundOutOfUse)) == 1


def test_a_request_whose_source_is_not_proven_yet_is_withdrawn(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await begin(world)
        world.network.ring(ACCESS, CALLER, acknowledges=False)
        await world.sleep(10.0)
        SUSPENDED.happens(world)

    session = in_world(tmp_path, play).session()
    assert (session["outcome"], session["stage"]) == ("cancelled", "trigger")
    assert session["ended"] - session["started"] < 13.0, "not only when it is abandoned"


def test_an_attempt_of_before_a_crash_is_not_made_again(tmp_path: Path) -> None:
    async def rings(call: FarCall) -> None:
        call.ring()
        await call.over()

    async def play(world: World) -> None:
        await begin(world, {"retry_after_seconds": 5})
        world.network.phone(CALLER, rings)
        world.network.ring(ACCESS, CALLER)
        await world.until(Rang)
        world.die()
        SUSPENDED.happens(world)
        await world.restart()

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] in ("cancelled", "ended")
    assert len(world.calls(CALLER)) == 1


def test_expiry_needs_no_command(tmp_path: Path) -> None:
    """It comes in mid call, at its instant, and not before."""
    expires: list[float] = []

    async def play(world: World) -> None:
        await begin(world)
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        expires.append(world.clock.now() + 33.3)
        Fall("travellers", lambda now: {"expires": expires[0]}, "").happens(world)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "ended"
    assert expires[0] <= world.session()["ended"] <= expires[0] + LOOK_SECONDS + 2 * LATENCY
    check_charged(world)


def test_others_talk_on(tmp_path: Path) -> None:
    """Neither a neighbour's extension nor another callerID is touched."""
    other = "+447700900124"

    async def play(world: World) -> None:
        await begin(
            world,
            caller_ids=[
                {"number": number, "credit": "5.00", "order_number": number}
                for number in (CALLER, other)
            ],
        )
        world.network.phone(other, accepts_and_dials)
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        world.network.ring(ACCESS, other)
        await world.sleep(14.0)
        Fall(CALLER, lambda now: {"enabled": False}, "").happens(world)

    world = in_world(tmp_path, play)
    assert [row["outcome"] for row in world.rows_of_sessions()] == ["ended", "completed"]


def test_an_expired_caller_id_cannot_be_claimed(tmp_path: Path) -> None:
    async def claimer(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your phone number")
        call.press("07700900123#")
        await call.hears("Please enter your PIN")
        call.press(f"{PIN}#")
        await call.over()

    async def play(world: World) -> None:
        await begin(
            world,
            {
                "return_calls": "fixed",
                "fixed_number": HOTEL,
                "require_caller_pin": True,
                "pin_attempts": 1,
            },
        )
        world.network.phone(HOTEL, claimer)
        Fall(CALLER, lambda now: {"expires": now}, "").happens(world)
        world.network.ring(ACCESS, HOTEL)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "wrong_password"
    assert world.session()["caller_id"] is None


@pytest.fixture
def nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the decision before each leg is left."""
    monkeypatch.setattr(supervision, "LOOK_SECONDS", 1e6)


@pytest.mark.usefixtures("nobody_looks")
@EVERY_FALL
def test_the_decision_before_leg_b_ends_the_session(tmp_path: Path, fall: Fall) -> None:
    worlds: list[World] = []

    async def caller(call: FarCall) -> None:
        await accepts(call)
        fall.happens(worlds[0])
        call.press("02079460000#")
        await call.over()

    async def play(world: World) -> None:
        worlds.append(world)
        await begin(world)
        world.network.phone(CALLER, caller)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert (world.session()["outcome"], world.session()["stage"]) == ("ended", "outgoing")
    assert world.calls(CALLEE) == []
    (found,) = world.journal.of(FoundOutOfUse)
    assert found.told().startswith(f"out of use: {fall.told}")


@pytest.mark.usefixtures("nobody_looks")
def test_no_leg_is_dialled_once_the_account_is_suspended(tmp_path: Path) -> None:
    """Before each unit of work of a session that begins, with a slow store."""

    async def session(world: World) -> None:
        await begin(world)
        world.slow(0.3)
        world.network.phone(CALLER, accepts_and_dials)
        world.network.ring(ACCESS, CALLER)

    names = units(in_world(tmp_path / "whole", session).points)
    assert len(names) > 5
    outcomes = []
    for place in range(len(names)):
        legs: list[int] = []

        async def suspended(world: World, place: int = place, legs: list[int] = legs) -> None:
            def reached(point: str) -> bool:
                if len(units(world.points)) == place + 1 and not legs:
                    SUSPENDED.happens(world)
                    legs.append(len(world.rows_of_legs()))
                return False

            world.dies_at = reached
            await session(world)

        world = in_world(tmp_path / str(place), suspended)
        assert legs == [len(world.rows_of_legs())], names[place]
        outcomes.append(world.session()["outcome"])
    assert list(dict.fromkeys(outcomes)) == ["refused_suspended", "suspended", "ended"], outcomes


def units(points: list[str]) -> list[str]:
    """The units of work of a session from its trigger to its leg B."""
    if "trigger" not in points:
        return []
    points = points[points.index("trigger") :]
    if "outgoing_dialled" in points:
        points = points[: points.index("outgoing_dialled")]
    return [point for point in points if point.startswith("before") and "Heartbeat" not in point]
