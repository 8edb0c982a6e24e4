"""A leg whose far end is gone is over when it was last known alive, on real SIP and RTP."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress

import pytest
from tests.contract.rigs import NUMBER, EmbeddedFar, Far, Rig, run_embedded
from tests.contract.test_contract import Events, answers, call, ended

from ringback.engines.embedded import EmbeddedEngine
from ringback.engines.embedded.outleg import OutLeg
from ringback.sip import events as sip
from ringback.telephony import port
from ringback.telephony.port import CallLeg, NoRoom, Outcome, TriggerLeg


@pytest.mark.parametrize("event", [sip.Expired(), sip.Refreshed(alive=False, status=481)])
def test_it_is_charged_while_its_sound_comes(event: sip.CallEvent) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, answers)  # and speaks from then on
        leg, events = call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Answered)
        await rig.clock.sleep_until(rig.clock.now() + 2.0)
        leg.told(event)
        end = await ended(events)
        assert end.cause.outcome is Outcome.LOST
        assert rig.clock.now() - 1.5 < end.at <= rig.clock.now()

    run_embedded(test)


def test_it_is_not_charged_for_its_silence() -> None:
    async def says_nothing(far: Far) -> None:
        assert isinstance(far, EmbeddedFar)
        far.answer(silent=True)
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, says_nothing)
        leg, events = call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        answered = await events.wait(port.Answered)
        assert isinstance(answered, port.Answered)
        await rig.clock.sleep_until(rig.clock.now() + 2.5)
        leg.told(sip.Expired())
        end = await ended(events)
        assert answered.at <= end.at < answered.at + 1.0

    run_embedded(test)


def test_ten_minutes_of_silence_are_charged_to_the_last_answer() -> None:
    """It has sent no sound, but said again and again that it is there."""

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, answers)
        leg, events = call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Answered)
        leg.told(sip.Refreshed(alive=True, status=200))
        refreshed = rig.clock.now()
        leg.stream.told({"event": "silent", "heard": time.monotonic() - 600.0})
        end = await ended(events)
        assert end.cause.outcome is Outcome.LOST
        assert end.at == pytest.approx(refreshed, abs=0.6)

    run_embedded(test)


def test_an_answer_that_crosses_the_end_of_a_leg_without_a_worker_is_an_answer() -> None:
    """The carrier charges it."""
    fars: list[Far] = []

    async def rings(far: Far) -> None:
        fars.append(far)
        far.ring()
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, rings)
        leg, events = call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Ringing)
        leg.stream.lost()
        fars[0].answer()
        await ended(events)
        assert [type(event) for event in events.all] == [port.Ringing, port.Answered, port.Ended]

    run_embedded(test)


def test_a_leg_without_a_worker_that_never_answers_has_failed() -> None:
    async def rings(far: Far) -> None:
        far.ring()
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, rings)
        leg, events = call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Ringing)
        leg.stream.lost()
        assert (await ended(events)).cause.outcome is Outcome.FAILED

    run_embedded(test)


def test_a_worker_that_is_killed_ends_its_calls_and_the_next_is_made_by_another() -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, answers)
        assert isinstance(rig.engine, EmbeddedEngine)
        first, first_events = call(rig)
        second, second_events = call(rig, beside=first)
        for leg, events in ((first, first_events), (second, second_events)):
            leg.dial()
            await events.wait(port.Answered)
        first.bridge(second)
        (worker,) = rig.engine.media.processes()
        os.kill(worker, signal.SIGKILL)
        for events in (first_events, second_events):
            end = await ended(events)
            assert end.cause.outcome is Outcome.LOST
            assert rig.clock.now() - 5.0 < end.at <= rig.clock.now()
        third, events = await _as_soon_as_there_is_room(rig)
        third.dial()
        await events.wait(port.Answered)

    run_embedded(test)


async def _as_soon_as_there_is_room(rig: Rig) -> tuple[CallLeg, Events]:
    for _ in range(500):
        with suppress(NoRoom):
            return call(rig)
        await asyncio.sleep(0.02)
    raise AssertionError("the worker was not started again")
