"""The outcome of a session: the first that fits (spec section 4, "Outcome")."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from tests.calls.test_session import accepts, accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.calls.course import Course, outcome_of
from ringback.calls.events import (
    Happening,
    Rang,
    RequestAccepted,
    ReturnAgain,
    ReturnAnswered,
    Talking,
)
from ringback.calls.outcome import Outcome
from ringback.engines.simulated import FarCall
from ringback.telephony.port import Cause

FAULTS = (None, Outcome.NOT_ACCEPTED, Outcome.NO_CREDIT, Outcome.BUSY)


def test_every_combination_of_what_happened() -> None:
    for ordered, interrupted, talked, cut_off, hung_up in product((False, True), repeat=5):
        for fault in FAULTS:
            course = Course(
                ended_by_order=ordered,
                interrupted=interrupted,
                talked=talked,
                cut_off=cut_off,
                fault=fault,
                hung_up=hung_up,
            )
            in_order = (
                (ordered, Outcome.ENDED),
                (interrupted, Outcome.INTERRUPTED),
                (talked and cut_off, Outcome.CUT_OFF),
                (talked, Outcome.COMPLETED),
                (fault is not None, fault),
                (hung_up, Outcome.HUNG_UP),
                (True, Outcome.NO_NUMBER_DIALLED),
            )
            assert outcome_of(course) is next(outcome for fits, outcome in in_order if fits)


async def dials_twice(call: FarCall) -> None:
    """A caller who talks to one party and then dials another."""
    await accepts(call)
    call.press("02079460000#")
    await call.hears("[ringback]")
    await call.sleep(10.0)
    call.press("**")
    await call.hears("Dial the number")
    call.press("02079460001#")
    await call.hears("Dial the number", 60)
    call.hang_up()


@pytest.mark.parametrize("cause", [Cause.BUSY, Cause.REJECTED, Cause.FAILED, None])
def test_a_session_with_a_conversation_is_completed_whatever_the_last_call_met(
    tmp_path: Path, cause: Cause | None
) -> None:
    async def other(call: FarCall) -> None:
        if cause is None:
            call.ring()
        else:
            call.reject(cause)

    async def play(world: World) -> None:
        world.network.phone(CALLER, dials_twice)
        world.network.phone(CALLEE, talker)
        world.network.phone("+442079460001", other)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert len(world.legs("B")) == 2
    assert world.session()["outcome"] == "completed"


@pytest.mark.parametrize(
    ("cause", "outcome"), [(Cause.BUSY, "busy"), (Cause.UNALLOCATED, "failed")]
)
def test_the_last_fault_counts_where_nobody_was_talked_to(
    tmp_path: Path, cause: Cause, outcome: str
) -> None:
    async def caller(call: FarCall) -> None:
        await accepts(call)
        call.press("999#")
        await call.hears("Dial the number")
        call.press("02079460000#")
        await call.hears("Dial the number", 60)
        call.hang_up()

    async def callee(call: FarCall) -> None:
        call.reject(cause)

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, callee)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    assert in_world(tmp_path, play).session()["outcome"] == outcome


@pytest.mark.parametrize(
    ("kind", "outcome", "stage"),
    [
        (RequestAccepted, "cancelled", "return"),
        (ReturnAgain, "cancelled", "return"),
        (Rang, "ended", "return"),
        (ReturnAnswered, "ended", "number"),
        (Talking, "ended", "conversation"),
    ],
)
def test_ended_by_order(tmp_path: Path, kind: type[Happening], outcome: str, stage: str) -> None:
    calls: list[FarCall] = []

    async def phone(call: FarCall) -> None:
        calls.append(call)
        if len(calls) == 1:
            call.reject(Cause.BUSY)
        else:
            await accepts_and_dials(call)

    async def play(world: World) -> None:
        world.network.phone(CALLER, phone)
        world.network.phone(CALLEE, talker)
        await world.setup({"retry_after_seconds": 5})
        world.network.ring(ACCESS, CALLER)
        await world.until(kind)
        await world.sleep(0.5)
        assert world.exchange.end(world.session()["id"], "test")

    session = in_world(tmp_path, play).session()
    assert (session["outcome"], session["stage"]) == (outcome, stage)
    assert session["ended"] is not None
