"""Callback requests: proven, moved, expired, put off and taken up again."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest
from tests.calls.test_session import accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.calls.events import EndOrdered, NotAnswered, OutgoingDialled, Rang, ReturnDialled
from ringback.engines.simulated import FarCall
from ringback.telephony.port import Cause


def outcomes(world: World) -> list[str]:
    return [row["outcome"] for row in world.rows_of_sessions()]


def test_a_retry_that_would_come_too_late_keeps_nobody_from_triggering_anew(
    tmp_path: Path,
) -> None:
    """The request is dropped when it expires, not when its retry is due."""
    calls: list[FarCall] = []

    async def busy_once(call: FarCall) -> None:
        calls.append(call)
        if len(calls) == 1:
            call.reject(Cause.BUSY)
        else:
            await accepts_and_dials(call)

    async def play(world: World) -> None:
        world.network.phone(CALLER, busy_once)
        world.network.phone(CALLEE, talker)
        await world.setup({"retry_after_seconds": 3600, "request_expires_seconds": 60})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(61.0)
        assert outcomes(world) == ["expired"]
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["expired", "completed"]
    first = world.rows_of_sessions()[0]
    assert 60 <= first["ended"] - first["started"] < 60.1


def test_a_further_trigger_moves_a_retry_to_before_the_end(tmp_path: Path) -> None:
    calls: list[FarCall] = []

    async def busy_once(call: FarCall) -> None:
        calls.append(call)
        if len(calls) == 1:
            call.reject(Cause.BUSY)
        else:
            await accepts_and_dials(call)

    async def play(world: World) -> None:
        world.network.phone(CALLER, busy_once)
        world.network.phone(CALLEE, talker)
        await world.setup({"retry_after_seconds": 3600, "request_expires_seconds": 60})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(30.0)
        world.network.ring(ACCESS, CALLER)

    assert outcomes(in_world(tmp_path, play)) == ["completed", "refused_duplicate"]


def test_a_forged_trigger_does_not_keep_its_victim_from_being_called_back(tmp_path: Path) -> None:
    """The ACK to the victim's own trigger, a duplicate, proves the number as well."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER, acknowledges=False)
        await world.sleep(10.0)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["completed", "refused_duplicate"]
    (a,) = world.legs("A")
    second = world.rows_of_sessions()[1]
    assert 1.0 <= a["started"] - second["ended"] < 1.2, "callback_delay_seconds after the second"


