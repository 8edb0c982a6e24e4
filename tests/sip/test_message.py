"""Reading and writing messages (RFC 3261 section 7)."""

from __future__ import annotations

import pytest
from tests.sip.useragents import PEER, request

from ringback.sip.errors import SipError
from ringback.sip.headers import Headers
from ringback.sip.message import (
    LONGEST_HEAD,
    MOST_HEADERS,
    Broken,
    Request,
    Response,
    parse,
    respond,
)
from ringback.sip.transport import seen_from

NEEDED = (
    "Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1",
    "From: <sip:a@192.0.2.2>;tag=a",
    "To: <sip:b@192.0.2.1>",
    "Call-ID: c",
    "CSeq: 7 INVITE",
)


def text(*lines: str, start: str = "INVITE sip:b@192.0.2.1 SIP/2.0", body: bytes = b"") -> bytes:
    return "\r\n".join([start, *lines, "", ""]).encode("utf-8", "surrogateescape") + body


def read(*more: str, body: bytes = b"") -> Request:
    message = parse(text(*NEEDED, *more, body=body))
    assert isinstance(message, Request)
    return message


def without(name: str) -> list[str]:
    return [line for line in NEEDED if not line.startswith(f"{name}:")]


def wrong(data: bytes) -> SipError:
    with pytest.raises(SipError) as caught:
        parse(data)
    return caught.value


# What can be read


def test_a_request() -> None:
    message = read("Content-Length: 4", body=b"body")
    assert (message.method, message.uri) == ("INVITE", "sip:b@192.0.2.1")
    assert message.target.user == "b"
    assert message.via.branch == "z9hG4bK1"
    assert (message.from_.tag, message.to.tag) == ("a", None)
    assert (message.call_id, message.cseq.number, message.cseq.method) == ("c", 7, "INVITE")
    assert message.body == b"body"


@pytest.mark.parametrize("reason", ["OK", "", "Tout va très bien", 'it is: not, a "header"'])
def test_a_response_has_whatever_reason(reason: str) -> None:
    message = parse(text(*NEEDED, start=f"SIP/2.0 200 {reason}"))
    assert isinstance(message, Response)
    assert (message.status, message.reason) == (200, reason)


def test_a_reason_can_be_shown_at_a_terminal() -> None:
    message = parse(text(*NEEDED, start="SIP/2.0 403 No\x1b[2J\x07\udcff\u202e\x85 way"))
    assert isinstance(message, Response)
    assert message.reason == "No[2J way"


def test_header_names_are_read_in_any_case_and_in_their_compact_forms() -> None:
    lines = (
        "v: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1",
        "F: <sip:a@192.0.2.2>;tag=a",
        "t: <sip:b@192.0.2.1>",
        "I: c",
        "cSEQ: 7 INVITE",
        "m: <sip:a@192.0.2.2>",
        "k: timer",
        "c: application/sdp; charset=utf-8",
        "e: identity",
        "x: 1800;refresher=uac",
        "l: 2",
    )
    message = parse(text(*lines, body=b"ok and padding"))
    assert message.call_id == "c"
    assert message.from_.tag == "a"
    assert message.contact is not None
    assert message.headers.tokens("supported") == {"timer"}
    assert message.content_type == "application/sdp"
    assert message.headers.get("content-encoding") == "identity"
    assert message.headers.get("session-expires") == "1800;refresher=uac"
    assert message.body == b"ok"


@pytest.mark.parametrize("fold", ["\r\n ", "\r\n\t", "\r\n   \t "])
def test_a_folded_header_is_one_line(fold: str) -> None:
    message = read(f"Subject: one{fold}two{fold}three", f"Contact:{fold}<sip:a@192.0.2.2>")
    assert message.headers.get("subject") == "one two three"
    assert message.contact is not None
    assert message.contact.uri.host == "192.0.2.2"


def test_white_space_around_the_colon_and_at_the_end_is_no_part_of_a_value() -> None:
    message = read("Subject  \t:   words   ")
    assert message.headers.get("subject") == "words"


def test_values_are_split_at_commas_outside_quotes_and_brackets() -> None:
    message = read(
        'Record-Route: "A, B" <sip:1.example.com;lr>,<sip:2.example.com;a=x,y>',
        "Supported: timer,, path ,",
        "Record-Route: <sip:3.example.com>",
        "Supported: 100rel",
    )
    assert message.headers.all("record-route") == [
        '"A, B" <sip:1.example.com;lr>',
        "<sip:2.example.com;a=x,y>",
        "<sip:3.example.com>",
    ]
    assert message.headers.tokens("supported") == {"timer", "path", "100rel"}


