"""Calls of theirs: ringing, rejection, answer, CANCEL, and what is stored of them."""

from __future__ import annotations

import json

import pytest
from tests.sip.useragents import (
    ANSWER,
    OFFER,
    PEER,
    Alone,
    kind,
    kinds,
    reply,
    request,
    within,
)

from ringback.sip.calls import ResumedCall
from ringback.sip.events import (
    Cancelled,
    Closed,
    Established,
    Expired,
    HungUp,
    Rejected,
    q850_cause,
)
from ringback.sip.message import Request, Response

REPEATED = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


def test_the_invite_is_handed_on_as_it_came() -> None:
    ua = Alone()
    headers = (("p-asserted-identity", '"A" <sip:+4420@x>'), ("diversion", "<sip:1@x>"))
    call = ua.incoming(request(body=OFFER, headers=headers))
    assert call.source == PEER
    assert call.request.headers.get("p-asserted-identity") == '"A" <sip:+4420@x>'
    assert call.request.headers.get("diversion") == "<sip:1@x>"
    assert call.request.target.number == "100"
    assert (call.request.body, call.remote_sdp) == (OFFER, OFFER)
    assert ua.agent.next_call() is None


@pytest.mark.parametrize("status", [404, 480, 486, 488, 503, 603])
def test_ringing_rejection_and_the_ack_that_proves_the_source(status: int) -> None:
    ua = Alone()
    call = ua.incoming()
    call.ring(ua.now)
    (ringing,) = ua.out()
    assert (kind(ringing), str(ringing.contact)) == ("180 INVITE", "<sip:192.0.2.1>")
    assert kinds(ua.give(request(body=OFFER))) == ["180 INVITE"]  # repeated
    ua.now = 5.0
    call.reject(status, ua.now)
    (final,) = ua.out()
    assert kind(final) == f"{status} INVITE"
    assert final.to.tag == ringing.to.tag
    assert ua.events() == []
    ua.give(request("ACK", to_tag=final.to.tag))
    assert ua.only(Rejected).acknowledged
    ua.give(request("ACK", to_tag=final.to.tag))
    assert ua.events() == []
    call.reject(486, ua.now)
    assert ua.out() == []
    ua.run(100.0)
    assert ua.idle()


def test_without_an_ack_a_rejection_is_over_after_32_seconds() -> None:
    ua = Alone()
    call = ua.incoming()
    call.reject(486, ua.now)
    ua.out()
    assert ua.times(31.9) == [(at, "486 INVITE") for at in REPEATED]
    assert ua.events() == []
    ua.run(32.0)
    assert not ua.only(Rejected).acknowledged
    assert ua.idle()


@pytest.mark.parametrize("tag", [None, "", "theirs", "0123456789abcdef"])
def test_an_ack_without_the_tag_of_the_rejection_proves_nothing(tag: str | None) -> None:
    """Whoever forged the source knows the branch, which is his own, but got no response."""
    ua = Alone()
    call = ua.incoming()
    call.reject(486, ua.now)
    ua.out()
    ua.give(request("ACK", to_tag=tag))
    assert ua.times(31.9) == [(at, "486 INVITE") for at in REPEATED]
    ua.run(32.0)
    assert not ua.only(Rejected).acknowledged
    assert ua.idle()


def test_after_a_restart_an_ack_without_the_tag_proves_nothing_either() -> None:
    call = Alone().incoming()
    ua = Alone(seed=99)
    ResumedCall(ua.agent).resume(call.saved_rejection(486), ua.now)
    ua.out()
    ua.give(request("ACK", to_tag="guessed"))
    ua.run(32.0)
    assert not ua.only(Rejected).acknowledged


def test_an_invite_that_nobody_decides_on_gets_100() -> None:
    ua = Alone()
    ua.incoming()
    assert ua.times(10.0) == [(0.2, "100 INVITE")]


# CANCEL