def test_two_forged_triggers_prove_nothing(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await world.setup()
        world.network.ring(ACCESS, CALLER, acknowledges=False)
        await world.sleep(10.0)
        world.network.ring(ACCESS, CALLER, acknowledges=False)

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["abandoned"], "a refusal is stored at its ACK"
    assert world.network.calls == {}
    assert world.services.waiting == {}


def test_a_busy_while_the_number_is_triggering_is_no_attempt(tmp_path: Path) -> None:
    """And the return call comes `callback_delay_seconds` after that trigger."""

    async def play(world: World) -> None:
        async def phone(call: FarCall) -> None:
            if any(ring.rejected is None for ring in world.network.rings.values()):
                call.reject(Cause.BUSY)
            else:
                await accepts_and_dials(call)

        world.network.phone(CALLER, phone)
        world.network.phone(CALLEE, talker)
        await world.setup({"attempts": 1, "callback_delay_seconds": 2})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(5.5)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["completed", "refused_duplicate"]
    first, second = world.legs("A")
    assert first["ending"] == Cause.BUSY
    assert 2.0 <= second["started"] - world.rows_of_sessions()[1]["ended"] < 2.3


@pytest.mark.parametrize(
    ("cause", "outcome", "attempts"),
    [(Cause.REJECTED, "rejected", 1), (Cause.UNALLOCATED, "failed", 1), (Cause.BUSY, "busy", 2)],
)
def test_an_attempt_whose_end_was_written_and_nothing_more_counts(
    tmp_path: Path, cause: Cause, outcome: str, attempts: int
) -> None:
    """Killed between the end of the attempt and what follows from it: whoever rejected the call
    is not called again, and whoever was busy not at once."""

    async def play(world: World) -> None:
        async def phone(call: FarCall) -> None:
            call.reject(cause)

        world.network.phone(CALLER, phone)
        world.dies_at = lambda point: point == NotAnswered.type and len(world.legs("A")) == 1
        await world.setup({"retry_after_seconds": 60, "attempts": 2})
        world.network.ring(ACCESS, CALLER)
        await world.died.wait()
        await world.restart()

    world = in_world(tmp_path, play)
    assert outcomes(world) == [outcome]
    starts = [leg["started"] for leg in world.legs("A")]
    assert len(starts) == attempts
    assert all(60 <= later - earlier < 65 for earlier, later in pairwise(starts))


@pytest.mark.parametrize("attempts", [1, 3])
def test_a_call_answered_while_the_server_was_down_is_not_repeated(
    tmp_path: Path, attempts: int
) -> None:
    """Its 200 meets our CANCEL: it gets ACK and BYE, is charged as the carrier does, and the
    session is interrupted."""

    async def phone(call: FarCall) -> None:
        call.ring()
        await call.sleep(5.0)
        call.answer()
        await call.over()

    async def play(world: World) -> None:
        world.network.phone(CALLER, phone)
        await world.setup({"attempts": attempts, "retry_after_seconds": 5})
        world.network.ring(ACCESS, CALLER)
        await world.until(Rang)
        await world.crash_and_restart(after=20.0)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "interrupted"
    (call,) = world.calls(CALLER)
    assert call.ended_by_server
    (a,) = world.legs("A")
    assert a["answered"] is not None and a["billed_seconds"] == 10
    assert len(world.charges()) == len(world.charges("acme")) == 1


@pytest.mark.parametrize(("attempts", "outcome", "calls"), [(1, "failed", 1), (2, "no_answer", 2)])
def test_an_attempt_under_way_at_a_crash_is_a_network_fault(
    tmp_path: Path, attempts: int, outcome: str, calls: int
) -> None:
    """It gets its CANCEL, and the retry rule decides; dying anew meanwhile changes nothing."""

    async def phone(call: FarCall) -> None:
        call.ring()

    async def play(world: World) -> None:
        world.network.phone(CALLER, phone)
        await world.setup({"attempts": attempts, "retry_after_seconds": 30})
        world.network.ring(ACCESS, CALLER)
        await world.until(Rang)
        world.die()
        world.dies_at = lambda point: point == "after recover"
        await world.restart()
        world.dies_at = lambda point: False
        await world.restart()

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == outcome
    legs = world.legs("A")
    assert len(legs) == len(world.calls(CALLER)) == calls
    assert all(call.ended_by_server for call in world.calls(CALLER))
    assert world.charges() == []


def test_leg_b_answered_while_the_server_was_down_is_charged(tmp_path: Path) -> None:
    async def callee(call: FarCall) -> None:
        call.ring()
        await call.sleep(5.0)
        call.answer()
        await call.over()

    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, callee)
        await world.setup()
        world.network.ring(ACCESS, CALLER)
        await world.until(OutgoingDialled)
        await world.sleep(1.0)
        await world.crash_and_restart(after=6.0)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "interrupted"
    (b,) = world.legs("B")
    assert b["billed_seconds"] == 10
    assert len(world.charges()) == 2


def test_a_trigger_while_an_attempt_is_withdrawn_moves_the_return_call(tmp_path: Path) -> None:
    async def phone(call: FarCall) -> None:
        if len(world_now[0].calls(CALLER)) == 1:
            call.vanish()  # nor is the CANCEL answered
        else:
            await accepts_and_dials(call)

    world_now: list[World] = []

    async def play(world: World) -> None:
        world_now.append(world)
        world.network.phone(CALLER, phone)
        world.network.phone(CALLEE, talker)
        await world.setup({"attempts": 3, "retry_after_seconds": 300})
        world.network.ring(ACCESS, CALLER)
        await world.until(ReturnDialled)
        await world.crash_and_restart()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    first, second = world.rows_of_sessions()
    assert (first["outcome"], second["outcome"]) == ("completed", "refused_duplicate")
    assert world.legs("A")[1]["started"] - second["ended"] < 40


def test_a_caller_who_is_gone_before_the_server_is_ready_has_triggered(tmp_path: Path) -> None:
    """It rings while a restart puts the rows in order; its end is not missed."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"ring_seconds": 2, "early_hangup": "call_back"})
        world.die()
        world.slow(3.0)
        starting = asyncio.get_running_loop().create_task(world.restart())
        world.outside.add(starting)
        await world.sleep(4.5)
        ring = world.network.ring(ACCESS, CALLER, hang_up_after=1.5)
        await world.sleep(1.0)
        assert ring.rang and not starting.done()
        await starting
        world.slow(0.0)

    assert outcomes(in_world(tmp_path, play)) == ["completed"]


def test_an_order_to_end_while_the_proof_is_being_written_is_obeyed(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        await world.setup()
        world.slow(0.4)
        ring = world.network.ring(ACCESS, CALLER)
        while ring.rejected is None:
            await world.sleep(0.01)
        await world.sleep(0.3)
        assert world.exchange.end(world.session()["id"], "test")

    world = in_world(tmp_path, play)
    assert (outcomes(world), world.network.calls) == (["cancelled"], {})
    assert [event.told() for event in world.journal.of(EndOrdered)] == ["ended by test"]
