"""Trunks: up and down, registered, looked up, and who is none (spec section 5), on virtual time."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sip.useragents import US, reply

from ringback.clock import LoopClock, Timer
from ringback.engines.embedded.peer import credentials_of
from ringback.engines.embedded.strangers import MOST, Strangers
from ringback.engines.embedded.trunks import AFTERMATH_SECONDS, Trunks
from ringback.engines.simulated.virtualloop import VirtualLoop, run_virtual
from ringback.sip.calls import Credentials
from ringback.sip.hop import Hop
from ringback.sip.message import Request, Response, parse
from ringback.sip.useragent import UserAgent
from ringback.telephony.trunks import Trunk, TrunkTable

HOST = "192.0.2.2"
PLAIN = Trunk(name="t", host="trunk.example", port=5070)
REGISTERED = Trunk(
    name="t", host="trunk.example", port=5070, register=True, user="us", password="secret"
)
CHALLENGE = (("www-authenticate", 'Digest realm="r", nonce="n", qop="auth"'),)


class World:
    """Trunks on a network where the test answers, and what names mean there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *trunks: Trunk) -> None:
        self.loop = asyncio.get_running_loop()
        self.clock = LoopClock(self.loop, 0.0)
        self.agent = UserAgent(US, random.Random(1))
        self.names: dict[str, list[str]] = {"trunk.example": [HOST]}
        self.sent: list[tuple[float, Request, Hop]] = []
        """Without repetitions."""
        self.silent: set[str] = set()
        """Addresses that answer nothing."""
        self.reports: list[str] = []
        self.answer: Callable[[Request], Response | None] = lambda request: reply(request, 200)
        self.table = TrunkTable(trunks)
        layers = self.agent.layers
        self.trunks = Trunks(self.table, layers, self.flush, self.clock, self.reports.append)
        self._timer: Timer | None = None

        async def getaddrinfo(loop: VirtualLoop, host: str, port: None, **how: object) -> Any:
            if host not in self.names:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [(socket.AF_INET, 0, 0, "", (name, 0)) for name in self.names[host]]

        monkeypatch.setattr(VirtualLoop, "getaddrinfo", getaddrinfo)

    def flush(self) -> None:
        for data, peer in self.agent.datagrams():
            request = parse(data)
            assert isinstance(request, Request)
            answer = None if peer.host in self.silent else self.answer(request)
            if str(request.via) not in [str(sent.via) for _, sent, _ in self.sent]:
                self.sent.append((self.clock.now(), request, peer))
            if answer is not None:
                self.loop.call_later(0.01, self.receive, answer)
        if self._timer is not None:
            self._timer.cancel()
        due = self.agent.next_timer()
        self._timer = None if due is None else self.clock.call_at(due, self._due)

    def receive(self, response: Response) -> None:
        self.agent.receive(response.encode(), Hop("udp", HOST, 5070), self.clock.now())
        self.flush()

    def _due(self) -> None:
        self.agent.run_timers(self.clock.now())
        self.flush()

    async def at(self, when: float) -> None:
        await self.clock.sleep_until(when)

    def times(self, method: str) -> list[float]:
        return [round(at, 1) for at, request, _ in self.sent if request.method == method]

    def hosts(self, method: str) -> list[str]:
        return [peer.host for _, request, peer in self.sent if request.method == method]

    @property
    def up(self) -> bool:
        return self.trunks["t"].up


Test = Callable[[World], Coroutine[Any, Any, None]]


def run(monkeypatch: pytest.MonkeyPatch, test: Test, *trunks: Trunk) -> None:
    async def main() -> None:
        await test(World(monkeypatch, *trunks))

    run_virtual(main())


def silent(request: Request) -> None:
    """No answer."""


# OPTIONS


def test_a_trunk_is_asked_every_25_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        world.answer = lambda request: reply(request, 404)  # any answer is one
        await world.trunks.start()
        await world.at(80.0)
        assert world.times("OPTIONS") == [0.0, 25.0, 50.0, 75.0]
        assert {peer for _, _, peer in world.sent} == {Hop("udp", HOST, 5070)}
        assert world.up
        assert world.reports == []

    run(monkeypatch, test, PLAIN)