def test_cancel_gets_200_and_the_invite_487_at_once() -> None:
    ua = Alone()
    call = ua.incoming()
    call.ring(ua.now)
    ua.out()
    cancel = request("CANCEL", contact=None, headers=(("reason", "SIP;cause=200, Q.850;cause=26"),))
    out = ua.give(cancel)
    assert kinds(out) == ["200 CANCEL", "487 INVITE"]
    assert q850_cause(ua.only(Cancelled).request) == 26
    call.reject(486, ua.now)
    assert ua.out() == []
    assert kinds(ua.give(cancel)) == ["200 CANCEL"]  # repeated
    ua.give(request("ACK", to_tag=out[1].to.tag))
    assert ua.only(Rejected).acknowledged
    ua.run(100.0)
    assert ua.idle()


def test_a_cancel_after_the_final_response_changes_nothing() -> None:
    ua = Alone()
    call = ua.incoming()
    call.reject(486, ua.now)
    ua.out()
    assert kinds(ua.give(request("CANCEL"))) == ["200 CANCEL"]
    assert ua.events() == []


def test_a_cancel_of_nothing_gets_481() -> None:
    assert kinds(Alone().give(request("CANCEL"))) == ["481 CANCEL"]


def test_a_bye_before_the_answer_ends_the_invite() -> None:
    ua = Alone()
    call = ua.incoming()
    call.ring(ua.now)
    (ringing,) = ua.out()
    assert isinstance(ringing, Response)
    assert kinds(ua.give(within("BYE", ringing, cseq=2))) == ["200 BYE", "487 INVITE"]
    ua.only(Cancelled)


# Answer


def test_a_2xx_is_repeated_until_its_ack() -> None:
    ua = Alone()
    call = ua.incoming()
    call.accept(ANSWER, ua.now)
    (response,) = ua.out()
    assert isinstance(response, Response)
    assert (response.body, response.content_type) == (ANSWER, "application/sdp")
    assert {"INFO", "OPTIONS"} <= {value.upper() for value in response.headers.tokens("allow")}
    assert ua.times(4.0) == [(at, "200 INVITE") for at in (0.5, 1.5, 3.5)]
    assert ua.give(request(body=OFFER)) == []  # a repeated INVITE is absorbed meanwhile
    ua.give(within("ACK", response, branch="z9hG4bKack"))
    assert ua.only(Established).body == b""
    assert ua.times(100.0) == []
    ua.give(within("ACK", response, branch="z9hG4bKack2"))
    assert ua.events() == []


def test_an_offerless_invite_is_answered_in_its_ack() -> None:
    ua = Alone()
    call = ua.incoming(request())
    call.accept(OFFER, ua.now)
    (response,) = ua.out()
    assert isinstance(response, Response)
    ua.give(within("ACK", response, branch="z9hG4bKack", body=ANSWER))
    assert ua.only(Established).body == ANSWER


@pytest.mark.parametrize("branch", ["z9hG4bKinvite", "1"])
def test_an_ack_with_the_branch_of_the_invite_counts_too(branch: str) -> None:
    ua = Alone()
    call = ua.incoming(request(branch=branch, uri="sip:192.0.2.1"))
    call.accept(OFFER, ua.now)
    (response,) = ua.out()
    assert isinstance(response, Response)
    ua.give(within("ACK", response, branch=branch))
    ua.only(Established)
    assert ua.times(30.0) == []


def test_a_2xx_that_is_never_acknowledged_ends_the_call() -> None:
    ua = Alone()
    call = ua.incoming()
    call.accept(ANSWER, ua.now)
    ua.out()
    assert ua.times(31.9) == [(at, "200 INVITE") for at in REPEATED]
    assert ua.times(32.0) == [(32.0, "BYE")]
    ua.only(Expired)


def test_our_bye_waits_for_the_ack() -> None:
    ua = Alone()
    call = ua.incoming()
    call.accept(ANSWER, ua.now)
    (response,) = ua.out()
    assert isinstance(response, Response)
    call.bye(ua.now)
    assert ua.out() == []
    ua.now = 0.1
    (bye,) = ua.give(within("ACK", response, branch="z9hG4bKack"))
    assert isinstance(bye, Request)
    assert (kind(bye), str(bye.cseq), bye.uri) == ("BYE", "1 BYE", "sip:peer@192.0.2.2:5070")
    assert (bye.from_.tag, bye.to.tag) == (response.to.tag, "theirs")


