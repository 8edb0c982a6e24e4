"""Calls of ours: INVITE, ACK, CANCEL, forks, and what is stored of them."""

from __future__ import annotations

import json

import pytest
from tests.sip.useragents import ANSWER, OFFER, PEER, Alone, from_callee, kind, kinds, reply

from ringback.sip.events import (
    Closed,
    Failed,
    HungUp,
    Provisional,
    Succeeded,
    q850_cause,
)
from ringback.sip.hop import Hop
from ringback.sip.invitation import MOST_FORKS
from ringback.sip.message import Request
from ringback.sip.resumed import ResumedCall


def test_everything_is_known_before_the_invite_leaves() -> None:
    ua = Alone()
    call = ua.call(headers=(("p-asserted-identity", "<sip:100@x>"), ("privacy", "id")))
    saved = json.loads(json.dumps(call.saved()))
    assert ua.out() == []
    assert ua.agent.next_timer() is None
    call.send(ua.now)
    (invite,) = ua.out()
    assert isinstance(invite, Request)
    stored = saved["invite"]
    for value in (invite.call_id, invite.from_.tag, invite.via.branch, "CSeq: 1 INVITE"):
        assert str(value) in stored
    assert saved["peer"] == ["udp", PEER.host, PEER.port]
    assert (invite.uri, invite.body) == ("sip:200@192.0.2.2:5070", OFFER)
    assert invite.headers.get("privacy") == "id"
    assert invite.headers.get("p-asserted-identity") == "<sip:100@x>"
    assert "rport" in invite.via.params
    assert (invite.via.host, invite.via.port) == ("192.0.2.1", 5060)
    assert str(invite.contact) == "<sip:192.0.2.1>"


def test_ringing_answer_and_goodbye() -> None:
    ua = Alone()
    call, invite = ua.dial()
    ua.give(reply(invite, 183, body=ANSWER))
    assert ua.only(Provisional).response.body == ANSWER
    ua.now = 1.0
    (ack,) = ua.give(reply(invite, 200, body=ANSWER))
    assert isinstance(ack, Request)
    assert (ack.method, ack.uri, str(ack.cseq)) == ("ACK", "sip:peer@192.0.2.2:5070", "1 ACK")
    assert ack.via.branch != invite.via.branch
    assert not ua.only(Succeeded).crossed
    call.bye(2.0, "Q.850;cause=16")
    (bye,) = ua.out()
    assert isinstance(bye, Request)
    assert (kind(bye), str(bye.cseq), q850_cause(bye)) == ("BYE", "2 BYE", 16)
    call.bye(2.0)
    assert ua.out() == []  # once
    ua.give(reply(bye, 200))
    ua.only(Closed)
    ua.run(100.0)
    assert ua.idle()


def test_each_repeated_2xx_gets_the_same_ack() -> None:
    ua = Alone()
    _, invite = ua.dial()
    first = ua.give(reply(invite, 200, body=ANSWER))
    ua.now = 0.5
    again = ua.give(reply(invite, 200, body=ANSWER))
    assert kinds([*first, *again]) == ["ACK", "ACK"]
    assert again[0].encode() == first[0].encode()
    ua.only(Succeeded)


def test_without_any_answer_the_call_fails_after_32_seconds() -> None:
    ua = Alone()
    ua.dial()
    assert ua.times(31.9)[-1] == (31.5, "INVITE")
    assert ua.events() == []
    ua.run(32.0)
    assert ua.only(Failed).response is None
    assert ua.idle()


@pytest.mark.parametrize("status", [302, 404, 408, 480, 486, 488, 503, 603])
def test_a_rejection_is_acknowledged_and_told_with_its_reason(status: int) -> None:
    ua = Alone()
    _, invite = ua.dial()
    reason = (("reason", 'SIP;cause=1, Q.850 ;x="a;b"; cause=17;text="User, busy"'),)
    out = ua.give(reply(invite, status, headers=reason))
    assert kinds(out) == ["ACK"]
    failed = ua.only(Failed)
    assert failed.response is not None
    assert failed.response.status == status
    assert q850_cause(failed.response) == 17
    ua.run(100.0)
    assert ua.idle()


