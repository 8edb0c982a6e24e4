"""Reading what is not as it should be: what is not needed is not judged (section 8.2.2)."""

from __future__ import annotations

import pytest
from tests.sip.test_message import NEEDED, read, text, without, wrong

from ringback.sip.errors import SipError
from ringback.sip.message import LONGEST_HEAD, MOST_HEADERS, Broken, Request, Response, parse


@pytest.mark.parametrize("name", ["Max-Forwards", "Content-Type", "Expires", "Session-Expires"])
def test_nothing_else_is_judged_for_standing_twice(name: str) -> None:
    assert read(f"{name}: 1", f"{name}: 2").headers.get(name.lower()) == "1"


@pytest.mark.parametrize("name", ["Via", "CSeq"])
def test_a_response_says_which_request_it_answers(name: str) -> None:
    error = wrong(text(*without(name), start="SIP/2.0 200 OK"))
    assert not isinstance(error, Broken), "a response is never answered"


@pytest.mark.parametrize("name", ["From", "To", "Call-ID"])
def test_what_a_response_copies_of_its_request_is_not_needed(name: str) -> None:
    for lines in (without(name), [*NEEDED, f"{name}: <"], [*without(name), f'{name}: "']):
        response = parse(text(*lines, start="SIP/2.0 200 OK"))
        assert response.to.tag is None


@pytest.mark.parametrize(
    "line",
    [
        "INVITE sip:b@x sip/2.0",
        "INVITE  sip:b@x   Sip/2.0",
        " INVITE sip:b@x SIP/2.0",
        "INVITE sip:b@x SIP/2.0 ",
        "INVITE\tsip:b@x\tSIP/2.0",
        "INVITE <sip:b@x> SIP/2.0",
    ],
)
def test_a_request_line_in_other_forms(line: str) -> None:
    message = parse(text(*NEEDED, start=line))
    assert isinstance(message, Request)
    assert (message.method, str(message.target)) == ("INVITE", "sip:b@x")


@pytest.mark.parametrize(
    "line", ["sip/2.0 200 OK", "SIP/2.0 200", "SIP/2.0  200 OK", "Sip/2.0\t200\tOK", "SIP/2.0 200 "]
)
def test_a_status_line_in_other_forms(line: str) -> None:
    message = parse(text(*NEEDED, start=line))
    assert isinstance(message, Response)
    assert message.status == 200
    assert message.answers_invite


def test_a_request_uri_that_cannot_be_read_is_no_matter_until_it_is_needed() -> None:
    message = parse(text(*NEEDED, start="INVITE sip:b@x; lr SIP/2.0"))
    assert isinstance(message, Request)
    with pytest.raises(SipError):
        _ = message.target


@pytest.mark.parametrize("line", ["nothing", ": value", "na me: value", "näme: value", "a\0b: c"])
def test_a_line_that_is_no_header_is_passed_over_with_what_continues_it(line: str) -> None:
    message = parse(text(*NEEDED[:2], line, " folded", "\tagain", *NEEDED[2:]))
    assert message.headers.items() == parse(text(*NEEDED)).headers.items()


def test_white_space_before_the_first_header_is_passed_over() -> None:
    message = parse(text(" folded", *NEEDED))
    assert message.headers.items() == parse(text(*NEEDED)).headers.items()


FAULTS = {
    "a body that was cut off": text(*NEEDED, "Content-Length: 9", body=b"v=0"),
    "a length that is none": text(*NEEDED, "Content-Length: ten", body=b"v=0"),
    "two lengths": text(*NEEDED, "Content-Length: 0", "l: 3", body=b"v=0"),
    "no blank line": text(*NEEDED)[:-2],
    "headers too long": text(*NEEDED, "Subject: " + "x" * LONGEST_HEAD, body=b"v=0"),
    "too many headers": text(*NEEDED, *["A: b"] * MOST_HEADERS, body=b"v=0"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("method", ["BYE", "CANCEL", "ACK"])
def test_of_what_ends_or_confirms_nothing_is_needed_but_what_it_belongs_to(
    fault: str, method: str
) -> None:
    data = FAULTS[fault].replace(b"INVITE", method.encode())
    for start in (b"SIP/2.0", b"SIP/3.0"):
        message = parse(data.replace(b"SIP/2.0\r\n", start + b"\r\n", 1))
        assert isinstance(message, Request)
        assert (message.method, message.call_id, message.body) == (method, "c", b"")


@pytest.mark.parametrize("fault", FAULTS)
def test_an_answer_is_an_answer_whatever_is_wrong_with_it(fault: str) -> None:
    line = b"INVITE sip:b@192.0.2.1 SIP/2.0"
    message = parse(FAULTS[fault].replace(line, b"SIP/2.0 200 OK"))
    assert message.body == b"", "what cannot be read whole is not used"
    assert message.to.uri.user == "b"


def test_another_response_that_was_cut_off_is_dropped() -> None:
    """Section 18.3."""
    cut = (*NEEDED[:4], "Content-Length: 9")
    for start, cseq in (("SIP/2.0 486 Busy", "7 INVITE"), ("SIP/2.0 200 OK", "7 BYE")):
        wrong(text(*cut, f"CSeq: {cseq}", start=start, body=b"v=0"))


@pytest.mark.parametrize("name", ["From", "To"])
@pytest.mark.parametrize(
    "value", ["<sip:a@x;tag=1", '"b <sip:b@x>;tag=1', "<>;tag=1", "sip:a b@x ; Tag = 1", ";tag=1"]
)
def test_of_an_address_that_cannot_be_read_the_tag_is(name: str, value: str) -> None:
    message = parse(text(*without(name), f"{name}: {value}"))
    address = message.from_ if name == "From" else message.to
    assert (address.tag, address.uri.number, str(address)) == ("1", "", value)


@pytest.mark.parametrize("name", ["From", "To"])
@pytest.mark.parametrize(
    "value", ["<sip:a@x>;tag=1, <sip:b@x>;tag=2", "<sip:a@x>;tag=1 2", '"a;tag=1 <sip:a@x>;tag=2']
)
def test_a_tag_in_doubt_is_an_error(name: str, value: str) -> None:
    error = wrong(text(*without(name), f"{name}: {value}"))
    assert isinstance(error, Broken)
    assert "tag" in error.reason
