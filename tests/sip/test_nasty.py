"""Whatever bytes come: a message or the one error type, and at once.

Nothing here measures time: a pattern that takes forever on one of these stops the suite.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.sip.nasty import CALL, CORPUS, GOOD
from tests.sip.useragents import PEER, Alone

from ringback.sip.digest import read_challenge
from ringback.sip.errors import SipError
from ringback.sip.headers import Headers
from ringback.sip.message import Request, SipMessage, parse
from ringback.sip.sdp import LocalAudio, SdpError, make_answer, make_offer, read_answer
from ringback.sip.uri import CSeq, NameAddr, SipUri, Via

OURS = LocalAudio("192.0.2.1", 4000, ("PCMA", "PCMU"), session=7)


def pieces(*more: bytes) -> st.SearchStrategy[bytes]:
    """Bytes among which those that mean something are frequent."""
    meaning = [*(bytes([byte]) for byte in b'\r\n\t :;,<>"\\@%=/?&()[]*+.0aS\0\xff'), *more]
    return st.lists(st.sampled_from(meaning) | st.binary(max_size=3), max_size=60).map(b"".join)


def spliced(good: bytes, *more: bytes) -> st.SearchStrategy[bytes]:
    """A good text with one stretch replaced."""
    place = st.integers(0, len(good))
    return st.builds(
        lambda start, length, middle: good[:start] + middle + good[start + length :],
        place,
        st.integers(0, 12),
        pieces(*more),
    )


_WORDS = (b"\r\n\r\n", b"\r\n ", b"SIP/2.0", b"INVITE ", b"sip:", b"Via: ", b"Content-Length: ")


def use(message: SipMessage) -> None:
    """Read whatever is read lazily."""
    for name in ("from_", "to", "via", "cseq"):
        getattr(message, name)
    for name in ("contact", *(["target"] if isinstance(message, Request) else [])):
        try:
            getattr(message, name)
        except SipError:
            continue


@given(data=st.binary(max_size=200) | pieces(*_WORDS) | spliced(GOOD, *_WORDS))
@settings(max_examples=600, deadline=None)
@example(data=b"\r\n" * 30_000)
@example(data=b" " * 60_000)
@example(data=GOOD[:-2] + b"a: b\r\n" * 10_000 + b"\r\n")
@example(data=b"A" * 60_000 + b"\r\n\r\n")
def test_any_bytes_are_a_message_or_the_one_error(data: bytes) -> None:
    try:
        message = parse(data)
    except SipError as error:
        assert error.reason
        assert 400 <= error.status < 600
        return
    use(message)
    again = parse(message.encode())
    assert again.encode() == message.encode(), "what was read is written as it was read"


@given(text=st.text(max_size=60) | pieces().map(lambda data: data.decode("latin-1")))
@settings(max_examples=300, deadline=None)
def test_any_value_is_read_or_the_one_error(text: str) -> None:
    for read in (SipUri.parse, NameAddr.parse, Via.parse, CSeq.parse):
        try:
            value = read(text)
        except SipError:
            continue
        assert read(str(value)) == value
    headers = Headers([("www-authenticate", f"Digest {text}")])
    try:
        read_challenge(401, headers)
    except SipError:
        pass


@given(
    body=st.binary(max_size=200)
    | spliced(make_offer(OURS), b"m=", b"a=rtpmap:", b"c=IN IP4 ", b"\r\n", b"99999999999")
)
@settings(max_examples=400, deadline=None)
def test_any_body_is_a_description_or_the_one_error(body: bytes) -> None:
    try:
        made = make_answer(body, OURS)
        read_answer(body, OURS)
    except SdpError:
        return
    if made is not None:
        answer, agreed = made
        again = read_answer(answer, OURS)
        assert again is not None, "what we write can be read"
        assert again.codec == agreed.codec


@pytest.mark.parametrize("name", CORPUS)
def test_what_becomes_of_the_nasty_ones(name: str) -> None:
    data, expected = CORPUS[name]
    ua = Alone()
    ua.agent.receive(data, PEER, ua.now)
    sent = [data for data, _ in ua.agent.datagrams()]
    call = ua.agent.next_call()
    if isinstance(expected, int):
        assert [data[:11] for data in sent] == [b"SIP/2.0 %d" % expected]
        assert len(sent[0]) < len(data) + 200, "an answer is no amplifier"
        assert call is None
    else:
        assert sent == []
        assert (call is not None) is (expected == CALL)
    if call is not None:
        call.ring(ua.now)
        (ringing,) = ua.out()
        assert [name for name, _ in ringing.headers.items()].count("via") >= 1
        assert ringing.call_id == call.request.call_id
