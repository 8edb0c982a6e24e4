"""The contract of the telephony port, held against each engine (see `ringback.telephony.port`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

import pytest
from tests.contract.rigs import BEEP, NUMBER, Far, Rig, Test, run_embedded, run_simulated

from ringback.sip import useragent
from ringback.telephony import port
from ringback.telephony.port import (
    CallLeg,
    Cause,
    Event,
    Leg,
    NoRoom,
    Order,
    Rejection,
    Shown,
    TriggerLeg,
)

Run = Callable[[Test], None]


@pytest.fixture(params=[run_simulated, run_embedded], ids=["simulated", "embedded"])
def run(request: pytest.FixtureRequest) -> Run:
    made: Run = request.param
    return made


class Events:
    """What a leg told, in order; nothing may come from within a verb, and after Ended at most one
    AnsweredLate."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self.all: list[Event] = []
        self.within_verb = False

    def listen(self, leg: Leg, event: Event) -> None:
        assert not self.within_verb, f"{event} from within a verb"
        over = bool(self.of(port.Ended))
        assert over is isinstance(event, port.AnsweredLate), f"{event} among {self.all}"
        assert not self.of(port.AnsweredLate), f"{event} after a late answer"
        self.all.append(event)
        if isinstance(event, port.Answered):
            cast(CallLeg, leg).confirm()

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.all if isinstance(event, kind)]

    async def wait(self, kind: type[Event], seconds: float = 10.0) -> Event:
        until = self._rig.clock.now() + seconds
        while self._rig.clock.now() < until:
            if found := self.of(kind):
                return found[-1]
            await self._rig.clock.sleep_until(self._rig.clock.now() + 0.01)
        raise AssertionError(f"no {kind.__name__} among {self.all}")

    def verb(self, action: Callable[[], object]) -> None:
        self.within_verb = True
        action()
        self.within_verb = False


async def call(
    rig: Rig, bridges_with: CallLeg | None = None, trunk: str = "trunk"
) -> tuple[CallLeg, Events]:
    events = Events(rig)
    order = Order(trunk, NUMBER, Shown("+442071838750", "Acme"))
    return await rig.engine.prepare(order, events.listen, bridges_with), events


async def ended(events: Events, seconds: float = 10.0) -> port.Ended:
    event = await events.wait(port.Ended, seconds)
    assert isinstance(event, port.Ended)
    return event


async def answers(far: Far) -> None:
    far.ring()
    await far.sleep(0.2)
    far.answer()
    await far.over()


def test_ring_answer_hang_up(run: Run) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, answers)
        leg, events = await call(rig)
        assert leg.saved()
        events.verb(leg.dial)
        await events.wait(port.Answered)
        assert [type(event) for event in events.all] == [port.Ringing, port.Answered]
        before = rig.clock.now()
        events.verb(leg.hang_up)
        end = await ended(events)
        assert end.ending.cause is Cause.NORMAL and end.ending.by_us
        assert before - 0.001 <= end.at <= before + 0.5
        for verb in (leg.hang_up, leg.stop, leg.unbridge, leg.dial):
            events.verb(verb)  # a verb on a leg that has ended does nothing
        await rig.clock.sleep_until(rig.clock.now() + 0.2)
        assert len(events.of(port.Ended)) == 1

    run(test)


def test_the_far_end_hangs_up(run: Run) -> None:
    async def script(far: Far) -> None:
        far.answer()
        await far.sleep(0.3)
        far.hang_up()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, script)
        leg, events = await call(rig)
        leg.dial()
        end = await ended(events)
        assert end.ending.cause is Cause.NORMAL and not end.ending.by_us

    run(test)


@pytest.mark.parametrize(
    ("cause", "ring", "trunk_failed"),
    [
        (Cause.BUSY, True, False),
        (Cause.NO_ANSWER, True, False),
        (Cause.REJECTED, False, False),
        (Cause.UNALLOCATED, False, False),
        (Cause.FAILED, False, True),
        (Cause.FAILED, True, False),
    ],
)
def test_refusals(run: Run, cause: Cause, ring: bool, trunk_failed: bool) -> None:
    async def script(far: Far) -> None:
        if ring:
            far.ring()
            await far.sleep(0.1)
        far.reject(cause)

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, script)
        leg, events = await call(rig)
        leg.dial()
        ending = (await ended(events)).ending
        assert (ending.cause, ending.trunk_failed) == (cause, trunk_failed)

    run(test)


