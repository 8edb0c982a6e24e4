"""A leg of the embedded engine against a trunk that the test plays: when a trunk has failed, what
late answers come to, how a lost leg ends (spec sections 4 and 5). In memory, on virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from itertools import product
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sip.useragents import PEER, US, Alone, from_callee, kinds, reply

from ringback.clock import LoopClock
from ringback.engines.embedded.outleg import LEG, LegState, OutLeg
from ringback.engines.embedded.trunks import TrunkState
from ringback.engines.simulated import run_virtual
from ringback.media.pool import LimitReached, MediaEvent, Pressed, Silent, WorkerDied
from ringback.sip.events import CallEvent
from ringback.sip.hop import Hop
from ringback.sip.message import Request, SipMessage
from ringback.sip.useragent import UserAgent
from ringback.telephony import port
from ringback.telephony.port import Cause, Order, Shown
from ringback.telephony.trunks import Trunk

SDP = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
    b"m=audio 5000 RTP/AVP 8\r\n"
)
CHALLENGE = (("www-authenticate", 'Digest realm="r", nonce="n"'),)
PLAIN = Trunk(name="t", host="192.0.2.2", port=5070)
SHOWN = Shown("+442071838750")
DIGEST = Trunk(name="t", host="192.0.2.2", port=5070, user="us", password="secret")


class World:
    """One leg, an engine that has just what it needs, and a trunk without a mind of its own."""

    def __init__(self, trunk: Trunk = PLAIN, shown: Shown = SHOWN) -> None:
        loop = asyncio.get_running_loop()
        self.clock = LoopClock(loop, 0.0)
        self.ua = Alone(agent=UserAgent(US, random.Random(1)))
        self.failed: list[Hop] = []
        """Addresses that did not answer, or answered that they cannot."""
        peer = SimpleNamespace(hosts=(PEER.host,), address=PEER, failed=self.failed.append)
        self.state = TrunkState(trunk, cast(Any, peer), [], on_idle=lambda state: None)
        self.sent: list[tuple[float, str]] = []
        self.last: dict[str, Request] = {}
        """The latest request of each method."""
        self.told: list[tuple[float, port.Event]] = []
        self.late: list[port.AnsweredLate] = []
        self.closed = False
        self._of: dict[object, OutLeg] = {}
        self.media: Callable[[MediaEvent], None] = lambda event: None
        self.stream = SimpleNamespace(
            port=4000, last_heard=0.0, configure=lambda remote: None, close=self._close
        )
        engine = SimpleNamespace(
            clock=self.clock,
            chance=random.Random(2),
            public=US,
            agent=self.ua.agent,
            trunks={"t": self.state},
            media=SimpleNamespace(open=self._open),
            now=self.clock.now,
            reached=self.clock.now,
            catch_up=lambda: None,
            flush=self.flush,
            soon=loop.call_soon,
            register=self._of.__setitem__,
            forget=lambda call: self._of.pop(call, None),
        )
        order = Order("t", "+442079460000", shown)
        self.leg = OutLeg(cast(Any, engine), order, self._listen, None)

    def _open(self, listener: Callable[[MediaEvent], None], beside: object) -> SimpleNamespace:
        self.media = listener
        return self.stream

    def _close(self) -> None:
        assert not self.closed, "once"
        self.closed = True

    def _listen(self, leg: port.Leg, event: port.Event) -> None:
        if isinstance(event, port.AnsweredLate):
            self.late.append(event)
            return
        assert not any(isinstance(told, port.Ended) for _, told in self.told), "nothing after it"
        self.told.append((self.clock.now(), event))

    def flush(self) -> None:
        for message in self.ua.out():
            if isinstance(message, Request):
                self.last[message.method] = message
            self.sent.append((self.clock.now(), kinds([message])[0]))
        while (pair := self.ua.agent.next_event()) is not None:
            call, event = cast(tuple[object, CallEvent], pair)
            if call in self._of:
                self._of[call].told(event)
            self.flush()

    def give(self, message: SipMessage | bytes) -> None:
        data = message if isinstance(message, bytes) else message.encode()
        self.ua.agent.receive(data, PEER, self.clock.now())
        self.flush()

    def answer(self, status: int, **how: Any) -> None:
        """An answer to the latest INVITE."""
        self.give(reply(self.last["INVITE"], status, **how))

    async def until(self, at: float) -> None:
        while (due := self.ua.agent.next_timer()) is not None and due <= at:
            await self.clock.sleep_until(due)
            self.ua.agent.run_timers(self.clock.now())
            self.flush()
        await self.clock.sleep_until(at)

    async def answered(self) -> None:
        self.leg.dial()
        self.answer(200, body=SDP)
        self.leg.confirm()
        assert isinstance(self.told.pop()[1], port.Answered)

    @property
    def end(self) -> port.Ended:
        """The one event that came, which is its end."""
        ((_, event),) = self.told
        assert isinstance(event, port.Ended)
        assert self.closed
        assert self.state.channels == 0
        return event

    def since(self, count: int) -> list[str]:
        return [what for _, what in self.sent[count:]]


def run(test: Callable[[World], Coroutine[Any, Any, None]], trunk: Trunk = PLAIN) -> None:
    async def main() -> None:
        await test(World(trunk))

    run_virtual(main())


# Its states

INPUTS = (
    *("dial", "provisional", "ringing", "answer", "fail", "no response", "late answer"),
    *("withdraw", "part"),
)


def test_no_row_has_an_input_that_nobody_gives() -> None:
    assert {what for _, what in LEG} == set(INPUTS)


@pytest.mark.parametrize(
    ("state", "what"), [pair for pair in product(LegState, INPUTS) if pair not in LEG]
)
def test_what_may_not_happen_changes_nothing(state: LegState, what: str) -> None:
    async def test(world: World) -> None:
        world.leg.state = state
        assert not world.leg.step(what)
        assert world.leg.state is state

    run(test)


def test_a_leg_that_is_over_does_and_tells_nothing_more() -> None:
    async def test(world: World) -> None:
        await world.answered()
        world.leg.hang_up()
        world.give(reply(world.last["BYE"], 200))
        await world.until(100.0)
        count = len(world.sent)
        world.leg.dial()
        world.leg.hang_up()
        world.leg.confirm()
        world.media(Pressed("1", world.clock.now()))
        world.media(Silent(0.0))
        world.media(LimitReached())
        world.media(WorkerDied())
        await world.until(200.0)
        assert world.since(count) == []
        assert world.end.ending.cause is Cause.NORMAL

    run(test)


# When a trunk has failed


def test_without_a_provisional_answer_the_trunk_has_failed_after_4_seconds() -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        assert world.state.channels == 1
        await world.until(3.99)
        assert world.told == []
        await world.until(4.0)
        await world.clock.sleep_until(4.001)
        assert (world.end.ending.cause, world.end.ending.trunk_failed) == (Cause.FAILED, True)
        assert world.failed == [PEER]

    run(test)


@pytest.mark.parametrize("status", [180, 183])
def test_a_late_ringing_of_a_trunk_given_up_is_cancelled(status: int) -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        await world.until(5.0)
        count = len(world.sent)
        world.answer(status, body=SDP)
        assert world.since(count) == ["CANCEL"]
        world.give(reply(world.last["CANCEL"], 200))
        world.answer(487)
        await world.until(100.0)
        assert world.end.ending.trunk_failed
        assert world.ua.idle()

    run(test)


@pytest.mark.parametrize("rings", [False, True])
def test_a_late_answer_of_a_trunk_given_up_is_acknowledged_ended_and_told_once(
    *, rings: bool
) -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        await world.until(5.0)
        if rings:
            world.answer(180, body=SDP)
        world.leg.hang_up()  # as when a server stops
        assert world.end.ending.trunk_failed and world._of, "it may still be answered"
        await world.until(30.0)
        count = len(world.sent)
        world.answer(200, body=SDP)
        assert world.since(count) == ["ACK", "BYE"]
        world.answer(200, body=SDP)
        world.answer(200, body=SDP, tag="another-phone")
        assert world.since(count)[:3] == ["ACK", "BYE", "ACK"]
        world.give(reply(world.last["BYE"], 200))
        assert world.late == [port.AnsweredLate(30.0)]
        await world.until(100.0)
        assert world.end.ending.trunk_failed
        assert world._of == {}, "nobody waits for anything more"

    run(test)


@pytest.mark.parametrize("status", [None, 503])
def test_a_trunk_given_up_that_never_answers_is_forgotten(status: int | None) -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        await world.until(5.0)
        assert world._of
        if status is not None:
            world.answer(status)
        await world.until(33.0)
        assert world._of == {} and world.late == []
        assert world.end.ending.trunk_failed
        await world.until(100.0)
        assert world.ua.idle()

    run(test)


def test_100_is_a_provisional_answer() -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        world.answer(100)
        await world.until(20.0)
        assert world.told == []
        world.answer(503)
        assert world.end.ending.trunk_failed

    run(test)


@pytest.mark.parametrize(
    ("rang", "status", "headers", "cause", "failed"),
    [
        (None, 408, (), Cause.FAILED, True),
        (None, 500, (), Cause.FAILED, True),
        (None, 599, (), Cause.FAILED, True),
        (None, 403, (), Cause.FAILED, True),
        (None, 488, (), Cause.FAILED, True),
        (181, 403, (), Cause.FAILED, True),
        (180, 403, (), Cause.FAILED, False),
        (183, 488, (), Cause.FAILED, False),
        (180, 503, (), Cause.FAILED, False),
        (180, 408, (), Cause.NO_ANSWER, False),
        (None, 401, (), Cause.FAILED, False),
        (None, 302, (("contact", "<sip:1@203.0.113.1>"),), Cause.FAILED, False),
        (None, 486, (), Cause.BUSY, False),
        (180, 480, (("reason", "Q.850;cause=21"),), Cause.REJECTED, False),
        (None, 404, (("reason", "SIP;cause=404, Q.850;cause=17"),), Cause.BUSY, False),
        (None, 603, (("reason", '"a;b"'),), Cause.REJECTED, False),
        (None, 699, (), Cause.FAILED, False),
    ],
)
def test_what_an_answer_comes_to(
    rang: int | None,
    status: int,
    headers: tuple[tuple[str, str], ...],
    cause: Cause,
    failed: bool,
) -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        if rang is not None:
            world.answer(rang)
            world.told = [pair for pair in world.told if not isinstance(pair[1], port.Ringing)]
        count = len(world.sent)
        world.answer(status, headers=headers)
        assert world.since(count) == ["ACK"], "and nobody else is called"
        ending = world.end.ending
        assert (ending.cause, ending.code, ending.trunk_failed) == (cause, status, failed)
        assert world.failed == []

    run(test)


@pytest.mark.parametrize(("rang", "failed"), [(False, [PEER]), (True, [])])
def test_503_is_a_reason_to_try_the_next_address(*, rang: bool, failed: list[Hop]) -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        if rang:
            world.answer(180)
        world.answer(503)
        assert world.failed == failed

    run(test)


def test_a_second_challenge_fails_the_trunk() -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        world.answer(401, headers=CHALLENGE)
        assert world.told == []
        world.answer(401, headers=CHALLENGE)
        assert (world.end.ending.code, world.end.ending.trunk_failed) == (401, True)

    run(test, DIGEST)


# CANCEL and what crosses it


def test_an_answer_that_crosses_our_cancel_is_told_and_ended() -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        world.answer(180)
        world.leg.hang_up()
        world.leg.hang_up()
        count = len(world.sent)
        world.answer(200, body=SDP)
        assert world.since(count) == ["ACK", "BYE"]
        events = [event for _, event in world.told]
        assert [type(event) for event in events] == [port.Ringing, port.Answered, port.Ended]
        end = events[-1]
        assert isinstance(end, port.Ended)
        assert (end.ending.code, end.ending.by_us) == (200, True)

    run(test)


def test_an_answer_without_sound_that_we_take_is_ended() -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        world.answer(200, body=SDP.replace(b"RTP/AVP 8", b"RTP/AVP 18"))
        assert world.since(1) == ["ACK", "BYE"]
        await asyncio.sleep(0)
        assert [type(event) for _, event in world.told] == [port.Answered, port.Ended]

    run(test)


# A leg that is gone


@pytest.mark.parametrize(
    ("status", "lost"), [(200, False), (488, False), (500, False), (408, True), (481, True)]
)
def test_a_silent_leg_is_asked_whether_it_is_there(status: int, lost: bool) -> None:
    async def test(world: World) -> None:
        await world.answered()
        world.stream.last_heard = 12.0
        await world.until(72.0)
        count = len(world.sent)
        world.media(Silent(12.0))
        assert world.since(count) == ["INVITE"]
        count = len(world.sent)
        world.answer(status, body=SDP if status == 200 else b"")
        await asyncio.sleep(0)
        assert world.since(count) == (["ACK", "BYE"] if lost else ["ACK"])
        if lost:
            assert (world.end.ending.cause, world.end.at) == (Cause.LOST, 12.0)
        else:
            assert world.told == []

    run(test)


@pytest.mark.parametrize("provisional", [False, True])
def test_a_silent_leg_that_does_not_answer_is_gone(*, provisional: bool) -> None:
    async def test(world: World) -> None:
        await world.answered()
        world.stream.last_heard = 12.0
        await world.until(72.0)
        world.media(Silent(12.0))
        if provisional:
            world.answer(100)
        await world.until(104.0)
        await asyncio.sleep(0)
        assert (world.end.ending.cause, world.end.at) == (Cause.LOST, 12.0)
        await world.until(200.0)
        assert world.ua.idle()

    run(test)


def test_ten_minutes_of_silence_are_the_end_whatever_it_answers() -> None:
    async def test(world: World) -> None:
        await world.answered()
        await world.until(600.0)
        world.media(Silent(0.0))
        await asyncio.sleep(0)
        assert world.end.ending.cause is Cause.LOST
        assert world.sent[-1][1] == "BYE"

    run(test)


# Keys


def test_info_counts_until_the_first_event_in_rtp() -> None:
    async def test(world: World) -> None:
        await world.answered()
        content = (("content-type", "application/dtmf-relay"),)

        def press(key: str, cseq: int) -> None:
            body = f"Signal={key}".encode()
            invite = world.last["INVITE"]
            branch = f"z9hG4bK{cseq}"
            info = from_callee("INFO", invite, cseq=cseq, branch=branch, headers=content, body=body)
            world.give(info)
            assert world.sent[-1][1] == "200 INFO"

        press("1", 1)
        await world.until(5.0)
        world.media(Pressed("2", world.clock.now()))
        await world.until(10.0)
        press("3", 2)
        digits = [event.digit for _, event in world.told if isinstance(event, port.Digit)]
        assert digits == ["1", "2"]

    run(test)


# Whatever a trunk does


_ANSWERS = st.tuples(
    st.sampled_from([100, 180, 183, 200, 202, 302, 401, 407, 422, 481, 486, 491, 503, 603]),
    st.sampled_from([b"", SDP, b"junk", SDP.replace(b"192.0.2.2", b"0.0.0.0")]),
    st.sampled_from(
        [
            (),
            CHALLENGE,
            (("min-se", "999999999"),),
            (("session-expires", "0"),),
            (("session-expires", "99999999999;refresher=x"),),
            (("retry-after", "-1"),),
            (("reason", '"a;b"'), ("reason", "Q.850;cause=999")),
            (("record-route", "<sip:192.0.2.9;lr>, <tel:1>"),),
        ]
    ),
    st.sampled_from(["one", "two"]),
    st.sampled_from([0.0, 0.1, 3.0, 40.0]),
)


@given(answers=st.lists(_ANSWERS, max_size=8), hang_up_after=st.integers(0, 8))
@settings(max_examples=150, deadline=None)
def test_whatever_a_trunk_answers_a_leg_ends_once_and_nothing_stays(
    answers: list[tuple[int, bytes, tuple[tuple[str, str], ...], str, float]], hang_up_after: int
) -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        for number, (status, body, headers, tag, pause) in enumerate(answers):
            if number == hang_up_after:
                world.leg.hang_up()
            world.answer(status, body=body, headers=headers, tag=tag)
            world.leg.confirm()
            await world.until(world.clock.now() + pause)
        world.leg.hang_up()
        await world.until(world.clock.now() + 200.0)
        assert [type(event) for _, event in world.told].count(port.Ended) == 1
        assert world.closed
        assert world.state.channels == world.state.legs == 0
        assert world.ua.idle()

    run(test, DIGEST)