def test_several_vias_in_one_line_or_many_are_the_same() -> None:
    one, two = "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1", "SIP/2.0/TCP proxy.example.com"
    rest = without("Via")
    together = parse(text(f"Via: {one}, {two}", *rest))
    apart = parse(text(f"Via: {one}", f"v: {two}", *rest))
    assert together.headers.all("via") == apart.headers.all("via") == [one, two]
    assert together.via.host == "192.0.2.2"


def test_line_breaks_before_the_start_line_are_skipped() -> None:
    assert parse(b"\r\n\r\n" + text(*NEEDED)).call_id == "c"


def test_bytes_that_are_no_utf8_come_out_as_they_went_in() -> None:
    data = text(*NEEDED)
    odd = data.replace(b"Call-ID: c", b"Call-ID: \xff\xfe\xe9")
    message = parse(odd)
    assert b"Call-ID: \xff\xfe\xe9\r\n" in message.encode()


# The body


@pytest.mark.parametrize(
    ("length", "body", "read_as"),
    [
        (None, b"all of it", b"all of it"),
        ("0", b"", b""),
        ("3", b"sdp", b"sdp"),
        ("3", b"sdp and padding", b"sdp"),  # section 18.3
        ("0", b"not ours", b""),
        ("00000003", b"sdp", b"sdp"),
    ],
)
def test_the_body_is_as_long_as_content_length_says(
    length: str | None, body: bytes, read_as: bytes
) -> None:
    more = [] if length is None else [f"Content-Length: {length}"]
    assert read(*more, body=body).body == read_as


@pytest.mark.parametrize(
    "length", ["4", "-1", "+3", "3 3", "3,3", "0x3", "3.0", "", "²", "٣", "9" * 10, "9" * 5000]
)
def test_a_wrong_content_length_is_an_error(length: str) -> None:
    error = wrong(text(*NEEDED, f"Content-Length: {length}", body=b"sdp"))
    assert isinstance(error, Broken)
    assert error.status == 400


# Limits


def test_the_headers_may_be_so_long_and_no_longer() -> None:
    room = LONGEST_HEAD - len(text(*NEEDED, "Subject: ")) + 4
    assert read("Subject: " + "x" * room).headers.get("subject") == "x" * room
    error = wrong(text(*NEEDED, "Subject: " + "x" * (room + 1)))
    assert error.status == 413
    assert isinstance(error, Broken), "it can be answered"


def test_there_may_be_so_many_headers_and_no_more() -> None:
    room = MOST_HEADERS - len(NEEDED)
    assert len(read(*["A: b"] * room).headers.items()) == MOST_HEADERS
    assert "too many" in wrong(text(*NEEDED, *["A: b"] * (room + 1))).reason


def test_folds_count_as_lines() -> None:
    assert "too many" in wrong(text(*NEEDED, "A: b", *[" c"] * MOST_HEADERS)).reason


# What is wrong


@pytest.mark.parametrize("name", ["Call-ID", "CSeq", "From", "To", "i"])
def test_what_says_which_request_it_is_stands_once(name: str) -> None:
    value = {"CSeq": "7 INVITE", "From": "<sip:a@x>;tag=a", "To": "<sip:b@x>"}.get(name, "0")
    error = wrong(text(*NEEDED, f"{name}: {value}", f"{name}: {value}"))
    assert isinstance(error, Broken)
    assert "stands twice" in error.reason


def test_content_lengths_that_agree_are_one() -> None:
    assert read("Content-Length: 2", "l: 2", body=b"ok and padding").body == b"ok"
    error = wrong(text(*NEEDED, "Content-Length: 2", "l: 1", body=b"ok"))
    assert "bad Content-Length" in error.reason


@pytest.mark.parametrize("name", ["Via", "From", "To", "Call-ID", "CSeq"])
def test_what_every_message_has_may_not_be_missing(name: str) -> None:
    error = wrong(text(*without(name)))
    assert f"{name.lower()} is missing" in error.reason
    # Without a Via nobody knows where the answer goes.
    assert isinstance(error, Broken) is (name != "Via")


@pytest.mark.parametrize(
    ("cseq", "method"),
    [("7 BYE", "INVITE"), ("7 invite", "INVITE"), ("7 INVITE", "ACK"), ("7 INVITE", "CANCEL")],
)
def test_the_method_of_cseq_is_the_requests(cseq: str, method: str) -> None:
    error = wrong(text(*without("CSeq"), f"CSeq: {cseq}", start=f"{method} sip:b@x SIP/2.0"))
    assert isinstance(error, Broken)
    assert (error.status, error.method) == (400, method)


@pytest.mark.parametrize(
    "line",
    [
        "INV ITE sip:b@x SIP/2.0",
        "INVITE sip:b@x",
        "INVITE",
        "INVITE SIP/2.0",
        "INVITE sip:b@x sip/2.0x",
        "INVITE sip:b@x HTTP/1.1",
        "(INVITE) sip:b@x SIP/2.0",
        "SIP/2.0",
        "SIP/2.0 OK",
        "SIP/2.0 20 OK",
        "SIP/2.0 2000 OK",
        "SIP/2.0 99 OK",
        "SIP/2.0 700 OK",
        "SIP/1.0 200 OK",
        "",
    ],
)
def test_a_start_line_that_is_none(line: str) -> None:
    wrong(text(*NEEDED, start=line))