def test_a_ringing_call_is_withdrawn(run: Run) -> None:
    async def script(far: Far) -> None:
        far.ring()
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, script)
        leg, events = await call(rig)
        leg.dial()
        await events.wait(port.Ringing)
        events.verb(leg.hang_up)
        ending = (await ended(events)).ending
        assert ending.cause is Cause.CANCELLED and ending.by_us
        assert events.of(port.Answered) == []

    run(test)


def test_a_late_answer_of_a_trunk_given_up_is_ended_and_told_once(run: Run) -> None:
    fars: list[Far] = []

    async def script(far: Far) -> None:
        fars.append(far)
        await far.sleep(port.NO_RESPONSE_SECONDS + 1.0)
        far.answer()
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.mute()
        rig.phone(NUMBER, script)
        leg, events = await call(rig)
        leg.dial()
        assert (await ended(events)).ending.trunk_failed
        events.verb(leg.hang_up)  # as when a server stops
        late = await events.wait(port.AnsweredLate)
        assert isinstance(late, port.AnsweredLate)
        (far,) = fars
        assert far.answered is not None and far.answered <= late.at <= far.answered + 0.5
        await rig.clock.sleep_until(rig.clock.now() + 1.5)
        assert far.ended is not None, "and it was hung up"
        assert [type(event) for event in events.all] == [port.Ended, port.AnsweredLate]

    run(test)


def test_a_trunk_given_up_that_rings_late_is_withdrawn(run: Run) -> None:
    fars: list[Far] = []

    async def script(far: Far) -> None:
        fars.append(far)
        await far.sleep(port.NO_RESPONSE_SECONDS + 1.0)
        far.ring()
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.mute()
        rig.phone(NUMBER, script)
        leg, events = await call(rig)
        leg.dial()
        assert (await ended(events)).ending.trunk_failed
        await rig.clock.sleep_until(rig.clock.now() + 0.8)
        rig.mute(False)
        await rig.clock.sleep_until(rig.clock.now() + 1.5)
        (far,) = fars
        assert far.ended is not None and far.answered is None
        assert [type(event) for event in events.all] == [port.Ended]

    run(test)


def test_a_call_that_was_never_dialled_ends_too(run: Run) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        leg, events = await call(rig)
        events.verb(leg.hang_up)
        assert (await ended(events)).ending.cause is Cause.CANCELLED

    run(test)


def test_playback_digits_and_limit(run: Run) -> None:
    async def script(far: Far) -> None:
        far.answer()
        await far.sleep(0.5)
        far.press("1#")
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, script)
        leg, events = await call(rig)
        leg.dial()
        await events.wait(port.Answered)
        first = leg.play([BEEP, BEEP])
        second = leg.play([BEEP])
        played = await events.wait(port.PlaybackFinished)
        assert played == port.PlaybackFinished(second), "the first was replaced"
        assert second != first
        leg.play([BEEP], loop=True)
        await rig.clock.sleep_until(rig.clock.now() + 1.5)
        assert len(events.of(port.PlaybackFinished)) == 1, "a loop does not finish"
        leg.stop()
        pressed = [event.digit for event in events.all if isinstance(event, port.Digit)]
        assert pressed == ["1", "#"]
        limit = rig.clock.now() + 0.5
        events.verb(lambda: leg.limit(limit))
        end = await ended(events)
        assert end.ending.cause is Cause.LIMIT
        assert end.at <= limit + 1e-6

    run(test)


def test_a_limit_moves_is_taken_back_and_may_have_passed(run: Run) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, answers)
        leg, events = await call(rig)
        leg.dial()
        await events.wait(port.Answered)
        began = rig.clock.now()
        leg.limit(began + 0.3)
        leg.limit(began + 0.8)
        await rig.clock.sleep_until(began + 0.6)
        assert events.of(port.Ended) == [], "it was moved"
        events.verb(lambda: leg.limit(None))
        await rig.clock.sleep_until(began + 1.2)
        assert events.of(port.Ended) == [], "it was taken back"
        events.verb(lambda: leg.limit(began + 0.1))
        end = await ended(events)
        assert end.ending.cause is Cause.LIMIT and end.ending.by_us
        assert end.at <= began + 0.1 + 1e-6, "its time was over then"

    run(test)