def test_after_three_misses_it_is_skipped_until_it_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(world: World) -> None:
        world.answer = silent
        await world.trunks.start()
        await world.at(74.9)
        assert world.up
        assert world.reports == []
        await world.at(75.1)
        assert not world.up
        assert world.reports == [
            "trunk t (trunk.example:5070) is down: it does not answer; calls go by other trunks "
            "until that is over"
        ]
        await world.at(180.0)
        assert world.times("OPTIONS") == [25.0 * number for number in range(8)], "on and on"
        world.answer = lambda request: reply(request, 200)
        await world.at(200.1)
        assert world.up
        assert world.reports[1:] == ["trunk t is up again"]

    run(monkeypatch, test, PLAIN)


def test_two_misses_and_an_answer_begin_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        world.answer = silent
        await world.trunks.start()
        await world.at(60.0)
        _, last, _ = world.sent[-1]
        world.receive(reply(last, 200))  # late, but an answer
        await world.at(149.0)
        assert world.up
        await world.at(151.0)
        assert not world.up

    run(monkeypatch, test, PLAIN)


# Registration


def test_a_trunk_that_registers_is_up_while_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        def answer(request: Request) -> Response:
            if request.method == "REGISTER" and request.headers.get("authorization") is None:
                return reply(request, 401, headers=CHALLENGE)
            return reply(request, 200)

        world.answer = answer
        await world.trunks.start()
        await world.at(0.001)
        assert not world.up
        await world.at(1.0)
        assert world.up
        assert world.reports == [], "nothing is wrong while the answer is under way"
        world.answer = lambda request: reply(request, 403 if request.method == "REGISTER" else 200)
        await world.at(151.0)
        assert not world.up
        assert world.reports == [
            "trunk t (trunk.example:5070) is down: it is not registered; calls go by other trunks "
            "until that is over",
            "trunk t: registration failed: 403 Forbidden: check user and password",
        ]

    run(monkeypatch, test, REGISTERED)


def test_a_passing_failure_does_not_end_a_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        await world.trunks.start()
        await world.at(100.0)
        world.answer = lambda request: reply(request, 503 if request.method == "REGISTER" else 200)
        await world.at(299.0)
        assert world.up
        assert world.reports == []
        await world.at(301.0)
        assert not world.up
        assert world.reports[1:] == [
            "trunk t: registration failed: 503 Service Unavailable: it is tried again"
        ]

    run(monkeypatch, test, REGISTERED)


def test_closing_takes_the_registration_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        await world.trunks.start()
        await world.at(1.0)
        world.answer = lambda request: reply(request, 401, headers=CHALLENGE)
        assert world.trunks.close()
        await world.at(2.0)
        (_, first, _), (_, second, _) = world.sent[-2:]
        assert [first.headers.get("expires"), second.headers.get("expires")] == ["0", "0"]
        assert second.headers.get("authorization")

    run(monkeypatch, test, REGISTERED)


# Names and sources


