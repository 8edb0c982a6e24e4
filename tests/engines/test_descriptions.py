"""Where a leg's sound goes by what the far end's description says, and by what it does not say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import pytest
from tests.engines.test_outleg import World

from ringback.clock import LoopClock
from ringback.engines.embedded.names import (
    KEPT_SECONDS,
    MOST_ADDRESSES,
    MOST_AT_ONCE,
    MOST_KEPT,
    Names,
)
from ringback.engines.simulated import run_virtual
from ringback.media.remote import Remote
from ringback.sip.hop import may_name
from ringback.telephony import port

TRUNK = "192.0.2.2"
"""Where the trunk of a `World` signals from."""


def described(host: str) -> bytes:
    return (
        f"v=0\r\nm=audio 5000 RTP/AVP 0 8 101\r\nc=IN IP4 {host}\r\n"
        "a=rtpmap:101 telephone-event/8000\r\n"
    ).encode()


class NameServer:
    """Answers after a second."""

    def __init__(self, **known: Sequence[str]) -> None:
        self.known = {name.replace("_", "."): addresses for name, addresses in known.items()}
        self.asked: list[str] = []

    async def look_up(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        await LoopClock(asyncio.get_running_loop(), 0.0).sleep_until(
            asyncio.get_running_loop().time() + 1.0
        )
        if name not in self.known:
            raise OSError("no such host")
        return self.known[name]


def play(
    server: NameServer, body: Callable[[World, list[Remote]], Coroutine[Any, Any, None]]
) -> None:
    async def main() -> None:
        world, remotes = World(), list[Remote]()
        world.stream.configure = remotes.append
        world.leg.media._board.names = Names(world.clock, server.look_up)
        await body(world, remotes)

    run_virtual(main())


async def answered(world: World, host: str) -> None:
    world.leg.dial()
    world.answer(200, body=described(host))
    world.leg.confirm()
    await asyncio.sleep(0)
    assert [type(event) for _, event in world.told] == [port.Answered], "the call goes on"


def test_both_laws_of_the_answer_may_come_and_its_first_is_sent() -> None:
    async def body(world: World, remotes: list[Remote]) -> None:
        await answered(world, "198.51.100.7")
        (remote,) = remotes
        assert (remote.codec, remote.payload_type) == ("PCMU", 0)
        assert remote.receives == {0: "PCMU", 8: "PCMA"}
        assert (remote.dtmf_in, remote.dtmf_out) == (frozenset({101}), 101)
        assert remote.address == ("198.51.100.7", 5000)
        assert remote.allowed == {"198.51.100.7", TRUNK}

    play(NameServer(), body)


def test_a_host_name_is_looked_up_while_the_call_goes_on() -> None:
    server = NameServer(media_example_net=["198.51.100.7", "198.51.100.8"])

    async def body(world: World, remotes: list[Remote]) -> None:
        await answered(world, "media.example.net")
        (before,) = remotes
        assert before.address == (TRUNK, 5000), "its sound shows where it is; until then there"
        assert before.allowed == {TRUNK}
        assert before.sends
        await world.clock.sleep_until(2.0)
        assert len(remotes) == 2
        assert remotes[1].address == ("198.51.100.7", 5000)
        assert remotes[1].allowed == {"198.51.100.7", "198.51.100.8", TRUNK}
        await world.clock.sleep_until(2.0 + 2 * KEPT_SECONDS)
        server.known.clear()
        world.leg.media.answered(described("media.example.net"))
        assert remotes[2] == remotes[1], "whatever the name server says later"
        assert server.asked == ["media.example.net"]

    play(server, body)


@pytest.mark.parametrize(
    "host",
    ["gone.example.net", "256.0.0.1", "", "a..b", "127.0.0.1", "224.0.0.1", "255.255.255.255",
     "240.0.0.1", "0.0.0.1", "here.example.net", "everybody.example.net"],
)  # fmt: skip
def test_a_call_is_never_lost_for_an_address_that_cannot_be_used(host: str) -> None:
    server = NameServer(here_example_net=["127.0.0.1"], everybody_example_net=["239.1.1.1"])

    async def body(world: World, remotes: list[Remote]) -> None:
        await answered(world, host)
        await world.clock.sleep_until(2.0)
        assert {remote.address for remote in remotes} == {(TRUNK, 5000)}
        assert {remote.allowed for remote in remotes} == {frozenset({TRUNK})}
        assert len(world.told) == 1

    play(server, body)


def test_a_name_found_after_another_description_came_changes_nothing() -> None:
    async def body(world: World, remotes: list[Remote]) -> None:
        await answered(world, "media.example.net")
        world.leg.media.answered(described("198.51.100.9"))
        await world.clock.sleep_until(2.0)
        assert [remote.host for remote in remotes] == [TRUNK, "198.51.100.9"]

    play(NameServer(media_example_net=["198.51.100.7"]), body)


def test_names_are_asked_once_a_minute_few_at_once_and_few_are_kept() -> None:
    found: list[str] = []

    async def main() -> None:
        clock, server = LoopClock(asyncio.get_running_loop(), 0.0), NameServer()
        names = Names(clock, server.look_up)
        for number in range(MOST_AT_ONCE + 2):
            server.known[f"h{number}"] = [f"192.0.2.{number}"] * 100
            for _ in range(2):
                assert names.find(f"h{number}", partial(found.append, f"h{number}")) == ()
        assert names.find("h0", lambda: found.append("again")) == ()
        await clock.sleep_until(1.5)
        assert server.asked == [f"h{number}" for number in range(MOST_AT_ONCE)]
        assert sorted(found) == ["again", "h0", "h0", "h1", "h1", "h2", "h2", "h3", "h3"]
        assert names.find("h1", lambda: found.append("never")) == ["192.0.2.1"] * MOST_ADDRESSES
        assert names.find("none", lambda: found.append("never")) == ()
        await clock.sleep_until(3.0)
        assert names.find("none", lambda: found.append("never")) == ()
        await clock.sleep_until(5.0)
        assert server.asked.count("none") == 1, "that there is none is kept too"
        for number in range(MOST_KEPT):
            names.find(f"x{number}", lambda: None)
            await clock.sleep_until(clock.now() + 1.5)
        assert len(names._kept) == MOST_KEPT
        names.find("h1", lambda: None)
        await asyncio.sleep(0)
        assert server.asked[-1] == "h1"

    run_virtual(main())
    assert "never" not in found


@pytest.mark.parametrize(
    ("host", "trunk", "may"),
    [
        ("198.51.100.7", TRUNK, True),
        ("10.0.0.1", TRUNK, True),
        ("127.0.0.1", TRUNK, False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.5", "127.0.0.1", True),
        ("224.0.0.1", "127.0.0.1", False),
        ("255.255.255.255", TRUNK, False),
        ("0.0.0.0", TRUNK, False),
    ],
)
def test_nobody_names_this_machine_unless_the_trunk_is_on_it(
    host: str, trunk: str, may: bool
) -> None:
    assert may_name(host, [trunk]) is may