@pytest.mark.parametrize(
    "text",
    ['Q.850;cause="', "Q.850", "Q.850;cause=x", "SIP;cause=200", '"', '"a;b"', 'x"y;z";cause=17'],
)
def test_a_reason_that_says_nothing_is_none(text: str) -> None:
    _, invite = Alone().dial()
    assert q850_cause(reply(invite, 486, headers=(("reason", text),))) is None


# CANCEL


def test_cancel_waits_for_a_provisional_answer() -> None:
    ua = Alone()
    call, invite = ua.dial()
    call.cancel(ua.now)
    assert ua.out() == []
    ua.now = 0.3
    (cancel,) = ua.give(reply(invite, 100))
    assert isinstance(cancel, Request)
    assert (cancel.method, cancel.uri) == ("CANCEL", invite.uri)
    assert str(cancel.via) == str(invite.via)
    assert str(cancel.cseq) == "1 CANCEL"
    assert cancel.to.tag is None
    assert str(cancel.from_) == str(invite.from_)
    ua.give(reply(cancel, 200))
    assert kinds(ua.give(reply(invite, 487))) == ["ACK"]
    assert [type(event) for event in ua.events()] == [Provisional, Failed]
    ua.run(100.0)
    assert ua.idle()


def test_cancel_after_ringing_leaves_at_once_and_once() -> None:
    ua = Alone()
    call, invite = ua.dial()
    ua.give(reply(invite, 180))
    call.cancel(ua.now)
    call.cancel(ua.now)
    assert kinds(ua.out()) == ["CANCEL"]


def test_a_200_that_crosses_the_cancel_is_told_acknowledged_and_ended() -> None:
    ua = Alone()
    call, invite = ua.dial()
    ua.give(reply(invite, 180))
    call.cancel(ua.now)
    ua.out()
    ua.events()
    out = ua.give(reply(invite, 200, body=ANSWER))
    assert kinds(out) == ["ACK", "BYE"]
    assert ua.only(Succeeded).crossed
    ua.give(reply(out[1], 200))
    ua.only(Closed)
    ua.run(100.0)
    assert ua.idle()


def test_a_200_to_a_call_given_up_before_any_answer_is_ended_too() -> None:
    ua = Alone()
    call, invite = ua.dial()
    call.cancel(ua.now)
    assert kinds(ua.give(reply(invite, 200, body=ANSWER))) == ["ACK", "BYE"]
    assert ua.only(Succeeded).crossed


def test_a_cancel_that_nobody_answers_ends_after_32_seconds() -> None:
    ua = Alone()
    call, invite = ua.dial()
    ua.give(reply(invite, 180))
    ua.events()
    ua.now = 5.0
    call.cancel(ua.now)
    ua.run(36.9)
    assert ua.events() == []
    ua.run(37.0)
    assert ua.only(Failed).response is None
    assert ua.idle()


def test_a_call_cancelled_before_it_was_sent_sends_nothing() -> None:
    ua = Alone()
    call = ua.call()
    call.cancel(ua.now)
    call.send(ua.now)
    assert ua.out() == []
    assert ua.events() == []
    assert ua.idle()


# Offerless


def test_an_offerless_invite_brings_the_answer_in_the_ack() -> None:
    ua = Alone()
    call, invite = ua.dial(sdp=b"")
    assert invite.body == b""
    assert ua.give(reply(invite, 200, body=OFFER)) == []
    assert ua.only(Succeeded).response.body == OFFER
    assert ua.give(reply(invite, 200, body=OFFER)) == []  # again, still undecided
    call.acknowledge(ANSWER, ua.now)
    (ack,) = ua.out()
    assert (kind(ack), ack.body, ack.content_type) == ("ACK", ANSWER, "application/sdp")
    (again,) = ua.give(reply(invite, 200, body=OFFER))
    assert again.encode() == ack.encode()
    call.acknowledge(ANSWER, ua.now)
    assert ua.out() == []


def test_an_offerless_call_that_is_ended_at_once_is_acknowledged_first() -> None:
    ua = Alone()
    call, invite = ua.dial(sdp=b"")
    ua.give(reply(invite, 200, body=OFFER))
    call.bye(ua.now)
    assert kinds(ua.out()) == ["ACK", "BYE"]


# Acknowledged once it is stored


