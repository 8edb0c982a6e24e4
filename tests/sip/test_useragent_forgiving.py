"""What is not needed is not judged, and what money or safety hang on is: a call with each oddity
from the field in each of its messages."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.sip.oddities import ODDITIES, made_odd
from tests.sip.useragents import (
    ANSWER,
    OFFER,
    PEER,
    Alone,
    from_callee,
    kinds,
    reply,
    request,
    within,
)

from ringback.sip.bodies import description
from ringback.sip.calls import ResumedCall
from ringback.sip.events import Answer, Cancelled, HungUp, Offered, Rejected, Succeeded
from ringback.sip.message import Request, SipMessage

MESSAGES = (
    request(body=OFFER),
    request("BYE", to_tag="x"),
    reply(request(body=OFFER), 200, body=ANSWER),
)


@pytest.mark.parametrize("oddity", ODDITIES)
def test_an_oddity_is_one(oddity: str) -> None:
    assert any(made_odd(message.encode(), oddity) != message.encode() for message in MESSAGES)


@pytest.mark.parametrize("oddity", ODDITIES)
def test_an_odd_answer_is_acknowledged_and_an_odd_bye_ends_the_call(oddity: str) -> None:
    def odd(message: SipMessage) -> bytes:
        return made_odd(message.encode(), oddity)

    ua = Alone()
    _, invite = ua.dial()
    answer = odd(reply(invite, 200, body=ANSWER))
    assert kinds(ua.give(answer)) == ["ACK"]
    assert ua.peers == [PEER]
    assert kinds(ua.give(answer)) == ["ACK"]
    assert description(ua.only(Succeeded).response) == ANSWER
    assert ua.give(odd(from_callee("INVITE", invite, cseq=2, body=OFFER))) == []
    assert ua.only(Offered).body == OFFER
    bye = odd(from_callee("BYE", invite, cseq=3, branch="z9hG4bKbye"))
    assert "200 BYE" in kinds(ua.give(bye))
    ua.only(HungUp)
    assert kinds(ua.give(bye)) == ["200 BYE"]


@pytest.mark.parametrize("oddity", ODDITIES)
@pytest.mark.parametrize("given_up", [False, True])
def test_an_odd_trigger_call_rings_and_its_odd_ack_proves_it(
    oddity: str, *, given_up: bool
) -> None:
    def odd(message: SipMessage) -> bytes:
        return made_odd(message.encode(), oddity)

    ua = Alone()
    assert ua.give(odd(request(body=OFFER))) == []
    call = ua.agent.next_call()
    assert call is not None
    assert call.request.target.number == "100"
    call.ring(ua.now)
    assert kinds(ua.out()) == ["180 INVITE"]
    if given_up:
        cancelled, final = ua.give(odd(request("CANCEL")))
        assert cancelled.headers.get("cseq") == "1 CANCEL"
        ua.only(Cancelled)
    else:
        call.reject(486, ua.now)
        (final,) = ua.out()
    ack = request("ACK")
    ack.headers.set("to", final.headers.get("to"))
    ua.give(odd(ack))
    assert ua.only(Rejected).acknowledged
    ua.run(100.0)
    assert ua.idle()


@pytest.mark.parametrize(
    "message",
    [
        request(contact=None),
        request(contact="<<sip:x"),
        request(contact="<mailto:a@b>"),
        request(headers=(("record-route", "<sip:"),)),
        request(headers=(("privacy", 'id;"'),)),
        request(headers=(("history-info", '"A <sip:1@x>'),)),
        request(headers=(("accept", "text/plain"),)),
        request(headers=(("session-expires", "89"),)),
        request(body=b"x" * 40_000),
        request(headers=(("content-type", "text/plain"),), body=b"hello"),
        request(headers=(("content-encoding", "gzip"),), body=OFFER),
        request(uri="<sip:100@192.0.2.1>"),
    ],
)
def test_a_trigger_call_is_not_refused_for_what_it_does_not_need(message: Request) -> None:
    ua = Alone()
    call = ua.incoming(message)
    assert call.request.target.number == "100"
    assert len(call.request.body) <= 32 * 1024, "what is not needed is not kept"
    call.reject(486, ua.now)
    (final,) = ua.out()
    ua.give(request("ACK", to_tag=final.to.tag))
    assert ua.only(Rejected).acknowledged
    ua.run(100.0)
    assert ua.idle()


# Answers to our INVITE

ANSWERS: dict[str, tuple[tuple[str, str | None], ...]] = {
    "no To": (("To", None),),
    "a To of nothing": (("To", ""),),
    "a To whose tag cannot be read": (("To", "<sip:x>;tag=a b"),),
    "a To that may have two tags": (("To", '"x;tag=1 <sip:x>;tag=2'),),
    "no Contact": (("Contact", None),),
    "a Contact that is none": (("Contact", "<<sip:"),),
    "a Contact for web pages": (("Contact", "<http://192.0.2.2/>"),),
    "a Record-Route that is none": (("Record-Route", "<<sip:"),),
    "a Content-Length beyond the datagram": (("Content-Length", "9999"),),
    "a Content-Length that is none": (("Content-Length", "all of it"),),
    "a Reason, a Require and other headers of requests": (
        ("Require", "100rel"),
        ("Reason", 'Q.850;"'),
        ("Max-Forwards", "0"),
    ),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_a_2xx_is_acknowledged_told_and_can_be_ended(what: str) -> None:
    ua = Alone()
    call, invite = ua.dial()
    lines = reply(invite, 200).encode().decode().split("\r\n")
    for name, value in ANSWERS[what]:
        lines = [line for line in lines if not line.startswith(f"{name}:")]
        lines[1:1] = [] if value is None else [f"{name}: {value}"]
    ua.agent.receive("\r\n".join(lines).encode(), PEER, ua.now)
    ((ack, hop),) = ua.agent.datagrams()
    assert hop == PEER
    assert ack.startswith(b"ACK ")
    to = dict(ANSWERS[what]).get("To", "<sip:200@192.0.2.2:5070>;tag=theirs")
    expected = (to or str(invite.to), str(invite.from_), invite.call_id)
    assert all(value.encode() in ack for value in expected)
    ua.only(Succeeded)
    call.bye(ua.now)
    ((bye, hop),) = ua.agent.datagrams()
    assert hop == PEER
    assert bye.startswith(b"BYE ")
    assert all(value.encode() in bye for value in expected)


_PARAMETER = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=12)


@given(more=_PARAMETER)
@example(more="x=\\")
@example(more='x="')
@example(more='x="\\"y\\\\";z=,<')
@settings(deadline=None)
def test_what_a_far_end_writes_is_stored_and_ends_the_call_after_a_crash(more: str) -> None:
    """Whatever its To, Contact and Record-Route hold: a crash in between loses nothing."""
    ua = Alone()
    call, invite = ua.dial()
    answer = reply(invite, 200)
    answer.headers.set("to", f"<sip:200@192.0.2.2>;tag=theirs;{more}")
    answer.headers.set("contact", f"<sip:peer@192.0.2.2:5070;{more}>")
    answer.headers.set("record-route", f"<sip:192.0.2.2:5070;lr;{more}>")
    ua.give(answer)
    ua.only(Succeeded)
    stored = json.loads(json.dumps(call.saved()))
    call.bye(ua.now)
    before = ua.sent()
    restarted = Alone(seed=2)
    ResumedCall(restarted.agent).resume(stored, restarted.now)
    bye = restarted.sent()
    assert restarted.peers == [PEER]
    for name in ("from", "to", "call-id", "route"):
        assert bye.headers.all(name) == before.headers.all(name)
    assert bye.uri == before.uri


@given(more=_PARAMETER)
@example(more="x=\\")
@settings(deadline=None)
def test_a_trigger_is_answered_and_proven_whatever_it_writes(more: str) -> None:
    """In To, From and Via, before and after a crash."""
    ua = Alone()
    trigger = request(via=f"SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1;rport;{more}", body=OFFER)
    for name in ("from", "to"):
        trigger.headers.set(name, f"{trigger.headers.get(name)};{more}")
    ua.give(trigger)
    call = ua.agent.next_call()
    if call is None:
        assert '"' in more or "tag" in more.lower(), "only a Via or a tag may be in doubt"
        return
    stored = json.loads(json.dumps(call.saved_rejection(486)))
    call.reject(486, ua.now)
    (final,) = ua.out()
    restarted = Alone(seed=2)
    ResumedCall(restarted.agent).resume(stored, restarted.now)
    (again,) = restarted.out()
    assert restarted.peers == [PEER]
    assert again.encode() == final.encode()
    for each in (ua, restarted):
        ack = request("ACK", via=trigger.headers.get("via"))
        ack.headers.set("to", final.headers.get("to"))
        ack.headers.set("from", final.headers.get("from"))
        each.give(ack)
        assert each.only(Rejected).acknowledged


# BYE

WRONG_BYES = {
    "another Call-ID": ("call-id", "another"),
    "no tag of ours": ("to", "<sip:us@192.0.2.1>"),
    "another tag of ours": ("to", "<sip:us@192.0.2.1>;tag=another"),
    "another tag of theirs": ("from", "<sip:200@192.0.2.2:5070>;tag=another"),
    "a tag in doubt": ("from", "<sip:200@192.0.2.2:5070>;tag=theirs x"),
    "the method of another": ("cseq", "2 INVITE"),
    "a CSeq that is none": ("cseq", "BYE"),
    "no Via": ("via", "192.0.2.2"),
}


@pytest.mark.parametrize("what", WRONG_BYES)
def test_a_bye_that_may_be_another_call_s_ends_none(what: str) -> None:
    ua = Alone()
    call, invite = ua.answered()
    bye = from_callee("BYE", invite, cseq=2)
    bye.headers.set(*WRONG_BYES[what])
    ua.agent.receive(bye.encode(), PEER, ua.now)
    assert not [data for data, _ in ua.agent.datagrams() if data.startswith(b"SIP/2.0 200")]
    assert not call.ended
    assert ua.events() == []


def test_a_bye_that_is_out_of_order_ends_the_call() -> None:
    """Whoever sends one has ended it, and what goes on costs money."""
    ua = Alone()
    _, invite = ua.answered()
    options = from_callee("OPTIONS", invite, cseq=9, branch="z9hG4bK9")
    assert kinds(ua.give(options)) == ["200 OPTIONS"]
    info = from_callee("INFO", invite, cseq=8, branch="z9hG4bK8", body=b"1")
    assert kinds(ua.give(info)) == ["500 INFO"]
    assert kinds(ua.give(from_callee("BYE", invite, cseq=2))) == ["200 BYE"]
    ua.only(HungUp)


# Later offers


@pytest.mark.parametrize(
    ("body", "kind", "answered"),
    [
        (b"\x01\x11", "application/isup", "415 INVITE"),
        (b"\x01\x11", "application/isup;handling=optional", "415 INVITE"),
        (b"", "application/isup", "offered"),
        (OFFER, "text/plain", "offered"),
    ],
)
def test_a_later_offer_is_refused_for_a_body_that_must_be_understood(
    body: bytes, kind: str, answered: str
) -> None:
    ua = Alone()
    _, invite = ua.answered()
    headers = (("content-type", kind),)
    out = ua.give(from_callee("INVITE", invite, cseq=2, headers=headers, body=body))
    assert (kinds(out) or ["offered"]) == [answered]


def test_a_body_that_need_not_be_understood_is_as_good_as_none() -> None:
    ua = Alone()
    call, invite = ua.answered()
    headers = (
        ("content-type", "application/isup"),
        ("content-disposition", "signal ; HANDLING = Optional"),
    )
    offerless = from_callee("INVITE", invite, cseq=2, headers=headers, body=b"\x01")
    assert ua.give(offerless) == []
    assert ua.only(Offered).body == b""
    call.accept_offer(OFFER, ua.now)
    (ok,) = ua.out()
    assert ok.body == OFFER
    ack = made_odd(
        from_callee("ACK", invite, cseq=2, branch="z9hG4bKack", body=ANSWER).encode(), "a multipart"
    )
    ua.give(ack)
    assert ua.only(Answer).body == ANSWER


def test_requests_within_a_call_do_not_need_their_address() -> None:
    ua = Alone()
    _, response = ua.taken()
    info = within("INFO", response, cseq=2, body=b"1")
    odd = Request("INFO", "about: nothing", info.headers, info.body)
    odd.headers.set("content-type", "application/dtmf")
    assert kinds(ua.give(odd)) == ["200 INFO"]
