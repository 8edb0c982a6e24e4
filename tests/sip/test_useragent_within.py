"""Within a call: re-INVITEs and hold, clashes, refreshes."""

from __future__ import annotations

import pytest
from tests.sip.useragents import ANSWER, OFFER, Alone, from_callee, kind, kinds, reply, request

from ringback.sip.calls import Credentials
from ringback.sip.events import (
    Answer,
    Closed,
    HungUp,
    Offered,
    OfferRefused,
    Refreshed,
)
from ringback.sip.invitation import MOST_CLASHES
from ringback.sip.message import Request, Response

ME = Credentials("us", "secret")
CHALLENGE = (("www-authenticate", 'Digest realm="r", nonce="n1"'),)
HOLD = OFFER + b"a=sendonly\r\n"
HELD = ANSWER + b"a=recvonly\r\n"


# Theirs


def test_their_reinvite_is_answered_with_our_description() -> None:
    ua = Alone()
    call, invite = ua.answered()
    hold = from_callee("INVITE", invite, body=HOLD)
    hold.headers.set("contact", "<sip:moved@192.0.2.2:5099>")
    assert ua.give(hold) == []
    assert ua.only(Offered).body == HOLD
    call.accept_offer(HELD, ua.now)
    (response,) = ua.out()
    assert (kind(response), response.body) == ("200 INVITE", HELD)
    assert response.to.tag == invite.from_.tag
    assert call.local_sdp == HELD
    assert ua.times(1.0) == [(0.5, "200 INVITE")]  # until the ACK
    ua.give(from_callee("ACK", invite, branch="z9hG4bKack"))
    assert ua.events() == []
    assert ua.times(50.0) == []
    call.bye(ua.now)
    assert ua.sent().uri == "sip:moved@192.0.2.2:5099"


def test_their_offerless_reinvite_gets_our_offer_and_its_ack_the_answer() -> None:
    ua = Alone()
    call, invite = ua.answered()
    ua.give(from_callee("INVITE", invite))
    assert ua.only(Offered).body == b""
    call.accept_offer(OFFER, ua.now)
    assert ua.out()[0].body == OFFER
    ua.give(from_callee("ACK", invite, branch="z9hG4bKack", body=ANSWER))
    assert ua.only(Answer).body == ANSWER


def test_a_refused_reinvite_leaves_the_call_as_it_was() -> None:
    """T.38 or video only, no common codec."""
    ua = Alone()
    call, invite = ua.answered()
    moved = from_callee("INVITE", invite, body=b"v=0\r\nm=image 1 udptl t38\r\n")
    moved.headers.set("contact", "<sip:moved@192.0.2.2:5099>")
    ua.give(moved)
    ua.only(Offered)
    call.refuse_offer(488, ua.now)
    assert kinds(ua.out()) == ["488 INVITE"]
    assert not call.ended
    call.bye(ua.now)
    assert ua.sent().uri == "sip:peer@192.0.2.2:5070"  # section 14.2: as if it had not been


def test_a_second_reinvite_before_the_first_is_answered_gets_500() -> None:
    ua = Alone()
    _, invite = ua.answered()
    ua.give(from_callee("INVITE", invite, body=HOLD))
    (refused,) = ua.give(from_callee("INVITE", invite, cseq=2, branch="z9hG4bK2", body=HOLD))
    assert kind(refused) == "500 INVITE"
    assert refused.headers.get("retry-after") is not None


def test_a_call_that_ends_answers_the_reinvite_still_open() -> None:
    ua = Alone()
    _, invite = ua.answered()
    ua.give(from_callee("INVITE", invite, body=HOLD))
    out = ua.give(from_callee("BYE", invite, cseq=2, branch="z9hG4bKbye"))
    assert sorted(kinds(out)) == ["200 BYE", "487 INVITE"]
    assert isinstance(ua.events()[-1], HungUp)


