"""What comes of an answer that a leg of the embedded engine can make nothing of, and of
descriptions that name an address at which nobody may be. In memory, on virtual time."""

from __future__ import annotations

import ipaddress
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.test_outleg import PLAIN, SDP, World, run
from tests.sip.nasty import CORPUS, GOOD
from tests.sip.oddities import ODDITIES, made_odd
from tests.sip.test_nasty import pieces, spliced
from tests.sip.useragents import PEER, Alone, from_callee, kinds, reply

from ringback.engines.embedded.identity import read_trigger
from ringback.engines.embedded.legmedia import LegMedia
from ringback.engines.embedded.trunks import TrunkState
from ringback.media.remote import Remote
from ringback.sip.hop import Hop
from ringback.telephony import port
from ringback.telephony.port import Cause
from ringback.telephony.trunks import Trunk

NOWHERE = ("127.0.0.1", "224.0.0.5", "255.255.255.255")


def at(host: str) -> bytes:
    return SDP.replace(b"c=IN IP4 192.0.2.2", b"c=IN IP4 " + host.encode())


def other(body: bytes, *headers: tuple[str, str]) -> dict[str, Any]:
    return {"body": body, "headers": headers}


UNUSABLE: dict[str, dict[str, Any]] = {
    "no description": other(b""),
    "no description that can be read": other(b"v=1"),
    "no codec of ours": other(SDP.replace(b"AVP 8", b"AVP 18")),
    "a description of another kind": other(SDP, ("content-encoding", "gzip")),
    "no part that is one": other(
        b"--b\r\n\r\nx\r\n--b--", ("content-type", "multipart/mixed;boundary=b")
    ),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_an_answer_that_cannot_be_used_is_one_and_is_ended(what: str) -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        world.answer(200, **UNUSABLE[what])
        assert [sent for _, sent in world.sent] == ["INVITE", "ACK", "BYE"]
        world.give(reply(world.last["BYE"], 200))
        await world.until(100.0)
        (_, answered), (_, ended) = world.told
        assert isinstance(answered, port.Answered)
        assert isinstance(ended, port.Ended)
        assert (ended.ending.cause, ended.ending.by_us) == (Cause.FAILED, True)
        assert world.ua.idle()

    run(test)


def test_an_answer_that_was_cut_off_is_one_and_is_ended() -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        whole = reply(world.last["INVITE"], 200, body=SDP).encode()
        world.give(whole[:-1])
        assert [sent for _, sent in world.sent] == ["INVITE", "ACK", "BYE"]
        assert isinstance(world.told[0][1], port.Answered)

    run(test)


@pytest.mark.parametrize("oddity", ODDITIES)
def test_an_odd_answer_is_used_and_an_odd_bye_ends_the_leg(oddity: str) -> None:
    async def test(world: World) -> None:
        world.leg.dial()
        world.give(made_odd(reply(world.last["INVITE"], 200, body=SDP).encode(), oddity))
        world.leg.confirm()
        assert [sent for _, sent in world.sent] == ["INVITE", "ACK"]
        await world.until(7.0)
        world.give(made_odd(from_callee("BYE", world.last["INVITE"]).encode(), oddity))
        assert world.sent[-1] == (7.0, "200 BYE")
        (_, answered), (_, ended) = world.told
        assert isinstance(answered, port.Answered)
        assert isinstance(ended, port.Ended)
        assert (ended.ending.cause, ended.at) == (Cause.NORMAL, 7.0)

    run(test)


@pytest.mark.parametrize("host", NOWHERE)
def test_sound_for_such_an_address_goes_to_where_the_trunk_signals_from(host: str) -> None:
    """In an answer as in a later offer; the call goes on."""

    async def test(world: World) -> None:
        remotes: list[Remote] = []
        world.stream.configure = remotes.append
        world.leg.dial()
        world.answer(200, body=at(host))
        world.leg.confirm()
        offer = from_callee("INVITE", world.last["INVITE"], cseq=2, body=at(host))
        world.give(offer)
        assert [sent for _, sent in world.sent] == ["INVITE", "ACK", "200 INVITE"]
        assert {remote.host for remote in remotes} == {PEER.host}
        assert all(host not in remote.allowed for remote in remotes)

    run(test)


@pytest.mark.parametrize(
    ("hosts", "sources", "named"),
    [
        (("127.0.0.1",), "192.0.2.0/24", "127.0.0.1"),
        (("192.0.2.2", "127.0.0.9"), "192.0.2.0/24", "127.0.0.1"),
        (("192.0.2.2",), "127.0.0.8/31", "127.0.0.9"),
    ],
)
def test_a_trunk_on_loopback_may_name_loopback(
    hosts: tuple[str, ...], sources: str, named: str
) -> None:
    async def test(world: World) -> None:
        remotes: list[Remote] = []
        world.stream.configure = remotes.append
        cast(Any, world.state.peer).hosts = hosts
        world.state.networks.append(ipaddress.IPv4Network(sources))
        world.leg.dial()
        world.answer(200, body=at(named))
        assert [remote.host for remote in remotes] == [named]

    run(test)


# Versions of our description


def version(description: bytes | None) -> int:
    assert description is not None
    return int(description.split(b"o=")[1].split()[2])


def media() -> LegMedia:
    stream = SimpleNamespace(port=4000, configure=lambda remote: None)
    board = SimpleNamespace(
        media=SimpleNamespace(open=lambda listener, beside: stream),
        chance=SimpleNamespace(getrandbits=lambda bits: 7),
        public=Hop("udp", "192.0.2.1", 5060),
    )
    peer = SimpleNamespace(hosts=(PEER.host,), address=PEER)
    state = TrunkState(PLAIN, cast(Any, peer), [], on_idle=lambda state: None)
    return LegMedia(cast(Any, board), state, lambda event: None, None)


def test_the_version_goes_up_when_the_description_changes_and_only_then() -> None:
    """RFC 3264 section 8; RFC 4028 section 7.4 for refreshes."""
    leg, held = media(), SDP + b"a=sendonly\r\n"
    offered = leg.offer()
    leg.answered(SDP)
    assert version(offered) == 1
    answers = [leg.answer(offer) for offer in (SDP, SDP, held, held, SDP, b"", b"", SDP)]
    assert [version(answer) for answer in answers] == [2, 2, 3, 3, 4, 5, 5, 6]
    assert answers[0] == answers[1]
    assert answers[5] == answers[6]
    assert leg.answer(b"junk") is None
    assert version(leg.answer(SDP)) == 6, "what was refused has changed nothing"


def test_the_version_stays_where_an_offer_of_ours_is_what_the_invite_had() -> None:
    leg = media()
    offered = leg.offer()
    assert leg.answer(b"") == offered


# Nothing leaves what reads the network


EVERYTHING = Trunk(name="t", host="192.0.2.2", trust_pai=True, called_from="p_called_party_id")


def take(data: bytes, trunk: Trunk) -> None:
    ua = Alone()
    ua.agent.receive(data, PEER, ua.now)
    call = ua.agent.next_call()
    if call is not None:
        read_trigger(call.request, trunk, ua.now)
        call.ring(ua.now)
        assert kinds(ua.out()) == ["180 INVITE"]


IDENTITIES = (
    b"P-Asserted-Identity: ", b"P-Called-Party-ID: ", b"Privacy: ", b"Diversion: ",
    b"History-Info: ", b"Remote-Party-ID: ",
)  # fmt: skip


@pytest.mark.parametrize("trunk", [PLAIN, EVERYTHING, Trunk(name="t", host="x", called_from="to")])
@pytest.mark.parametrize("name", CORPUS)
def test_a_nasty_call_is_read_without_an_exception(name: str, trunk: Trunk) -> None:
    take(CORPUS[name][0], trunk)


@given(
    data=spliced(GOOD, b"tel:", b";x=\\", b"verstat=", b"@", b"#"),
    name=st.sampled_from(IDENTITIES),
    value=pieces(b"sip:", b"tel:", b"verstat=", b";tag="),
)
@settings(max_examples=300, deadline=None)
def test_so_is_any_other(data: bytes, name: bytes, value: bytes) -> None:
    value = value.replace(b"\r\n", b"")
    take(data.replace(b"\r\n\r\n", b"\r\n" + name + value + b"\r\n\r\n"), EVERYTHING)
