"""However much comes, what is kept is bounded, and calls are taken (spec section 5, "Floods")."""

from __future__ import annotations

import random
from collections.abc import Sized

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sip.useragents import OFFER, PEER, US, Alone, from_callee, kinds, request

from ringback.sip import tickets, useragent
from ringback.sip.calls import IncomingCall, ResumedCall
from ringback.sip.events import Rejected
from ringback.sip.hop import Hop
from ringback.sip.message import Request, Response
from ringback.sip.tickets import LONGEST_FACTS, Tickets
from ringback.sip.timers import LIFETIME
from ringback.sip.useragent import UserAgent

OTHER = Hop("udp", "192.0.2.3", 5060)


def invite(number: int) -> Request:
    return request(branch=f"z9hG4bK{number}", call_id=f"call {number}", body=OFFER)


def ack(number: int, response: Response, from_tag: str = "theirs") -> Request:
    branch, call_id, tag = f"z9hG4bK{number}", f"call {number}", response.to.tag
    return request("ACK", branch=branch, call_id=call_id, to_tag=tag, from_tag=from_tag)


def facts(message: Request, source: Hop) -> bytes:
    return f"{message.from_.uri.user} {source.host} {message.call_id}".encode()


def agent() -> Alone:
    return Alone(agent=UserAgent(US, random.Random(1), facts=facts))


def calls(ua: Alone) -> list[IncomingCall]:
    found = []
    while (call := ua.agent.next_call()) is not None:
        found.append(call)
    return found


def proven(ua: Alone) -> list[str]:
    found = []
    while (fact := ua.agent.next_proven()) is not None:
        found.append(fact.decode())
    return found


def kept(ua: Alone) -> int:
    """Everything that is kept of what came, one by one."""
    transactions, agent = ua.agent.layers.transactions, ua.agent
    tables: tuple[Sized, ...] = (
        transactions._servers,
        transactions._begun,
        transactions._unproven,
        transactions._within,
        agent._dialogs,
        agent._calls,
        agent._events,
        agent._proven,
        agent._tickets._taken,
    )
    return sum(len(table) for table in tables) + len(ua.agent.layers.timers)


def test_at_the_bound_a_call_rings_and_above_it_is_rejected_at_once_and_not_kept() -> None:
    ua = agent()
    for number in range(useragent.MOST_UNPROVEN):
        assert ua.give(invite(number)) == []
    assert len(calls(ua)) == useragent.MOST_UNPROVEN == 2000, "the spec's"
    before = kept(ua)
    for number in range(2000, 6000):
        assert kinds(ua.give(invite(number))) == ["486 INVITE"]
    assert calls(ua) == []
    assert kept(ua) == before


def full() -> Alone:
    """Its calls are all forged: no ACK will come."""
    ua = agent()
    for number in range(useragent.MOST_UNPROVEN):
        ua.give(invite(number))
    for call in calls(ua):
        call.reject(486, ua.now)
    ua.out()
    return ua


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Alone:
    monkeypatch.setattr(useragent, "MOST_UNPROVEN", 3)
    return full()


def rejected(ua: Alone, message: Request, source: Hop = PEER) -> Response:
    (response,) = ua.give(message, source)
    assert isinstance(response, Response)
    return response


def test_the_ack_to_such_a_rejection_brings_the_facts_back(small: Alone) -> None:
    response = rejected(small, invite(7))
    assert small.give(ack(7, response)) == []
    assert proven(small) == ["peer 192.0.2.2 call 7"]


def test_each_request_is_proven_once(small: Alone) -> None:
    response = rejected(small, invite(7))
    assert rejected(small, invite(7)).encode() == response.encode(), "RFC 3261 section 8.2.7"
    by_another_way = rejected(small, request(branch="z9hG4bKother", call_id="call 7", body=OFFER))
    for _ in range(3):
        small.give(ack(7, response))
        small.give(ack(7, by_another_way))
        small.now += LIFETIME / 2
    assert len(proven(small)) == 1


def test_nobody_proves_without_having_received_the_rejection(small: Alone) -> None:
    response = rejected(small, invite(7))
    tag = response.to.tag or ""
    for forged in ("x", "A" * len(tag), tag[:-1], tag[:-1] + ("A" if tag[-1] != "A" else "B")):
        small.give(request("ACK", branch="z9hG4bK7", call_id="call 7", to_tag=forged))
    for other in (
        ack(8, response),
        ack(7, response, from_tag="another"),
        request("ACK", branch="z9hG4bK7", call_id="call 7", to_tag=tag, cseq=2),
    ):
        small.give(other)
    assert proven(small) == []
    small.give(ack(7, response))
    assert len(proven(small)) == 1