def test_the_ack_of_an_earlier_2xx_is_told_from_the_ack_of_a_later_one() -> None:
    ua = Alone()
    call = ua.incoming()
    call.accept(ANSWER, ua.now)
    (response,) = ua.out()
    again = request(
        "INVITE",
        uri="sip:192.0.2.1",
        branch="z9hG4bKre",
        to_tag=response.to.tag,
        cseq=2,
        body=HOLD,
    )
    ua.give(again)  # their ACK was lost on the way
    call.accept_offer(HELD, ua.now)
    assert len(ua.out()) == 1
    acks = [
        request("ACK", uri="sip:192.0.2.1", branch=f"z9hG4bK{n}", to_tag=response.to.tag, cseq=n)
        for n in (1, 2)
    ]
    ua.give(acks[0])
    assert {message.cseq.number for _, message in ua.run(10.0)} == {2}
    ua.give(acks[1])
    assert ua.times(100.0) == []
    assert not call.ended


# Ours


def test_our_reinvite_brings_their_answer() -> None:
    ua = Alone()
    call, _ = ua.answered()
    call.reoffer(HOLD, ua.now)
    invite = ua.sent()
    assert (invite.body, str(invite.cseq)) == (HOLD, "2 INVITE")
    assert invite.to.tag == "theirs"
    ua.give(reply(invite, 100))
    moved = reply(invite, 200, body=HELD, contact="<sip:moved@192.0.2.2:5099>")
    (ack,) = ua.give(moved)
    assert isinstance(ack, Request)
    assert (kind(ack), str(ack.cseq), ack.uri) == ("ACK", "2 ACK", "sip:moved@192.0.2.2:5099")
    assert ua.only(Answer).body == HELD
    assert call.local_sdp == HOLD
    (again,) = ua.give(moved)
    assert again.encode() == ack.encode()
    assert ua.events() == []


def test_an_offer_refused_leaves_ours_as_it_was() -> None:
    ua = Alone()
    call, _ = ua.answered()
    call.reoffer(HOLD, ua.now)
    assert kinds(ua.give(reply(ua.sent(), 488))) == ["ACK"]
    assert ua.only(OfferRefused).status == 488
    assert call.local_sdp == OFFER
    call.refresh(ua.now)
    assert ua.sent().body == OFFER


def test_one_reinvite_at_a_time() -> None:
    ua = Alone()
    call, _ = ua.answered()
    call.reoffer(HOLD, ua.now)
    first = ua.sent()
    call.reoffer(OFFER, ua.now)
    assert ua.only(OfferRefused).status == 491
    call.refresh(ua.now)  # its result is that of the one under way
    assert ua.out() == []
    ua.give(reply(first, 200, body=HELD))
    assert [type(event) for event in ua.events()] == [Answer, Refreshed]


def test_a_challenged_reinvite_is_sent_again() -> None:
    ua = Alone()
    call, _ = ua.answered(credentials=ME)
    call.refresh(ua.now)
    _, again = ua.give(reply(ua.sent(), 401, headers=CHALLENGE))
    assert isinstance(again, Request)
    assert (kind(again), str(again.cseq)) == ("INVITE", "3 INVITE")
    assert again.headers.get("authorization") is not None
    (ack,) = ua.give(reply(again, 200, body=ANSWER))
    assert ack.headers.get("authorization") == again.headers.get("authorization")
    assert ua.only(Refreshed).alive


def test_their_reinvite_while_ours_is_under_way_gets_491() -> None:
    ua = Alone()
    call, invite = ua.answered()
    call.reoffer(HOLD, ua.now)
    ua.out()
    assert kinds(ua.give(from_callee("INVITE", invite, body=HOLD))) == ["491 INVITE"]
    assert ua.events() == []


def test_a_challenged_reinvite_that_clashes_is_not_challenged_anew() -> None:
    ua = Alone()
    call, _ = ua.answered(credentials=ME)
    call.refresh(ua.now)
    _, second = ua.give(reply(ua.sent(), 401, headers=CHALLENGE))
    ua.give(reply(second, 491))
    third = ua.next_sent()
    assert third.headers.get("authorization") is not None


@pytest.mark.parametrize(("outgoing", "least", "most"), [(True, 2.1, 4.0), (False, 0.0, 2.0)])
def test_our_reinvite_that_clashed_is_sent_again(outgoing: bool, least: float, most: float) -> None:
    for seed in range(20):
        ua = Alone(seed=seed)
        call = ua.answered()[0] if outgoing else ua.taken()[0]
        call.reoffer(HOLD, ua.now)
        ua.give(reply(ua.sent(), 491))
        assert ua.events() == []
        again = ua.next_sent()
        while kind(again) != "INVITE":
            again = ua.next_sent()
        assert least <= ua.now <= most
        ua.give(reply(again, 200, body=HELD))
        ua.only(Answer)


