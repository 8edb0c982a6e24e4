"""What belongs to no call: refusals, matching, sources and limits."""

from __future__ import annotations

import random

import pytest
from tests.sip.useragents import (
    OFFER,
    PEER,
    US,
    Alone,
    from_callee,
    kind,
    kinds,
    reply,
    request,
)

from ringback.sip import transport, useragent
from ringback.sip.events import Provisional, Rejected
from ringback.sip.hop import Hop
from ringback.sip.message import Request, Response
from ringback.sip.useragent import UserAgent


def refused(ua: Alone, message: Request | bytes, source: Hop = PEER) -> Response:
    """The one response, to a request that makes no call."""
    (response,) = ua.give(message, source)
    assert isinstance(response, Response)
    assert ua.agent.next_call() is None
    return response


def spoilt(what: str, by: str, message: Request | None = None) -> bytes:
    data = (message or request(body=OFFER)).encode().decode()
    assert what in data
    return data.replace(what, by, 1).encode()


# One status after the other


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (request(uri="sip:1@x:99999"), 400),
        (request("REFER"), 405),
        (request("REGISTER"), 405),
        (request("MESSAGE"), 405),
        (request("FLY"), 501),
        (request(uri="mailto:a@b"), 416),
        (request("OPTIONS", uri="sip:1 2@x"), 400),
        (request(headers=(("require", "100rel, timer, Sec-Agree"),)), 420),
        (request("BYE", headers=(("require", "path"),)), 481),
        (request("BYE", uri="about:blank"), 481),
        (request("BYE"), 481),
        (request("INFO"), 481),
        (request("BYE", to_tag="gone"), 481),
        (request("INVITE", to_tag="gone"), 481),
        (request("OPTIONS", to_tag="gone"), 481),
    ],
)
def test_refusals(message: Request, status: int) -> None:
    ua = Alone()
    response = refused(ua, message)
    assert response.status == status
    assert response.to.tag
    again = ua.give(message)
    assert kinds(again) == [kind(response)]
    assert again[0].encode() == response.encode()  # section 8.2.7
    assert ua.idle(), "nothing is kept"
    assert ua.give(request("ACK", to_tag=response.to.tag, uri=message.uri)) == []
    assert ua.idle()


def test_refusals_say_what_would_be_taken() -> None:
    ua = Alone()
    assert "invite" in refused(ua, request("REFER")).headers.tokens("allow")
    assert "invite" in refused(ua, request("FLY", branch="z9hG4bK2")).headers.tokens("allow")
    message = request(branch="z9hG4bK3", headers=(("require", "timer, path"),))
    assert refused(ua, message).headers.all("unsupported") == ["path"]
    _, invite = ua.answered()
    strange = (("content-type", "a/b"),)
    message = from_callee("INVITE", invite, branch="z9hG4bK4", headers=strange, body=b"x")
    assert refused(ua, message).headers.all("accept") == ["application/sdp"]
    short = (("session-expires", "30"),)
    message = from_callee("INVITE", invite, branch="z9hG4bK5", headers=short)
    assert refused(ua, message).headers.get("min-se") == "90"


@pytest.mark.parametrize(
    ("what", "by", "status"),
    [
        ("SIP/2.0\r\nVia", "SIP/3.0\r\nVia", 505),
        ("CSeq: 1 INVITE", "CSeq: 1 BYE", 400),
        (f"Content-Length: {len(OFFER)}", "Content-Length: 9999", 400),
    ],
)
def test_what_cannot_be_read_is_answered_without_being_kept(
    what: str, by: str, status: int
) -> None:
    ua = Alone()
    data = spoilt(what, by)
    response = refused(ua, data)
    assert response.status == status
    assert refused(ua, data).encode() == response.encode()  # section 8.2.7
    assert ua.idle()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\0\0\0\0",
        b"jaK",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" * 2000,
        b"INVITE sip:a@b SIP/2.0\r\n\r\n",
        spoilt("Via: ", "Vja: "),
        request("ACK").encode(),
        request("ACK", to_tag="x").encode(),
        spoilt("CSeq: 1 ACK", "CSeq: 1 BYE", request("ACK")),
        reply(request(), 200).encode(),
    ],
)
def test_what_gets_no_answer(data: bytes) -> None:
    ua = Alone()
    assert ua.give(data) == []
    assert ua.idle()