def test_the_facts_cannot_be_read_by_who_carries_them(small: Alone) -> None:
    assert b"192.0.2.2 call" not in rejected(small, invite(7)).encode()
    tag = rejected(small, invite(7)).to.tag or ""
    assert not set(tag) & set('"<>@;=, '), "it is a token"


@pytest.mark.parametrize(("after", "valid"), [(0, 1), (LIFETIME - 0.1, 1), (2 * LIFETIME, 0)])
def test_a_ticket_is_valid_for_a_time(small: Alone, after: float, valid: int) -> None:
    small.now = 5 * LIFETIME + 3.0
    small.agent.run_timers(0.0)
    response = rejected(small, invite(7))
    small.now += after
    small.give(ack(7, response))
    assert len(proven(small)) == valid


def test_a_call_that_rings_is_not_disturbed_by_the_ticket_of_its_repetition(small: Alone) -> None:
    """The rejection is lost; when the INVITE is repeated there is room."""
    response = rejected(small, invite(7))
    small.run(LIFETIME)  # those without an ACK are given up
    small.events()
    assert small.give(invite(7)) == []
    (call,) = calls(small)
    small.give(ack(7, response))
    assert len(proven(small)) == 1, "it was not lost, but late"
    call.reject(486, small.now)
    (final,) = small.out()
    assert isinstance(final, Response)
    small.give(ack(7, final))
    assert small.only(Rejected).acknowledged


def test_there_is_room_again_when_an_ack_has_come_or_will_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(useragent, "MOST_UNPROVEN", 1)
    ua = agent()
    ua.give(invite(1))
    (call,) = calls(ua)
    assert kinds(ua.give(invite(2))) == ["486 INVITE"]
    call.reject(486, ua.now)
    (final,) = ua.out()
    assert isinstance(final, Response)
    ua.give(ack(1, final))
    assert ua.give(invite(3)) == [], "though the first is remembered for 5 s more"
    (forged,) = calls(ua)
    forged.reject(486, ua.now)
    ua.out()
    assert kinds(ua.give(invite(4))) == ["486 INVITE"]
    ua.run(ua.now + LIFETIME)
    assert ua.give(invite(5)) == []


def test_proven_calls_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(useragent, "MOST_BEGUN", 2)
    ua = agent()
    for number in range(2):
        ua.give(invite(number))
        (call,) = calls(ua)
        call.reject(486, ua.now)
        (final,) = ua.out()
        assert isinstance(final, Response)
        ua.give(ack(number, final))
    assert kinds(ua.give(invite(3))) == ["486 INVITE"]


def test_no_more_tickets_are_taken_than_there_is_room_for(
    small: Alone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tickets, "MOST_TAKEN", 4)
    monkeypatch.setattr(tickets, "MOST_OF_ONE_HOST", 2)
    given = [rejected(small, invite(number)) for number in range(10, 14)]
    for number, response in enumerate(given, 10):
        small.give(ack(number, response))
    assert len(proven(small)) == 2
    assert kinds(small.give(invite(20))) == ["503 INVITE"], "no ticket that could not be taken"
    other = rejected(small, invite(21), OTHER)
    assert other.status == 486, "one host leaves room for the others"
    small.give(ack(21, other), OTHER)
    assert len(proven(small)) == 1
    small.now += 2 * LIFETIME
    later = rejected(small, invite(22))
    small.give(ack(22, later))
    assert len(proven(small)) == 1, "what is not valid any more takes no room"


@pytest.mark.parametrize("known", [None, b"x" * (LONGEST_FACTS + 1)])
def test_where_there_is_nothing_to_remember_it_gets_503(
    monkeypatch: pytest.MonkeyPatch, known: bytes | None
) -> None:
    monkeypatch.setattr(useragent, "MOST_UNPROVEN", 0)
    ua = Alone(agent=UserAgent(US, random.Random(1), facts=lambda message, source: known))
    response = rejected(ua, invite(1))
    assert (response.status, response.headers.get("retry-after")) == (503, "5")
    assert rejected(ua, invite(1)).encode() == response.encode()
    assert ua.idle()


