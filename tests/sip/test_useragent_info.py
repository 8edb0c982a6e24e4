"""Keys by INFO, theirs and ours."""

from __future__ import annotations

import pytest
from tests.sip.useragents import Alone, from_callee, kind, kinds, reply

from ringback.sip.events import (
    Refreshed,
    Signal,
)


@pytest.mark.parametrize(
    ("content", "body", "digit"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf-relay", "Signal= *\r\nDuration= 250\r\n", "*"),
        ("application/dtmf-relay", "Duration=100\r\nSignal=11\r\n", "#"),
        ("application/dtmf-relay", "Signal=12", "A"),
        ("application/dtmf", "5", "5"),
        ("application/dtmf", " #\r\n", "#"),
        ("Application/DTMF; charset=x", "d", "D"),
        ("application/dtmf", "Signal=5\r\nDuration=160\r\n", "5"),
        ("application/dtmf", "Duration = 160\nSIGNAL = #\n", "#"),
        ("application/dtmf-relay", "5", "5"),
        ("application/dtmf-relay", "*\r\n\r\n", "*"),
        ("APPLICATION/DTMF-RELAY ;x=y", "signal=a\r\n", "A"),
        ("application/dtmf-relay", "\r\n\r\n\tSignal\t=\t0 \r\nDuration=1", "0"),
        ("application/dtmf-relay", "Signal:7\rDuration:100\r", "7"),
        ("application/dtmf-relay", 'Signal="3"', "3"),
        ("application/dtmf-relay", "Signal=2 Duration=160", "2"),
        ("application/dtmf-relay", "Signal=2;Duration=160", "2"),
        ("application/dtmf-relay", "Signal=5\0", "5"),
        ("application/dtmf", "\r\n10\r\n", "*"),
        ("application/dtmf", "Signal=15", "D"),
    ],
)
def test_keys_come_by_info(content: str, body: str, digit: str) -> None:
    ua = Alone()
    _, invite = ua.answered()
    info = from_callee("INFO", invite, headers=(("content-type", content),), body=body.encode())
    assert kinds(ua.give(info)) == ["200 INFO"]
    assert ua.only(Signal).digit == digit
    assert kinds(ua.give(info)) == ["200 INFO"]  # repeated: counted once
    assert ua.events() == []


@pytest.mark.parametrize(
    ("content", "body", "status"),
    [
        ("application/dtmf-relay", "Signal=hf\r\n", 400),
        ("application/dtmf-relay", "Signal=16\r\n", 400),
        ("application/dtmf-relay", "Signal=\r\n5", 400),
        ("application/dtmf-relay", "Signal=-1", 400),
        ("application/dtmf-relay", "Duration=5\r\n", 400),
        ("application/dtmf-relay", "\n" * 32_000, 400),
        ("application/dtmf-relay", "Signal" + " " * 32_000, 400),
        ("application/dtmf-relay", "Signal=" + "1" * 32_000, 400),
        ("application/dtmf-relay", "Signal=1\n" * 2_000 + "2", 200),
        ("application/dtmf", "55", 400),
        ("application/dtmf", "5\r\n5", 400),
        ("application/dtmf", "\u0665", 400),
        ("application/dtmf", "\xff", 400),
        ("application/media_control+xml", "<x/>", 415),
        ("text/plain", "5", 415),
        ("", "5", 415),
    ],
)
def test_what_is_answered_200_was_understood(content: str, body: str, status: int) -> None:
    ua = Alone()
    _, invite = ua.answered()
    info = from_callee("INFO", invite, headers=(("content-type", content),), body=body.encode())
    (response,) = ua.give(info)
    assert kind(response) == f"{status} INFO"
    assert (response.headers.get("accept") is not None) is (status == 415)
    assert len(ua.events()) == (status == 200)


@pytest.mark.parametrize(
    ("headers", "status", "reply"),
    [
        ((("content-encoding", "gzip"),), 415, ("accept-encoding", "identity")),
        ((("content-encoding", "Identity"),), 200, None),
        ((("info-package", "x"),), 200, None),
        ((("info-package", "x"), ("content-encoding", "gzip")), 469, ("recv-info", "")),
        ((("content-disposition", "x;handling=required"),), 200, None),
    ],
)
def test_what_else_an_info_may_say_of_its_key(
    headers: tuple[tuple[str, str], ...], status: int, reply: tuple[str, str] | None
) -> None:
    ua = Alone()
    _, invite = ua.answered()
    more = (("content-type", "application/dtmf-relay"), *headers)
    (response,) = ua.give(from_callee("INFO", invite, headers=more, body=b"Signal=5"))
    assert kind(response) == f"{status} INFO"
    assert reply is None or response.headers.get(reply[0]) == reply[1]
    assert len(ua.events()) == (status == 200)


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ((("info-package", "x"),), b"", 469),  # RFC 6086 section 4.2.2
        (
            (("content-type", "image/jpeg"), ("content-disposition", "x;Handling=optional")),
            b"x",
            200,
        ),
        ((("content-type", "image/jpeg"), ("content-disposition", "x")), b"x", 415),
    ],
)
def test_an_info_that_is_for_something_else(
    headers: tuple[tuple[str, str], ...], body: bytes, status: int
) -> None:
    ua = Alone()
    _, invite = ua.answered()
    (response,) = ua.give(from_callee("INFO", invite, headers=headers, body=body))
    assert kind(response) == f"{status} INFO"
    assert ua.events() == []


def test_an_info_without_a_body_is_acknowledged() -> None:
    ua = Alone()
    _, invite = ua.answered()
    assert kinds(ua.give(from_callee("INFO", invite))) == ["200 INFO"]


def test_our_keys_leave_one_after_the_other() -> None:
    ua = Alone()
    call, _ = ua.answered()
    for digit in "5#":
        call.info(digit, ua.now)
    first = ua.sent()
    assert first.content_type == "application/dtmf-relay"
    assert first.body == b"Signal=5\r\nDuration=160\r\n"
    (second,) = ua.give(reply(first, 200))
    assert second.body == b"Signal=#\r\nDuration=160\r\n"
    assert second.cseq.number == first.cseq.number + 1
    assert ua.give(reply(second, 200)) == []


def test_a_peer_that_takes_only_plain_keys_gets_them() -> None:
    ua = Alone()
    call, _ = ua.answered()
    call.info("5", ua.now)
    call.info("6", ua.now)
    (again,) = ua.give(reply(ua.sent(), 415))
    assert (again.content_type, again.body) == ("application/dtmf", b"5")
    (following,) = ua.give(reply(again, 200))
    assert (following.content_type, following.body) == ("application/dtmf", b"6")
    assert ua.give(reply(following, 415)) == []  # neither form: it is left at that


def test_keys_to_a_far_end_that_is_gone_tell_so() -> None:
    ua = Alone()
    call, _ = ua.answered()
    call.info("5", ua.now)
    call.info("6", ua.now)
    assert ua.give(reply(ua.sent(), 481)) == []
    assert not ua.only(Refreshed).alive


def test_no_more_keys_wait_than_a_person_presses() -> None:
    ua = Alone()
    call, _ = ua.answered()
    for _ in range(1000):
        call.info("5", ua.now)
    (message,) = ua.out()
    count = 0
    while True:
        count += 1
        out = ua.give(reply(message, 200))
        if not out:
            break
        (message,) = out
    assert count == 100