def test_a_host_that_cannot_be_looked_up_is_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Least of all by its name: the socket would look it up while every call waits."""

    async def test(world: World) -> None:
        del world.names["trunk.example"]
        await world.trunks.start()
        await world.at(60.0)
        assert world.sent == []
        assert not world.up
        assert world.reports[:2] == [
            "trunk t: host 'trunk.example' cannot be looked up: Name or service not known: check "
            "it, or the name server",
            "trunk t (trunk.example:5070) is down: its host cannot be looked up; calls go by "
            "other trunks until that is over",
        ]
        world.names["trunk.example"] = [HOST]
        await world.at(76.0)
        assert world.times("REGISTER") == world.times("OPTIONS") == [75.0]
        assert world.up
        assert world.trunks.close()

    run(monkeypatch, test, REGISTERED)


def test_a_host_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        world.names["trunk.example"] = ["192.0.2.9", "192.0.2.8"]
        await world.trunks.start()
        for host in ("192.0.2.8", "192.0.2.9"):
            assert world.trunks.of_source(Hop("udp", host, 4711)) is not None
        world.names["trunk.example"] = ["192.0.2.7"]
        await world.at(330.0)
        assert world.trunks.of_source(Hop("udp", "192.0.2.7", 5070)) is not None
        assert world.trunks.of_source(Hop("udp", "192.0.2.8", 5070)) is None
        assert world.sent[-1][2] == Hop("udp", "192.0.2.7", 5070)
        del world.names["trunk.example"]
        await world.at(660.0)
        assert world.up, "what it resolved to before goes on being used"

    run(monkeypatch, test, PLAIN)


def test_sources_are_those_listed_and_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        world.names["other.example"] = [HOST]
        await world.trunks.start()

        def of(host: str, port: int) -> str | None:
            state = world.trunks.of_source(Hop("udp", host, port))
            return None if state is None else state.trunk.name

        assert of(HOST, 5070) == "t"
        assert of(HOST, 6000) == "other", "whose very address it is"
        assert of(HOST, 1024) == "t"
        assert of("198.51.100.7", 5060) == "other"
        assert of("203.0.113.255", 5060) == "other"
        assert of("203.0.112.255", 5060) is None

    other = Trunk(
        name="other",
        host="other.example",
        port=6000,
        sources=("198.51.100.7", "203.0.113.0/24"),
    )
    run(monkeypatch, test, PLAIN, other)


# Several addresses


def test_the_addresses_of_a_host_are_tried_in_the_resolver_s_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(world: World) -> None:
        world.names["trunk.example"] = ["192.0.2.9", "192.0.2.8", "192.0.2.9"]
        world.silent = {"192.0.2.9"}
        await world.trunks.start()
        await world.at(26.0)
        assert world.hosts("OPTIONS") == ["192.0.2.9", "192.0.2.8"]
        await world.at(101.0)
        assert world.hosts("OPTIONS")[2:] == ["192.0.2.8"] * 3, "it stays with the one that answers"
        assert world.trunks["t"].peer.address == Hop("udp", "192.0.2.8", 5070)
        assert world.reports == []
        world.silent = {"192.0.2.8", "192.0.2.9"}
        await world.at(199.0)
        assert world.up
        await world.at(201.0)
        assert not world.up, "three misses in a row, whatever the address"
        world.silent = {"192.0.2.9"}
        await world.at(251.0)
        assert world.up

    run(monkeypatch, test, PLAIN)


def test_a_call_without_an_answer_moves_to_the_next_address_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(world: World) -> None:
        world.names["trunk.example"] = ["192.0.2.9", "192.0.2.8"]
        await world.trunks.start()
        await world.at(10.0)
        world.trunks["t"].peer.failed(Hop("udp", "192.0.2.9", 5070))
        world.trunks["t"].peer.failed(Hop("udp", "192.0.2.9", 5070))  # another call, begun before
        await world.at(11.0)
        assert world.trunks["t"].peer.address == Hop("udp", "192.0.2.8", 5070)
        assert world.hosts("OPTIONS") == ["192.0.2.9", "192.0.2.8"]
        world.names["trunk.example"] = ["192.0.2.7", "192.0.2.8"]
        await world.at(310.0)
        assert world.trunks["t"].peer.address == Hop("udp", "192.0.2.8", 5070), (
            "the one in use is there yet"
        )

    run(monkeypatch, test, PLAIN)


def test_a_host_with_one_address_keeps_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        await world.trunks.start()
        world.trunks["t"].peer.failed(Hop("udp", HOST, 5070))
        await world.at(10.0)
        assert world.hosts("OPTIONS") == [HOST]
        assert world.up

    run(monkeypatch, test, PLAIN)


# Changes


def test_a_trunk_that_is_added_is_looked_up_and_registered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(world: World) -> None:
        await world.trunks.start()
        assert not world.trunks.usable("t")
        await world.at(10.0)
        world.table.replace([REGISTERED], [])
        assert world.trunks.troubles() == {"t": "its host is being looked up"}
        await world.at(11.0)
        assert world.trunks.usable("t")
        assert world.trunks.troubles() == {"t": ""}
        assert world.times("REGISTER") == world.times("OPTIONS") == [10.0]
        assert world.trunks.of_source(Hop("udp", HOST, 5070)) is world.trunks["t"]

    run(monkeypatch, test)


def test_a_change_that_its_far_end_does_not_notice_asks_nothing_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(world: World) -> None:
        await world.trunks.start()
        await world.at(10.0)
        world.table.replace([replace(REGISTERED, channels=1, sources=("198.51.100.7",))], [])
        assert world.trunks.usable("t")
        assert world.trunks.knows(Hop("udp", "198.51.100.7", 5060))
        await world.at(24.0)
        assert world.times("REGISTER") == world.times("OPTIONS") == [0.0]
        world.table.replace([], [])
        await world.at(60.0)
        assert world.times("OPTIONS") == [0.0], "and nobody asks any more"

    run(monkeypatch, test, REGISTERED)


def test_the_calls_of_before_have_their_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        await world.trunks.start()
        before = world.trunks["t"]
        before.leg_began()
        before.channels += 1
        for port in (5070, 5080):
            world.table.replace([replace(PLAIN, port=port, channels=1)], [])
            assert not world.trunks.usable("t")
        world.table.replace([replace(PLAIN, channels=2)], [])
        assert world.trunks.usable("t")
        world.trunks["t"].channels += 1
        assert not world.trunks.usable("t")
        before.channels -= 1
        before.leg_ended()
        assert world.trunks.usable("t")

    run(monkeypatch, test, PLAIN)


def test_a_new_password_registers_anew_and_takes_nothing_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(world: World) -> None:
        await world.trunks.start()
        await world.at(10.0)
        state = world.trunks["t"]
        state.leg_began()
        world.table.replace([replace(REGISTERED, password="other")], [])
        assert world.trunks.usable("t"), "it was registered, and nobody has said otherwise"
        assert credentials_of(state.trunk) == Credentials("us", "secret"), "of the call that is up"
        await world.at(11.0)
        registers = [sent for _, sent, _ in world.sent if sent.method == "REGISTER"]
        assert [sent.headers.get("expires") for sent in registers] == ["300", "300"]
        assert registers[0].call_id != registers[1].call_id
        await world.at(170.0)
        assert world.times("REGISTER") == [0.0, 10.0, 160.0], "only the new one is refreshed"
        world.answer = lambda request: reply(request, 403)
        world.table.replace([replace(REGISTERED, password="wrong")], [])
        await world.at(171.0)
        assert not world.up

    run(monkeypatch, test, REGISTERED)


def test_a_trunk_that_moves_keeps_its_old_sources_until_its_last_leg_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(world: World) -> None:
        world.names["moved.example"] = ["192.0.2.7"]
        await world.trunks.start()
        await world.at(10.0)
        old = world.trunks["t"]
        old.leg_began()
        old.leg_began()
        world.table.replace([replace(REGISTERED, host="moved.example")], [])
        await world.at(11.0)
        assert world.sent[-1][2] == Hop("udp", "192.0.2.7", 5070)
        taken_back = [peer for _, sent, peer in world.sent if sent.headers.get("expires") == "0"]
        assert taken_back == [Hop("udp", HOST, 5070)]
        assert world.trunks.usable("t")
        assert world.trunks["t"].peer.address == Hop("udp", "192.0.2.7", 5070)
        assert world.trunks.of_source(Hop("udp", HOST, 5070)) is None, (
            "no new call comes from there"
        )
        await world.at(500.0)
        old.leg_ended()
        await world.at(600.0)
        assert world.trunks.knows(Hop("udp", HOST, 5070)), "a call is still up"
        old.leg_ended()
        await world.at(600.0 + AFTERMATH_SECONDS - 1.0)
        assert world.trunks.knows(Hop("udp", HOST, 5070)), "its BYE may wait for its answer"
        await world.at(600.0 + AFTERMATH_SECONDS + 1.0)
        assert not world.trunks.knows(Hop("udp", HOST, 5070))
        assert world.trunks._before == []

    run(monkeypatch, test, REGISTERED)


def test_a_trunk_that_is_removed_takes_its_registration_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(world: World) -> None:
        await world.trunks.start()
        await world.at(10.0)
        world.table.replace([], [])
        assert not world.trunks.usable("t")
        assert world.trunks.troubles() == {}
        await world.at(100.0)
        assert [sent.headers.get("expires") for _, sent, _ in world.sent[2:]] == ["0"]
        assert not world.trunks.knows(Hop("udp", HOST, 5070))
        assert not world.trunks.close()

    run(monkeypatch, test, REGISTERED)


_CHANGES = st.lists(
    st.lists(
        st.builds(
            Trunk,
            name=st.sampled_from("tu"),
            host=st.sampled_from(["trunk.example", "moved.example", "nowhere.example"]),
            port=st.just(5070),
            register=st.booleans(),
            user=st.just("us"),
            password=st.sampled_from(["secret", "other"]),
            channels=st.sampled_from([None, 1]),
        ),
        max_size=2,
        unique_by=lambda trunk: trunk.name,
    ),
    min_size=1,
    max_size=6,
)


@given(changes=_CHANGES, legs=st.lists(st.booleans(), min_size=6, max_size=6))
@settings(max_examples=100, deadline=None)
def test_whatever_changes_what_is_there_now_is_watched_and_nothing_else_stays(
    changes: list[list[Trunk]], legs: list[bool]
) -> None:
    async def test(world: World) -> None:
        world.names["moved.example"] = ["192.0.2.7"]
        await world.trunks.start()
        held = []
        for number, (trunks, leg) in enumerate(zip(changes, legs, strict=False), 1):
            world.table.replace(trunks, [])
            if leg and trunks:
                held.append(world.trunks[trunks[0].name])
                held[-1].leg_began()
            await world.at(number * 0.3)
        last = [trunk for trunk in changes[-1] if trunk.host != "nowhere.example"]
        await world.at(100.0)
        assert world.trunks.troubles().keys() == {trunk.name for trunk in changes[-1]}
        assert all(world.trunks.usable(trunk.name) for trunk in last)
        for state in held:
            assert all(world.trunks.knows(Hop("udp", host, 1)) for host in state.hosts)
            state.leg_ended()
        before = len(world.sent)
        await world.at(100.0 + AFTERMATH_SECONDS + 26.0)
        assert world.trunks._before == []
        asked = {peer.host for _, sent, peer in world.sent[before:] if sent.method == "OPTIONS"}
        assert asked == {world.names[trunk.host][0] for trunk in last}
        world.trunks.close()

    with pytest.MonkeyPatch.context() as monkeypatch:
        run(monkeypatch, test, PLAIN)


# Strangers


def test_of_a_stranger_a_line_a_minute_and_of_many_no_flood() -> None:
    async def test() -> None:
        clock = LoopClock(asyncio.get_running_loop(), 1000.0)
        lines: list[str] = []
        strangers = Strangers(clock, lines.append)
        for _ in range(100):
            strangers.seen(Hop("udp", "203.0.113.1", 5060))
        assert lines == [
            "dropped a message from 203.0.113.1: no trunk has this source: add it to the `sources` "
            "of a trunk if it is yours"
        ]
        await clock.sleep_until(1059.0)
        strangers.seen(Hop("udp", "203.0.113.1", 5061))
        assert len(lines) == 1
        await clock.sleep_until(1060.0)
        strangers.seen(Hop("udp", "203.0.113.1", 5060))
        assert len(lines) == 2
        for number in range(50_000):
            host = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
            strangers.seen(Hop("udp", host, 5060))
        assert len(lines) == MOST + 1
        await clock.sleep_until(1121.0)
        strangers.seen(Hop("udp", "203.0.113.2", 5060))
        assert f"({50_000 - MOST + 1} more from other sources before)" in lines[-1]
        assert len(strangers._told) == 1
        strangers.seen(Hop("udp", "203.0.113.3", 5060), "420 Bad Extension", what="refused a call")
        assert lines[-1] == "refused a call from 203.0.113.3: 420 Bad Extension"
        for kind in ("one reason", "another", "one reason"):
            strangers.seen(Hop("udp", "203.0.113.4", 5060), kind, kind=("t", kind))
        assert [line.rpartition(": ")[2] for line in lines[-2:]] == ["one reason", "another"]

    run_virtual(test())