@settings(derandomize=True, max_examples=100)
@given(st.binary(min_size=1, max_size=LONGEST_FACTS), st.text(max_size=20), st.floats(0, 1e10))
def test_what_is_written_on_a_ticket_can_be_read(known: bytes, call_id: str, now: float) -> None:
    written = Tickets(random.Random(1))
    message = request(call_id=call_id)
    tag = written.write(known, message, now)
    assert written.read(request("ACK", call_id=call_id, to_tag=tag), now) == known
    assert Tickets(random.Random(2)).read(request("ACK", to_tag=tag), now) is None


@settings(derandomize=True, max_examples=200)
@given(st.text("abcXYZ019-_.=+ü", max_size=200))
def test_any_tag_may_come(tag: str) -> None:
    message = request("ACK")
    message.headers.set("to", message.to.with_tag(tag))
    assert Tickets(random.Random(1)).read(message, 0.0) is None


FLOODS = {
    "BYEs without dialog": ("BYE", "gone", "481 BYE"),
    "OPTIONS": ("OPTIONS", None, "200 OPTIONS"),
    "CANCELs of nothing": ("CANCEL", None, "481 CANCEL"),
    "INFOs without dialog": ("INFO", "gone", "481 INFO"),
    "re-INVITEs without dialog": ("INVITE", "gone", "481 INVITE"),
    "methods that nobody has": ("FLY", None, "501 FLY"),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_nothing_is_kept_of_what_belongs_to_no_call(flood: str) -> None:
    method, to_tag, answer = FLOODS[flood]
    ua = agent()
    call, _ = ua.answered()
    before = kept(ua)
    for number in range(3000):
        message = request(method, branch=f"z9hG4bK{number}", call_id=str(number), to_tag=to_tag)
        assert kinds(ua.give(message)) == [answer]
    assert kept(ua) == before
    assert not call.ended
    assert ua.give(invite(1)) == [], "a call is taken"
    assert len(calls(ua)) == 1


def test_malformed_calls_are_not_kept() -> None:
    ua = agent()
    for number in range(100):
        message = request(branch=f"z9hG4bK{number}", headers=(("require", "x"),))
        assert kinds(ua.give(message)) == ["420 INVITE"]
    assert ua.idle()


def test_one_call_does_not_take_the_room_of_the_others() -> None:
    ua = agent()
    _, first = ua.answered()
    infos = [
        ua.give(from_callee("INFO", first, branch=f"z9hG4bK{number}"))
        for number in range(useragent.MOST_WITHIN_ONE + 1)
    ]
    assert {kinds(answer)[0] for answer in infos[:-1]} == {"200 INFO"}
    assert kinds(infos[-1]) == ["503 INFO"]
    _, second = ua.answered()
    assert kinds(ua.give(from_callee("INFO", second))) == ["200 INFO"]
    assert kinds(ua.give(from_callee("BYE", first, branch="z9hG4bKbye"))) == ["200 BYE"]
    ua.run(100.0)
    assert ua.agent.layers.transactions.within == 0
    assert not ua.agent.layers.transactions._within


def test_a_call_can_be_ended_however_much_there_is_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(useragent, "MOST_WITHIN", 0)
    ua = agent()
    call, first = ua.answered()
    assert kinds(ua.give(from_callee("INFO", first))) == ["503 INFO"]
    assert kinds(ua.give(from_callee("BYE", first, branch="z9hG4bKbye"))) == ["200 BYE"]
    assert call.ended


def test_byes_of_one_call_are_bounded() -> None:
    ua = agent()
    call, first = ua.answered()
    call.bye(ua.now)  # so that the dialog is there until the answer comes
    ua.out()
    most = useragent.MOST_WITHIN_ONE + useragent.BYES
    answers = [
        kinds(ua.give(from_callee("BYE", first, branch=f"z9hG4bK{number}")))
        for number in range(most + 1)
    ]
    assert answers == [["200 BYE"]] * most + [["503 BYE"]]


def test_a_rejection_from_before_a_restart_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = agent()
    before.give(invite(1))
    (call,) = calls(before)
    saved = call.saved_rejection(486)
    monkeypatch.setattr(useragent, "MOST_UNPROVEN", 1)
    ua = agent()
    ResumedCall(ua.agent).resume(saved, ua.now)
    assert kinds(ua.out()) == ["486 INVITE"]
    assert kinds(ua.give(invite(2))) == ["486 INVITE"]