@pytest.mark.parametrize("version", ["SIP/1.0", "SIP/3.0", "SIP/2.00"])
def test_another_version_gets_505(version: str) -> None:
    error = wrong(text(*NEEDED, start=f"INVITE sip:b@192.0.2.1 {version}"))
    assert isinstance(error, Broken)
    assert error.status == 505


@pytest.mark.parametrize("data", [text(*NEEDED)[:-2], text(*NEEDED)[:-4]])
def test_headers_without_an_end(data: bytes) -> None:
    error = wrong(data)
    assert isinstance(error, Broken)
    assert "blank line" in error.reason


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n"])
def test_nothing_is_no_message(data: bytes) -> None:
    wrong(data)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Via", "SIP/2.0/UDP"),
        ("Via", "HTTP/1.1/UDP a"),
        ("CSeq", "INVITE"),
        ("CSeq", "7"),
        ("CSeq", "-1 INVITE"),
        ("CSeq", f"{2**31} INVITE"),
        ("CSeq", "٣ INVITE"),
    ],
)
def test_a_header_that_every_message_needs_must_be_readable(name: str, value: str) -> None:
    lines = [*without(name), f"{name}: {value}"]
    wrong(text(*lines))
    wrong(text(*lines, start="SIP/2.0 200 OK"))


# The answer to what is wrong


def test_what_is_wrong_is_answered_with_what_stands_in_it() -> None:
    odd = '"Mr. J. User <sip:j.user@example.com>'
    error = wrong(
        text(
            "Via: SIP/2.0/UDP 192.0.2.9:5061;branch=z9hG4bK1;rport, SIP/2.0/UDP below",
            "v: SIP/2.0/TCP further",
            *without("Via")[:1],
            f"To: {odd}",
            *NEEDED[3:],
            "Content-Length: 9",
        )
    )
    assert isinstance(error, Broken)
    response = error.response(seen_from(error.via, PEER), "ours")
    assert response.status == 400
    assert response.headers.items() == [
        ("via", "SIP/2.0/UDP 192.0.2.9:5061;branch=z9hG4bK1;rport=5070;received=192.0.2.2"),
        ("via", "SIP/2.0/UDP below"),
        ("via", "SIP/2.0/TCP further"),
        ("from", "<sip:a@192.0.2.2>;tag=a"),
        ("to", f"{odd};tag=ours"),
        ("call-id", "c"),
        ("cseq", "7 INVITE"),
    ]


@pytest.mark.parametrize(
    ("to", "answered"),
    [("<sip:b@x>", "<sip:b@x>;tag=ours"), ("<sip:b@x>;tag=theirs", "<sip:b@x>;tag=theirs")],
)
def test_the_answer_has_a_tag_where_there_was_none(to: str, answered: str) -> None:
    error = wrong(text(*without("To"), f"To: {to}", "Content-Length: 9"))
    assert isinstance(error, Broken)
    assert error.response(error.via, "ours").headers.get("to") == answered


# Writing


def test_what_is_written_is_what_is_read() -> None:
    message = request(headers=(("subject", "ünïcode"), ("record-route", "<sip:x;lr>")), body=b"sdp")
    again = parse(message.encode())
    assert isinstance(again, Request)
    assert again.encode() == message.encode()
    assert again.headers.get("content-length") == "3"


def test_a_response_copies_what_it_must_and_takes_a_tag() -> None:
    asked = read("Record-Route: <sip:p;lr>", "Subject: s", "v: SIP/2.0/UDP below")
    ringing = respond(asked, 180, to_tag="ours")
    assert ringing.headers.all("via") == asked.headers.all("via")
    assert ringing.to.tag == "ours"
    assert ringing.headers.get("record-route") == "<sip:p;lr>"
    assert ringing.headers.get("subject") is None
    assert respond(asked, 100, to_tag="ours").to.tag is None
    assert respond(asked, 486, to_tag="ours").headers.get("record-route") is None
    assert (ringing.reason, respond(asked, 299).reason) == ("Ringing", "Unknown")


def test_headers_are_set_and_removed_in_any_case() -> None:
    headers = Headers([("A", "1"), ("b", "2"), ("a", "3")])
    assert headers.all("a") == ["1", "3"]
    headers.set("A", 4)
    assert headers.all("a") == ["4"]
    headers.prepend("a", 0)
    assert headers.get("a") == "0"
    headers.remove("A")
    assert headers.items() == [("b", "2")]
