"""A leg whose far end is gone is over when it was last known alive, on real SIP and RTP."""

from __future__ import annotations

import os
import signal
import time

import pytest
from tests.contract.rigs import NUMBER, EmbeddedFar, Far, Rig, run_embedded
from tests.contract.test_contract import answers, call, ended

from ringback.engines.embedded import EmbeddedEngine
from ringback.engines.embedded.outleg import OutLeg
from ringback.media.pool import NoPorts, Stream
from ringback.sip import events as sip
from ringback.telephony import port
from ringback.telephony.port import Cause, NoRoom, TriggerLeg


@pytest.mark.parametrize("event", [sip.Expired(), sip.Refreshed(alive=False, status=481)])
def test_it_is_charged_while_its_sound_comes(event: sip.CallEvent) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, answers)  # and speaks from then on
        leg, events = await call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Answered)
        await rig.clock.sleep_until(rig.clock.now() + 2.0)
        leg.told(event)
        end = await ended(events)
        assert end.ending.cause is Cause.LOST
        assert rig.clock.now() - 1.5 < end.at <= rig.clock.now()

    run_embedded(test)


def test_it_is_not_charged_for_its_silence() -> None:
    async def says_nothing(far: Far) -> None:
        assert isinstance(far, EmbeddedFar)
        far.answer(silent=True)
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, says_nothing)
        leg, events = await call(rig)
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
        leg, events = await call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Answered)
        leg.told(sip.Refreshed(alive=True, status=200))
        refreshed = rig.clock.now()
        leg.media.stream.on_event({"event": "silent", "heard": time.monotonic() - 600.0})
        end = await ended(events)
        assert end.ending.cause is Cause.LOST
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
        leg, events = await call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Ringing)
        leg.media.stream.lost()
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
        leg, events = await call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Ringing)
        leg.media.stream.lost()
        assert (await ended(events)).ending.cause is Cause.FAILED

    run_embedded(test)


def test_a_worker_that_is_killed_ends_its_calls_and_the_next_is_made_by_another() -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, answers)
        assert isinstance(rig.engine, EmbeddedEngine)
        first, first_events = await call(rig)
        second, second_events = await call(rig, bridges_with=first)
        for leg, events in ((first, first_events), (second, second_events)):
            leg.dial()
            await events.wait(port.Answered)
        first.bridge(second)
        (worker,) = rig.engine._board.media.processes()
        os.kill(worker, signal.SIGKILL)
        for events in (first_events, second_events):
            end = await ended(events)
            assert end.ending.cause is Cause.LOST
            assert rig.clock.now() - 5.0 < end.at <= rig.clock.now()
        third, events = await call(rig)  # there is room once a worker has been started again
        third.dial()
        await events.wait(port.Answered)

    run_embedded(test)


def test_without_room_a_call_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Stream:
        raise NoPorts("no free RTP port")

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        assert isinstance(rig.engine, EmbeddedEngine)
        monkeypatch.setattr(rig.engine._board.media, "open", full)
        with pytest.raises(NoRoom, match="no free RTP port"):
            await call(rig)

    run_embedded(test)