def test_a_limit_ends_its_own_leg_and_not_the_one_it_is_bridged_with(run: Run) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, answers)
        a, events_a = await call(rig)
        a.dial()
        await events_a.wait(port.Answered)
        b, events_b = await call(rig, bridges_with=a)
        b.dial()
        await events_b.wait(port.Answered)
        a.bridge(b)
        b.limit(rig.clock.now() + 0.3)
        assert (await ended(events_b)).ending.cause is Cause.LIMIT
        await rig.clock.sleep_until(rig.clock.now() + 0.3)
        assert events_a.of(port.Ended) == []
        events_a.verb(a.unbridge)
        played = a.play([BEEP])
        assert await events_a.wait(port.PlaybackFinished) == port.PlaybackFinished(played)
        a.hang_up()
        await ended(events_a)

    run(test)


def test_bridge_and_keys_to_the_far_end(run: Run) -> None:
    fars: list[Far] = []

    async def script(far: Far) -> None:
        fars.append(far)
        far.answer()
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, script)
        a, events_a = await call(rig)
        a.dial()
        await events_a.wait(port.Answered)
        b, events_b = await call(rig, bridges_with=a)
        b.dial()
        await events_b.wait(port.Answered)
        events_a.verb(lambda: a.bridge(b, early=True))
        events_a.verb(lambda: a.bridge(b))
        events_b.verb(lambda: b.send_digits("42"))
        await rig.clock.sleep_until(rig.clock.now() + 1.5)
        assert fars[1].digits == ["4", "2"] and fars[0].digits == []
        events_a.verb(a.unbridge)
        b.hang_up()
        await ended(events_b)
        assert events_a.of(port.Ended) == []
        a.hang_up()
        await ended(events_a)

    run(test)


def test_early_media_is_told_once_and_is_no_answer(run: Run) -> None:
    async def script(far: Far) -> None:
        far.early_media()
        await far.sleep(0.6)
        far.reject(Cause.BUSY)

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, script)
        leg, events = await call(rig)
        leg.dial()
        await ended(events)
        assert len(events.of(port.EarlyMedia)) == 1
        assert events.of(port.Answered) == []

    run(test)


async def trigger_of(rig: Rig, triggers: list[TriggerLeg]) -> tuple[TriggerLeg, Events]:
    until = rig.clock.now() + 5.0
    while not triggers and rig.clock.now() < until:
        await rig.clock.sleep_until(rig.clock.now() + 0.01)
    events = Events(rig)
    triggers[0].listen(events.listen)
    return triggers[0], events


def test_a_trigger_rings_is_rejected_and_proven(run: Run) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.trigger()
        leg, events = await trigger_of(rig, triggers)
        assert leg.trigger.called == "+442071838750"
        assert leg.trigger.caller == "+447700900123" and not leg.trigger.hidden
        events.verb(leg.ring)
        assert leg.prepare_rejection(Rejection.BUSY) == leg.saved() != ""
        events.verb(lambda: leg.reject(Rejection.BUSY))
        assert (await ended(events)).proven is rig.engine.proves_sources
        assert len(events.all) == 1

    run(test)


def test_a_caller_who_gives_up(run: Run) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.trigger(hang_up_after=0.3)
        leg, events = await trigger_of(rig, triggers)
        leg.ring()
        assert (await ended(events)).proven
        assert [type(event) for event in events.all] == [port.CallerGone, port.Ended]

    run(test)


def test_without_an_ack_nothing_is_proven(run: Run) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.trigger(acknowledges=False)
        leg, events = await trigger_of(rig, triggers)
        leg.ring()
        leg.reject(Rejection.BUSY)
        assert not (await ended(events, 40.0)).proven

    run(test)


