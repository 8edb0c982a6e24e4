"""Calls of ours from before a restart."""

from __future__ import annotations

import json

from tests.sip.useragents import ANSWER, Alone, kinds, reply

from ringback.sip.calls import Credentials, ResumedCall
from ringback.sip.events import (
    Closed,
    Failed,
)
from ringback.sip.hop import Hop
from ringback.sip.invitation import MOST_TRIES
from ringback.sip.message import Request

ME = Credentials("us", "secret")
CHALLENGE = 'Digest realm="r", nonce="n1", algorithm=MD5, qop="auth"'


def resumed(saved: dict[str, object]) -> tuple[Alone, ResumedCall, list[Request]]:
    ua = Alone(seed=99)
    call = ResumedCall(ua.agent)
    call.resume(json.loads(json.dumps(saved)), ua.now)
    return ua, call, [message for message in ua.out() if isinstance(message, Request)]


def test_after_a_restart_an_answered_call_gets_bye_with_a_higher_cseq() -> None:
    before = Alone()
    headers = (("record-route", "<sip:192.0.2.10;lr>"),)
    call, invite = before.answered(headers=headers)
    ua, _, (bye,) = resumed(call.saved())
    assert (bye.method, str(bye.cseq)) == ("BYE", "102 BYE")
    assert (bye.call_id, bye.from_.tag, bye.to.tag) == (invite.call_id, invite.from_.tag, "theirs")
    assert bye.headers.all("route") == ["<sip:192.0.2.10;lr>"]
    assert ua.peers == [Hop("udp", "192.0.2.10", 5060)]
    ua.give(reply(bye, 481))
    ua.only(Closed)
    ua.run(100.0)
    assert ua.idle()


def test_after_a_restart_an_unanswered_invite_is_cancelled() -> None:
    before = Alone()
    call, invite = before.dial()
    ua, _, cancels = resumed(call.saved())
    (first,) = cancels  # one: without credentials there was no second INVITE
    assert first.method == "CANCEL"
    assert (first.via.branch, first.call_id, first.uri) == (
        invite.via.branch,
        invite.call_id,
        invite.uri,
    )
    assert str(first.cseq) == "1 CANCEL"
    ua.give(reply(first, 200))
    assert kinds(ua.give(reply(invite, 487))) == ["ACK"]
    ua.only(Failed)
    ua.run(100.0)
    assert ua.events() == []
    assert ua.idle()


def test_after_a_restart_a_late_200_gets_ack_and_bye() -> None:
    before = Alone()
    call, invite = before.dial()
    ua, _, cancels = resumed(call.saved())
    ua.give(reply(cancels[0], 200))
    out = ua.give(reply(invite, 200, body=ANSWER))
    assert kinds(out) == ["ACK", "BYE"]
    assert kinds(ua.give(reply(invite, 200, body=ANSWER))) == ["ACK"]
    assert kinds(ua.give(reply(invite, 200, tag="fork"))) == ["ACK", "BYE"]
    ua.give(reply(out[1], 200))
    ua.only(Closed)


def test_after_a_restart_a_try_that_came_of_a_challenge_is_cancelled_too() -> None:
    before = Alone()
    call, invite = before.dial(credentials=ME)
    saved = call.saved()  # as it was stored, before anything was sent
    stale = CHALLENGE.replace("n1", "n2") + ", stale=true"
    _, second = before.give(reply(invite, 401, headers=(("www-authenticate", CHALLENGE),)))
    assert isinstance(second, Request)
    _, third = before.give(reply(second, 401, headers=(("www-authenticate", stale),)))
    assert isinstance(third, Request)
    ua, _, cancels = resumed(saved)
    assert len(cancels) == MOST_TRIES
    match = [cancel for cancel in cancels if cancel.via.branch == third.via.branch]
    assert [str(cancel.cseq) for cancel in match] == ["3 CANCEL"]
    ua.give(reply(second, 401))  # a late repetition of what ended an earlier try
    assert ua.events() == []
    assert kinds(ua.give(reply(third, 487))) == ["ACK"]
    ua.only(Failed)


def test_after_a_restart_an_invite_that_nobody_knows_is_over_after_32_seconds() -> None:
    ua, _, _ = resumed(Alone().call().saved())
    ua.run(31.9)
    assert ua.events() == []
    ua.run(32.0)
    ua.only(Failed)
    ua.run(100.0)
    assert ua.idle()
