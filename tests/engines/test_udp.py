"""SIP on real sockets, on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
from tests.sip.useragents import ANSWER, OFFER, request

from ringback.clock import LoopClock
from ringback.engines.embedded.udp import PortInUse, UdpAdapter, bound_to, open_socket
from ringback.sip.calls import Call, IncomingCall, OutgoingCall
from ringback.sip.events import CallEvent, Failed, HungUp, Offered, Provisional, Succeeded
from ringback.sip.hop import Hop
from ringback.sip.uri import NameAddr
from ringback.sip.useragent import UserAgent

LOOPBACK = Hop("udp", "127.0.0.1", 0)


class Agent:
    """A user agent on a socket."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.clock = LoopClock(loop)
        sock = open_socket(LOOPBACK)
        self.address = bound_to(sock)
        self.agent = UserAgent(self.address, random.Random(1))
        self.adapter = UdpAdapter(
            sock, self.agent, self.clock, on_call=self._on_call, on_event=self._on_event
        )
        self.answer: Callable[[IncomingCall], None] = lambda call: None
        self.happened: asyncio.Queue[CallEvent] = asyncio.Queue()
        self.reached: list[float] = []
        """When what has happened reached the machine."""

    def _on_call(self, call: IncomingCall) -> None:
        self.answer(call)

    def _on_event(self, call: Call, event: CallEvent) -> None:
        if isinstance(event, Offered):
            call.accept_offer(ANSWER, self.clock.now())  # sent without another flush
        self.reached.append(self.adapter.reached)
        self.happened.put_nowait(event)

    async def until(self, which: type[CallEvent]) -> CallEvent:
        while True:
            event = await asyncio.wait_for(self.happened.get(), 5.0)
            if isinstance(event, which):
                return event

    def dial(self, other: Agent) -> OutgoingCall:
        host, port = other.address.host, other.address.port
        sender = NameAddr.parse(f"<sip:us@{host}>")
        uri = f"sip:1@{host}:{port}"
        call = OutgoingCall(self.agent, uri, other.address, sender=sender, sdp=OFFER)
        call.send(self.clock.now())
        self.adapter.flush()
        return call


@contextlib.contextmanager
def two_agents() -> Iterator[tuple[Agent, Agent]]:
    agents = Agent(), Agent()
    try:
        yield agents
    finally:
        for agent in agents:
            agent.adapter.close()


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def test_a_call_over_real_sockets() -> None:
    async def test() -> None:
        with two_agents() as (us, them):
            them.answer = lambda call: call.accept(ANSWER, them.clock.now())
            call = us.dial(them)
            await us.until(Succeeded)
            call.refresh(us.clock.now())
            us.adapter.flush()
            await them.until(Offered)
            assert them.agent.datagrams() == []  # the handler's answer has left
            call.bye(us.clock.now())
            us.adapter.flush()
            await them.until(HungUp)

    run(test())


@pytest.mark.parametrize("catches_up", [False, True])
def test_what_comes_while_the_process_is_stopped_counts_from_then(catches_up: bool) -> None:
    async def test() -> None:
        with two_agents() as (us, them):
            them.answer = lambda call: call.accept(ANSWER, them.clock.now())
            call = us.dial(them)
            await us.until(Succeeded)
            before = us.clock.now()
            call.bye(before)
            us.adapter.flush()
            after = us.clock.now()
            time.sleep(0.2)  # noqa: ASYNC251  the process is stopped
            if catches_up:
                them.adapter.catch_up()  # everything is told before it returns
                while not isinstance(them.happened.get_nowait(), HungUp):
                    pass
            else:
                await them.until(HungUp)
            assert before - 0.01 <= them.reached[-1] <= after + 0.01
            assert them.adapter.reached > after + 0.1, "of nothing that came: now"

    run(test())


def test_a_wall_clock_that_was_set_forward_puts_nothing_before_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test() -> None:
        with two_agents() as (us, them):
            them.answer = lambda call: call.accept(ANSWER, them.clock.now())
            us.dial(them)
            await us.until(Succeeded)
            begun = us.clock.now()
            real, offset = time.time, [0.0]
            monkeypatch.setattr(time, "time", lambda: real() + offset[0])
            for offset[0] in (3600.0, -3600.0):
                us.dial(them)
                await us.until(Succeeded)
                assert begun - 1.0 < us.reached[-1] <= us.clock.now(), "since it was empty last"

    run(test())


def test_what_a_handler_does_is_sent_when_it_returns() -> None:
    async def test() -> None:
        with two_agents() as (us, them):

            def reject(call: IncomingCall) -> None:
                call.reject(486, them.clock.now())
                them.adapter.flush()  # harmless from within

            them.answer = reject
            us.dial(them)
            failed = await us.until(Failed)
            assert isinstance(failed, Failed) and failed.response is not None
            assert failed.response.status == 486

    run(test())


def test_a_handler_that_fails_does_not_stop_the_timers() -> None:
    async def test() -> None:
        with two_agents() as (us, them):
            faults: list[object] = []
            loop = asyncio.get_running_loop()
            loop.set_exception_handler(lambda loop, context: faults.append(context["exception"]))

            def fail(call: IncomingCall) -> None:
                them.answer = lambda call: None
                raise RuntimeError("in a handler")

            them.answer = fail
            us.dial(them)
            trying = await us.until(Provisional)  # 200 ms after the INVITE, by a timer
            assert isinstance(trying, Provisional) and trying.response.status == 100
            assert [type(fault) for fault in faults] == [RuntimeError]

    run(test())


def test_many_datagrams_at_once_are_all_read() -> None:
    async def test() -> None:
        with two_agents() as (_, them):
            calls: list[str] = []
            complete = asyncio.Event()

            def note(call: IncomingCall) -> None:
                calls.append(call.request.call_id)
                if len(calls) == 200:
                    complete.set()

            them.answer = note
            sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            to = them.address.host, them.address.port
            for number in range(200):
                invite = request(branch=f"z9hG4bK{number}", call_id=str(number), body=OFFER)
                sender.sendto(invite.encode(), to)
            sender.sendto(b"\xff" * 60_000, to)
            sender.close()
            await asyncio.wait_for(complete.wait(), 5.0)
            assert calls == [str(number) for number in range(200)]

    run(test())


def test_a_peer_that_cannot_be_reached_is_as_good_as_a_lost_message() -> None:
    async def test() -> None:
        with two_agents() as (us, them):
            nobody = open_socket(LOOPBACK)
            gone = bound_to(nobody)
            nobody.close()
            not_permitted = Hop("udp", "255.255.255.255", 5060)
            us.agent.layers.transport.send(b"lost", gone)
            us.agent.layers.transport.send(b"lost", not_permitted)
            us.adapter.flush()
            await asyncio.sleep(0)
            them.answer = lambda call: call.reject(603, them.clock.now())
            us.dial(them)
            await us.until(Failed)

    run(test())


def test_a_port_in_use_is_named_with_its_mending() -> None:
    first = open_socket(LOOPBACK)
    taken = bound_to(first)
    with pytest.raises(PortInUse, match=rf"UDP port {taken.port} on 127\.0\.0\.1 is in use"):
        open_socket(taken)
    first.close()
    open_socket(taken).close()


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:5060"):
        open_socket(Hop("udp", "192.0.2.1", 5060))