def test_clashes_without_end_are_given_up() -> None:
    ua = Alone()
    call, _ = ua.answered()
    call.reoffer(HOLD, ua.now)
    for _ in range(MOST_CLASHES + 1):
        assert ua.events() == []
        ua.give(reply(ua.next_sent(), 491))
    assert ua.only(OfferRefused).status == 491


# Refresh


@pytest.mark.parametrize(
    ("status", "alive"), [(200, True), (488, True), (500, True), (408, False), (481, False)]
)
def test_a_refresh_tells_whether_the_far_end_is_there(status: int, alive: bool) -> None:
    ua = Alone()
    call, _ = ua.answered()
    call.refresh(ua.now)
    invite = ua.sent()
    assert invite.body == OFFER
    ua.give(reply(invite, status, body=ANSWER if status == 200 else b""))
    refreshed = ua.only(Refreshed)
    assert (refreshed.alive, refreshed.status) == (alive, status)
    assert not call.ended


def test_a_refresh_that_nobody_answers_is_told_after_32_seconds() -> None:
    ua = Alone()
    call, _ = ua.answered()
    call.refresh(ua.now)
    ua.run(31.9)
    assert ua.events() == []
    ua.run(32.0)
    refreshed = ua.only(Refreshed)
    assert (refreshed.alive, refreshed.status) == (False, None)


@pytest.mark.parametrize("ends", [False, True])
def test_a_provisional_answer_alone_is_none(*, ends: bool) -> None:
    """A proxy's 100 says nothing of the phone behind it, and must not be waited on for ever."""
    ua = Alone()
    call, _ = ua.answered()
    call.refresh(ua.now)
    invite = ua.sent()
    ua.give(reply(invite, 100))
    ua.run(10.0)
    ua.give(reply(invite, 183))
    if ends:
        call.bye(ua.now)
    ua.run(31.9)
    assert ua.events() == []
    ua.run(32.0)
    if not ends:
        refreshed = ua.only(Refreshed)
        assert (refreshed.alive, refreshed.status) == (False, None)
        call.bye(ua.now)
    ua.run(100.0)
    ua.only(Closed)
    assert ua.idle()


def test_a_refresh_that_changes_their_description_tells_so() -> None:
    ua = Alone()
    call, _ = ua.answered()
    call.refresh(ua.now)
    ua.give(reply(ua.sent(), 200, body=HELD))
    assert [type(event) for event in ua.events()] == [Answer, Refreshed]


def test_a_refresh_while_they_ask_something_is_answered_by_that() -> None:
    ua = Alone()
    call, invite = ua.answered()
    ua.give(from_callee("INVITE", invite, body=HOLD))
    ua.events()
    call.refresh(ua.now)
    assert ua.out() == []
    assert ua.only(Refreshed).alive


def test_a_call_ended_while_refreshed_still_acknowledges() -> None:
    ua = Alone()
    call, _ = ua.answered()
    call.refresh(ua.now)
    invite = ua.sent()
    call.bye(ua.now)
    ua.out()
    assert kinds(ua.give(reply(invite, 200, body=ANSWER))) == ["ACK"]
    assert ua.events() == []


# Others


def test_requests_out_of_order_get_500() -> None:
    ua = Alone()
    _, invite = ua.answered()
    ua.give(from_callee("OPTIONS", invite, cseq=9))
    assert kinds(ua.give(from_callee("INFO", invite, cseq=8, branch="z9hG4bKo"))) == ["500 INFO"]
    assert kinds(ua.give(from_callee("BYE", invite, cseq=10, branch="z9hG4bKb"))) == ["200 BYE"]


@pytest.mark.parametrize("method", ["REFER", "UPDATE", "PRACK", "NOTIFY"])
def test_what_is_not_done_within_a_call_gets_405(method: str) -> None:
    ua = Alone()
    call, invite = ua.answered()
    (response,) = ua.give(from_callee(method, invite))
    assert isinstance(response, Response)
    assert response.status == 405
    assert "invite" in response.headers.tokens("allow")
    assert not call.ended


def test_options_within_a_call() -> None:
    ua = Alone()
    _, invite = ua.answered()
    (response,) = ua.give(from_callee("OPTIONS", invite))
    assert kind(response) == "200 OPTIONS"
    assert response.headers.get("allow") is not None