def test_an_answer_waits_for_its_ack_and_is_repeated_until_then() -> None:
    ua = Alone()
    call = ua.call(acknowledges_later=True)
    call.send(ua.now)
    (invite,) = ua.out()
    assert isinstance(invite, Request)
    answer = reply(invite, 200, body=ANSWER)
    assert ua.give(answer) == []
    assert not ua.only(Succeeded).crossed
    assert ua.give(answer) == []
    call.acknowledge(b"", ua.now)
    (ack,) = ua.out()
    assert (kind(ack), ack.body) == ("ACK", b"")
    assert kinds(ua.give(answer)) == ["ACK"]
    call.bye(ua.now)
    assert kinds(ua.out()) == ["BYE"]


def test_what_was_not_stored_before_a_crash_is_met_again_after_it() -> None:
    before = Alone()
    call = before.call(acknowledges_later=True)
    saved = json.loads(json.dumps(call.saved()))
    call.send(before.now)
    (invite,) = before.out()
    assert isinstance(invite, Request)
    answer = reply(invite, 200, body=ANSWER)
    assert before.give(answer) == []

    after = Alone()
    ResumedCall(after.agent).resume(saved, after.now)
    assert kinds(after.out()) == ["CANCEL"]
    assert kinds(after.give(answer)) == ["ACK", "BYE"]


# Forks


def test_the_first_200_of_a_fork_wins_and_others_get_ack_and_bye() -> None:
    ua = Alone()
    call, invite = ua.dial()
    for tag in ("one", "two"):
        ua.give(reply(invite, 180, tag=tag))
    told = [event for event in ua.events() if isinstance(event, Provisional)]
    assert [event.response.to.tag for event in told] == ["one", "two"]
    (ack,) = ua.give(reply(invite, 200, tag="two", contact="<sip:two@192.0.2.2:5072>"))
    assert ack.to.tag == "two"
    ua.only(Succeeded)
    ua.now = 0.1
    other = reply(invite, 200, tag="one", contact="<sip:one@192.0.2.2:5071>")
    out = ua.give(other)
    assert kinds(out) == ["ACK", "BYE"]
    assert {message.to.tag for message in out} == {"one"}
    assert ua.peers == [Hop("udp", "192.0.2.2", 5071)] * 2
    ua.now = 0.2
    assert kinds(ua.give(other)) == ["ACK"]  # the repeated 2xx: acknowledged, ended once
    ua.give(reply(out[1], 200))
    assert call.dialog is not None
    assert call.dialog.remote.tag == "two"
    assert not call.ended


def test_the_forks_of_one_call_are_limited() -> None:
    ua = Alone()
    _, invite = ua.dial()
    answered = [bool(ua.give(reply(invite, 200, tag=f"t{number}"))) for number in range(100)]
    assert answered.count(True) == MOST_FORKS


def test_early_dialogs_have_no_requests_of_theirs() -> None:
    ua = Alone()
    _, invite = ua.dial()
    ua.give(reply(invite, 180))
    assert kinds(ua.give(from_callee("INFO", invite))) == ["481 INFO"]


# What the far end does


def test_their_bye_ends_the_call() -> None:
    ua = Alone()
    call, invite = ua.answered()
    bye = from_callee("BYE", invite, headers=(("reason", "Q.850;cause=31"),))
    assert kinds(ua.give(bye)) == ["200 BYE"]
    assert q850_cause(ua.only(HungUp).request) == 31
    assert call.ended
    assert kinds(ua.give(bye)) == ["200 BYE"]  # repeated: the transaction's
    assert ua.events() == []
    ua.run(100.0)
    assert ua.idle()


def test_byes_that_cross_are_both_answered() -> None:
    ua = Alone()
    call, invite = ua.answered()
    call.bye(ua.now)
    ua.out()
    assert kinds(ua.give(from_callee("BYE", invite))) == ["200 BYE"]
    assert kinds(ua.give(from_callee("INFO", invite, cseq=2, branch="z9hG4bKi"))) == ["481 INFO"]
    assert ua.events() == []


def test_a_bye_that_nobody_answers_is_over_after_32_seconds() -> None:
    ua = Alone()
    call, _ = ua.answered()
    call.bye(ua.now)
    ua.run(31.9)
    assert ua.events() == []
    ua.run(32.0)
    ua.only(Closed)
    ua.run(100.0)
    assert ua.idle()
