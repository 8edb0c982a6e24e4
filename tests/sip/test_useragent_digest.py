"""Challenges to calls of ours, and session intervals that are too small."""

from __future__ import annotations

import pytest
from tests.sip.useragents import ANSWER, OFFER, Alone, kinds, reply

from ringback.sip.calls import Credentials
from ringback.sip.events import (
    Closed,
    Failed,
    Succeeded,
)
from ringback.sip.invitation import MOST_TRIES
from ringback.sip.message import Request

ME = Credentials("us", "secret")
CHALLENGE = 'Digest realm="r", nonce="n1", algorithm=MD5, qop="auth"'


@pytest.mark.parametrize(
    ("status", "asked", "answered"),
    [
        (401, "www-authenticate", "authorization"),
        (407, "proxy-authenticate", "proxy-authorization"),
    ],
)
@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_challenge_is_answered(status: int, asked: str, answered: str, algorithm: str) -> None:
    ua = Alone()
    _, invite = ua.dial(credentials=ME)
    challenge = CHALLENGE.replace("MD5", algorithm)
    ack, again = ua.give(reply(invite, status, headers=((asked, challenge),)))
    assert isinstance(ack, Request) and isinstance(again, Request)
    assert kinds([ack, again]) == ["ACK", "INVITE"]
    assert ack.via.branch == invite.via.branch != again.via.branch
    assert str(again.cseq) == "2 INVITE"
    assert (again.call_id, again.from_.tag, again.body) == (
        invite.call_id,
        invite.from_.tag,
        OFFER,
    )
    assert f"algorithm={algorithm}" in (again.headers.get(answered) or "")
    (ack,) = ua.give(reply(again, 200, body=ANSWER))
    assert isinstance(ack, Request)
    assert str(ack.cseq) == "2 ACK"
    assert ack.headers.get(answered) == again.headers.get(answered)  # section 13.2.2.4
    ua.only(Succeeded)


def test_a_second_challenge_is_a_failure_whichever_it_is() -> None:
    for second, header in ((401, "www-authenticate"), (407, "proxy-authenticate")):
        ua = Alone()
        _, invite = ua.dial(credentials=ME)
        _, again = ua.give(reply(invite, 401, headers=(("www-authenticate", CHALLENGE),)))
        assert isinstance(again, Request)
        assert kinds(ua.give(reply(again, second, headers=((header, CHALLENGE),)))) == ["ACK"]
        failed = ua.only(Failed)
        assert failed.challenged_twice
        assert failed.response is not None and failed.response.status == second


def test_a_stale_nonce_is_answered_once_more_and_no_further() -> None:
    ua = Alone()
    _, invite = ua.dial(credentials=ME)
    sent = 1
    for number in range(20):
        stale = f'Digest realm="r", nonce="n{number}", stale=TRUE'
        out = ua.give(reply(invite, 401, headers=(("www-authenticate", stale),)))
        if kinds(out) != ["ACK", "INVITE"]:
            break
        sent += 1
        assert isinstance(out[1], Request)
        invite = out[1]
    assert sent == 3 < MOST_TRIES
    assert ua.only(Failed).challenged_twice


@pytest.mark.parametrize(
    "challenge",
    ['Digest realm="r", nonce="', "Basic realm=r", 'Digest realm="r", nonce="n", algorithm=SHA-3'],
)
def test_a_challenge_that_cannot_be_met_is_a_failure(challenge: str) -> None:
    ua = Alone()
    _, invite = ua.dial(credentials=ME)
    out = ua.give(reply(invite, 401, headers=(("www-authenticate", challenge),)))
    assert kinds(out) == ["ACK"]
    assert not ua.only(Failed).challenged_twice


def test_a_realm_that_is_no_utf8_does_no_harm() -> None:
    ua = Alone()
    _, invite = ua.dial(credentials=ME)
    challenge = 'Digest realm="\udcff", nonce="n"'
    out = ua.give(reply(invite, 401, headers=(("www-authenticate", challenge),)))
    assert kinds(out) == ["ACK", "INVITE"]


def test_without_credentials_a_challenge_is_a_failure() -> None:
    ua = Alone()
    _, invite = ua.dial()
    ua.give(reply(invite, 401, headers=(("www-authenticate", CHALLENGE),)))
    assert not ua.only(Failed).challenged_twice


def test_a_challenged_bye_is_sent_again() -> None:
    ua = Alone()
    call, _ = ua.answered(credentials=ME)
    call.bye(ua.now)
    (bye,) = ua.out()
    assert isinstance(bye, Request)
    (again,) = ua.give(reply(bye, 407, headers=(("proxy-authenticate", CHALLENGE),)))
    assert isinstance(again, Request)
    assert (again.method, str(again.cseq)) == ("BYE", "3 BYE")
    assert "proxy-authorization" in dict(again.headers.items())
    assert ua.events() == []
    ua.give(reply(again, 200))
    ua.only(Closed)


def test_a_call_given_up_while_challenged_is_not_sent_again() -> None:
    ua = Alone()
    call, invite = ua.dial(credentials=ME)
    call.cancel(ua.now)
    out = ua.give(reply(invite, 401, headers=(("www-authenticate", CHALLENGE),)))
    assert kinds(out) == ["ACK"]
    ua.only(Failed)


# 422


def test_422_raises_the_session_interval_once() -> None:
    ua = Alone()
    _, invite = ua.dial()
    assert invite.headers.get("session-expires") == "1800"
    _, again = ua.give(reply(invite, 422, headers=(("min-se", "3600"),)))
    assert isinstance(again, Request)
    assert again.headers.get("session-expires") == "3600"
    assert again.headers.get("min-se") == "3600"
    assert str(again.cseq) == "2 INVITE"
    assert kinds(ua.give(reply(again, 422, headers=(("min-se", "7200"),)))) == ["ACK"]
    ua.only(Failed)


def test_422_after_a_challenge_uses_its_nonce_once_more() -> None:
    """A second challenge would be a refusal."""
    ua = Alone()
    _, invite = ua.dial(credentials=ME)
    challenge = (("www-authenticate", 'Digest realm="r", nonce="n", qop="auth"'),)
    _, second = ua.give(reply(invite, 401, headers=challenge))
    assert "nc=00000001" in (second.headers.get("authorization") or "")
    _, third = ua.give(reply(second, 422, headers=(("min-se", "3600"),)))
    assert third.headers.get("session-expires") == "3600"
    assert "nc=00000002" in (third.headers.get("authorization") or "")
    assert third.headers.all("authorization")[-1] != second.headers.all("authorization")[-1]
    assert kinds(ua.give(reply(third, 200, body=ANSWER))) == ["ACK"]


@pytest.mark.parametrize("least", ["60", "x", "9999999999", ""])
def test_422_that_gives_nothing_to_ask_for_is_a_failure(least: str) -> None:
    ua = Alone()
    _, invite = ua.dial()
    assert kinds(ua.give(reply(invite, 422, headers=(("min-se", least),)))) == ["ACK"]
    ua.only(Failed)