def test_options_is_answered_with_what_we_can_do() -> None:
    ua = Alone()
    response = refused(ua, request("OPTIONS"))
    assert response.status == 200
    assert {"invite", "ack", "cancel", "bye", "info", "options"} == response.headers.tokens("allow")
    assert response.headers.all("accept") == ["application/sdp"]
    assert response.headers.all("supported") == ["timer"]


def test_require_does_not_count_in_cancel_and_ack() -> None:
    ua = Alone()
    call = ua.incoming()
    headers = (("require", "path"),)
    (ok, final) = ua.give(request("CANCEL", headers=headers))
    assert kinds([ok, final]) == ["200 CANCEL", "487 INVITE"]
    ua.events()
    ua.give(request("ACK", to_tag=final.to.tag, headers=headers))
    assert ua.only(Rejected).acknowledged
    assert call.ended


# Matching


def test_a_merged_request_gets_482() -> None:
    ua = Alone()
    call = ua.incoming()
    assert refused(ua, request(branch="z9hG4bKother")).status == 482
    assert refused(ua, request(branch="z9hG4bKthird")).status == 482
    ua.give(request("ACK", branch="z9hG4bKother", to_tag="x"))
    ua.run(20.0)
    ua.out()
    assert refused(ua, request(branch="z9hG4bKfourth")).status == 482
    call.reject(486, ua.now)
    (final,) = ua.out()
    ua.give(request("ACK", to_tag=final.to.tag))
    ua.run(100.0)
    ua.out()
    ua.incoming(request(branch="z9hG4bKlater"))


def test_other_requests_of_the_same_call_id_are_not_merged() -> None:
    ua = Alone()
    ua.incoming()
    ua.incoming(request(branch="z9hG4bK2", from_tag="another", body=OFFER))
    ua.incoming(request(branch="z9hG4bK3", cseq=2, body=OFFER))


@pytest.mark.parametrize("via", ["SIP/2.0/UDP 192.0.2.2:5070", "SIP/2.0/UDP 192.0.2.2;branch=1"])
def test_rfc_2543_requests_are_matched_without_a_branch(via: str) -> None:
    ua = Alone()
    call = ua.incoming(request(via=via))
    call.ring(ua.now)
    ua.out()
    assert kinds(ua.give(request(via=via))) == ["180 INVITE"]
    assert kinds(ua.give(request("CANCEL", via=via, cseq=2))) == ["481 CANCEL"]
    out = ua.give(request("CANCEL", via=via))
    assert kinds(out) == ["200 CANCEL", "487 INVITE"]
    ua.events()
    ua.give(request("ACK", via=via, to_tag=out[1].to.tag))
    assert ua.only(Rejected).acknowledged


def test_rfc_2543_requests_that_came_over_two_ways_are_no_repetition() -> None:
    ua = Alone()
    ua.incoming(request(branch="1"))
    assert refused(ua, request(branch="2")).status == 482


def test_the_same_branch_from_another_host_is_another_transaction() -> None:
    ua = Alone()
    ua.incoming()
    via = "SIP/2.0/UDP 192.0.2.3:5070;branch=z9hG4bKinvite"
    ua.incoming(request(via=via, call_id="call-2", body=OFFER))


def test_responses_are_matched_by_branch_and_method() -> None:
    ua = Alone()
    _, invite = ua.dial()
    other = reply(invite, 200)
    other.headers.set("cseq", "1 BYE")
    assert ua.give(other) == []
    two_hops = reply(invite, 200)
    two_hops.headers.add("via", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx")
    assert ua.give(two_hops) == []
    assert ua.events() == []


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("cseq", "2 INVITE"),
        ("cseq", "1 INVITE, 2 INVITE"),
        ("call-id", "another"),
        ("from", "<sip:us@192.0.2.1>;tag=another"),
        ("via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKanother"),
        ("via", "192.0.2.1"),
    ],
)
def test_a_response_to_another_request_is_none_to_ours(header: str, value: str) -> None:
    ua = Alone()
    _, invite = ua.dial()
    other = reply(invite, 200)
    other.headers.set(header, value)
    assert ua.give(other) == []
    assert ua.events() == []
    assert kinds(ua.give(reply(invite, 200))) == ["ACK"]


def test_a_branch_has_no_case() -> None:
    """Section 7.3.1."""
    ua = Alone()
    _, invite = ua.dial()
    ringing = reply(invite, 180)
    ringing.headers.set("via", str(invite.via).upper())
    ua.give(ringing)
    assert ua.only(Provisional).response.status == 180


# Where answers go (RFC 3581, section 18.2)