def test_a_trigger_for_which_there_is_no_room_is_known_at_its_ack(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(useragent, "MOST_UNPROVEN", 0)

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.trigger(no_room=True)
        leg, events = await trigger_of(rig, triggers)
        trigger = leg.trigger
        assert (trigger.called, trigger.caller) == ("+442071838750", "+447700900123")
        assert (trigger.trunk, trigger.rejected) == ("trunk", True)
        events.verb(leg.ring)
        events.verb(lambda: leg.reject(Rejection.BUSY))
        assert (await ended(events)).proven is rig.engine.proves_sources
        assert len(events.all) == 1

    run(test)


def test_what_is_stored_says_which_engine_and_node_wrote_it(run: Run) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.trigger()
        trigger, events = await trigger_of(rig, triggers)
        leg, events_of_leg = await call(rig)
        texts = [trigger.prepare_rejection(Rejection.BUSY), leg.saved()]
        for text in texts:
            document = json.loads(text)
            assert document["engine"] in ("simulated", "embedded") and document["node"] == "node"
        trigger.reject(Rejection.BUSY)
        leg.hang_up()
        await ended(events)
        await ended(events_of_leg)

    run(test)


def test_what_cannot_be_resumed_is_reported_and_ends_at_once(run: Run) -> None:
    texts = ("", "junk", "[" * 100_000, "null", "{}", '{"engine": "elsewhere", "call": "1"}')

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        engine = json.loads((await call(rig))[0].saved())["engine"]
        lacking: list[dict[str, object]] = [
            {},
            {"ring": "none"},
            {"call": {}},
            {"dialog": {}},
            {"invite": "junk"},
        ]
        own = [json.dumps({"engine": engine, "node": "node", **what}) for what in lacking]
        for text in (*texts, *own):
            events = Events(rig)
            events.verb(partial(rig.engine.resume, text, events.listen))
            end = await ended(events)
            assert end.ending.cause is Cause.FAILED and not end.proven
        assert len(rig.reports) == len(texts) + len(own)

    run(test)


async def becomes(rig: Rig, expected: dict[str, str], seconds: float = 10.0) -> None:
    until = rig.clock.now() + seconds
    while rig.engine.trunk_states() != expected and rig.clock.now() < until:
        await rig.clock.sleep_until(rig.clock.now() + 0.01)
    assert rig.engine.trunk_states() == expected


def test_a_trunk_that_is_added_is_used(run: Run) -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        await becomes(rig, {"trunk": ""})
        assert not rig.engine.usable("other")
        (trunk,) = rig.trunks.by_name.values()
        rig.trunks.replace([trunk, replace(trunk, name="other")], [])
        await becomes(rig, {"trunk": "", "other": ""})
        rig.phone(NUMBER, answers)
        leg, events = await call(rig, trunk="other")
        leg.dial()
        await events.wait(port.Answered)
        leg.hang_up()
        await ended(events)

    run(test)


@pytest.mark.parametrize("far_ends", [True, False])
def test_a_trunk_that_is_removed_keeps_its_calls_and_gets_no_more(run: Run, far_ends: bool) -> None:
    fars: list[Far] = []

    async def script(far: Far) -> None:
        fars.append(far)
        far.answer()
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, script)
        leg, events = await call(rig)
        leg.dial()
        await events.wait(port.Answered)
        rig.trunks.replace([], [])
        assert not rig.engine.usable("trunk")
        assert rig.engine.trunk_states() == {}
        with pytest.raises(NoRoom, match="removed"):
            await call(rig)
        rig.trigger()
        await rig.clock.sleep_until(rig.clock.now() + 0.5)
        assert triggers == [], "it is no way in any more"
        if far_ends:
            fars[0].hang_up()
        else:
            leg.hang_up()
        end = await ended(events)
        assert end.ending.cause is Cause.NORMAL and end.ending.by_us is not far_ends
        await rig.clock.sleep_until(rig.clock.now() + 0.5)
        assert fars[0].ended is not None

    run(test)


@pytest.mark.parametrize("change", [{"host": "localhost"}, {"user": "us", "password": "secret"}])
def test_a_trunk_that_is_changed_keeps_its_calls_and_gets_new_ones(
    run: Run, change: dict[str, Any]
) -> None:
    fars: list[Far] = []

    async def script(far: Far) -> None:
        fars.append(far)
        far.answer()
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, script)
        before, events_before = await call(rig)
        before.dial()
        await events_before.wait(port.Answered)
        (trunk,) = rig.trunks.by_name.values()
        rig.trunks.replace([replace(trunk, **change)], [])
        await becomes(rig, {"trunk": ""})
        after, events_after = await call(rig)
        after.dial()
        await events_after.wait(port.Answered)
        rig.trigger()
        leg, events = await trigger_of(rig, triggers)
        leg.reject(Rejection.BUSY)
        assert (await ended(events)).proven is rig.engine.proves_sources
        for far in fars:
            far.hang_up()
        for told in (events_before, events_after):
            assert (await ended(told)).ending == port.Ending(Cause.NORMAL)

    run(test)