def test_our_bye_leaves_when_the_ack_never_comes() -> None:
    ua = Alone()
    call = ua.incoming()
    call.accept(ANSWER, ua.now)
    call.bye(ua.now)
    ua.out()
    assert ua.times(32.0)[-1] == (32.0, "BYE")
    assert ua.events() == []


def test_neither_bye_nor_a_second_decision_before_or_after_the_first() -> None:
    ua = Alone()
    call = ua.incoming()
    call.bye(ua.now)
    assert ua.out() == []
    call.accept(ANSWER, ua.now)
    assert len(ua.out()) == 1
    call.accept(ANSWER, ua.now)
    call.reject(486, ua.now)
    call.ring(ua.now)
    call.progress(ANSWER, ua.now)
    assert ua.out() == []


def test_early_media_carries_our_description() -> None:
    ua = Alone()
    call = ua.incoming()
    call.progress(ANSWER, ua.now)
    (response,) = ua.out()
    assert (kind(response), response.body) == ("183 INVITE", ANSWER)


def test_their_bye_ends_an_answered_call_and_our_bye_is_answered() -> None:
    ua = Alone()
    call, response = ua.taken()
    assert kinds(ua.give(within("BYE", response, cseq=2))) == ["200 BYE"]
    ua.only(HungUp)
    call.bye(ua.now)
    assert ua.out() == []
    ua.run(100.0)
    assert ua.idle()

    ua = Alone()
    call, _ = ua.taken()
    call.bye(ua.now)
    (bye,) = ua.out()
    assert isinstance(bye, Request)
    ua.give(reply(bye, 200))
    ua.only(Closed)


def test_a_bye_before_the_ack_stops_the_repetition() -> None:
    ua = Alone()
    call = ua.incoming()
    call.accept(ANSWER, ua.now)
    (response,) = ua.out()
    assert isinstance(response, Response)
    ua.give(within("BYE", response, cseq=2))
    ua.only(HungUp)
    assert ua.times(100.0) == []
    assert ua.idle()


def test_a_reinvite_before_the_answer_gets_500_and_nothing_of_it_stays() -> None:
    """Section 14.2. Nobody would ever answer it: a trigger call is only rejected."""
    ua = Alone()
    call = ua.incoming()
    call.ring(ua.now)
    (ringing,) = ua.out()
    assert isinstance(ringing, Response)
    (response,) = ua.give(within("INVITE", ringing, cseq=2, body=OFFER))
    assert (kind(response), response.headers.get("retry-after")) == ("500 INVITE", "1")
    assert ua.events() == []
    call.reject(486, ua.now)
    ua.out()
    later = within("INVITE", ringing, cseq=3, branch="z9hG4bKlater", body=OFFER)
    assert kinds(ua.give(later)) == ["481 INVITE"]
    ua.run(100.0)
    assert ua.idle()


# After a restart


def test_after_a_restart_a_rejection_is_sent_again_until_its_ack() -> None:
    before = Alone()
    via = "SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bKnat;rport"
    call = before.incoming(request(via=via))
    call.ring(before.now)
    before.out()
    saved = json.loads(json.dumps(call.saved_rejection(486)))
    assert before.out() == []
    call.reject(486, before.now)
    (first,) = before.out()

    ua = Alone(seed=99)
    ResumedCall(ua.agent).resume(saved, ua.now)
    (again,) = ua.out()
    assert ua.peers == [PEER]
    assert again.encode() == first.encode()
    assert ua.times(2.0) == [(0.5, "486 INVITE"), (1.5, "486 INVITE")]
    assert kinds(ua.give(request(via=via))) == ["486 INVITE"]
    ua.give(request("ACK", via=via, to_tag=again.to.tag))
    assert ua.only(Rejected).acknowledged
    ua.run(100.0)
    assert ua.idle()


def test_after_a_restart_a_rejection_that_nobody_acknowledges_is_over_after_32_seconds() -> None:
    call = Alone().incoming()
    ua = Alone(seed=99)
    ResumedCall(ua.agent).resume(call.saved_rejection(603), ua.now)
    ua.run(31.9)
    assert ua.events() == []
    ua.run(32.0)
    assert not ua.only(Rejected).acknowledged