@pytest.mark.parametrize(
    ("via", "peer", "shown"),
    [
        ("10.0.0.1:5070;branch=z9hG4bKa;rport", PEER, {"rport": "5070", "received": "192.0.2.2"}),
        ("192.0.2.2:6000;branch=z9hG4bKa;rport", PEER, {"rport": "5070", "received": "192.0.2.2"}),
        ("10.0.0.1:6000;branch=z9hG4bKa", Hop("udp", "192.0.2.2", 6000), {"received": "192.0.2.2"}),
        (
            "pc.example.net;branch=z9hG4bKa",
            Hop("udp", "192.0.2.2", 5060),
            {"received": "192.0.2.2"},
        ),
        ("192.0.2.2:6000;branch=z9hG4bKa", Hop("udp", "192.0.2.2", 6000), {}),
        ("192.0.2.2:99999;branch=z9hG4bKa", PEER, {}),
        ("192.0.2.2;branch=z9hG4bKa;maddr=203.0.113.1", Hop("udp", "192.0.2.2", 5060), {}),
    ],
)
def test_responses_go_back_to_where_the_request_came_from(
    via: str, peer: Hop, shown: dict[str, str]
) -> None:
    ua = Alone()
    call = ua.incoming(request(via=f"SIP/2.0/UDP {via}"))
    call.ring(ua.now)
    (response,) = ua.out()
    assert ua.peers == [peer]
    params = dict(response.via.params)
    assert {name: params.get(name) for name in ("rport", "received") if name in params} == shown
    assert params["branch"] == "z9hG4bKa"


def test_further_vias_and_record_routes_are_copied_in_order() -> None:
    ua = Alone()
    message = request(
        via="SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa;rport, SIP/2.0/UDP p2;branch=z9hG4bKb",
        headers=(("via", "SIP/2.0/UDP p3;branch=z9hG4bKc"), ("record-route", "<sip:p2;lr>")),
    )
    call = ua.incoming(message)
    call.ring(ua.now)
    (response,) = ua.out()
    vias = response.headers.all("via")
    assert [via.partition("branch=")[2][:8] for via in vias] == ["z9hG4bKa", "z9hG4bKb", "z9hG4bKc"]
    assert response.headers.all("record-route") == ["<sip:p2;lr>"]


def test_behind_nat_the_advertised_address_is_in_via_and_contact() -> None:
    public = Hop("udp", "198.51.100.7", 6060)
    ua = Alone(agent=UserAgent(public, random.Random(1)))
    _, invite = ua.dial()
    assert (invite.via.host, invite.via.port) == (public.host, public.port)
    assert str(invite.contact) == "<sip:198.51.100.7:6060>"


# Sources and limits


def test_an_unknown_source_gets_no_answer_and_is_not_parsed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ua = Alone(known=lambda source: source.host == PEER.host)

    def parse(data: bytes) -> Request:
        raise AssertionError("it was parsed")

    monkeypatch.setattr(transport, "parse", parse)
    assert ua.give(request("OPTIONS"), Hop("udp", "192.0.2.66", 5060)) == []
    assert ua.give(b"garbage", Hop("udp", "192.0.2.66", 5060)) == []
    with pytest.raises(AssertionError):
        ua.give(request("OPTIONS"))


def test_calls_that_cannot_be_taken_are_told_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[Hop, str]] = []

    def refused(source: Hop, status: int, why: str) -> None:
        assert why.startswith(str(status))
        told.append((source, why))

    ua = Alone(agent=UserAgent(US, random.Random(1), on_refused=refused))
    require = (("require", "\x1b[2J, 100rel"),)
    for message in (
        b"garbage",
        spoilt("SIP/2.0\r\nVia", "SIP/\x1b3\r\nVia"),
        request(branch="z9hG4bK1", headers=require),
        request(branch="z9hG4bK2", uri="sip:1 2@x"),
        request("OPTIONS", branch="z9hG4bK3", headers=require),
        request("INVITE", branch="z9hG4bK4", to_tag="gone"),
    ):
        ua.give(message)
    monkeypatch.setattr(useragent, "MOST_UNPROVEN", 0)
    ua.give(request(branch="z9hG4bK5"))
    assert told == [
        (PEER, "505, version 'SIP/\\x1b3'"),
        (PEER, "420 Bad Extension, unsupported '\\x1b[2j, 100rel'"),
        (PEER, "400 Bad Request-URI"),
        (PEER, "503 Service Unavailable, retry-after '5'"),
    ]
