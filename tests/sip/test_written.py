"""What is written can be read again, and means the same."""

from __future__ import annotations

import json

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from tests.sip.nasty import GOOD
from tests.sip.test_nasty import pieces, spliced
from tests.sip.useragents import PEER, Alone, reply, request

from ringback.engines import saved
from ringback.sip.dialog import Dialog
from ringback.sip.digest import authorize, read_challenge
from ringback.sip.errors import SipError
from ringback.sip.headers import Headers
from ringback.sip.hop import Hop
from ringback.sip.message import Request, parse
from ringback.sip.uri import (
    NameAddr,
    SipUri,
    Via,
    format_params,
    parse_params,
    quoted,
    sip_uri,
    unquoted,
)

TEXT = st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=20) | st.text(
    '\\";,<>= \tabé', max_size=12
)
NAME = st.text("abcdefgh-.!%*_+`'~0123456789", min_size=1, max_size=8)
PARAMS = st.dictionaries(NAME, st.none() | TEXT, max_size=4)
TOKEN = st.text("abcABC0123456789-.", min_size=1, max_size=10)


@given(text=TEXT)
def test_a_quoted_text(text: str) -> None:
    assert unquoted(quoted(text)) == text


@given(params=PARAMS)
@example(params={"x": "\\"})
@example(params={"x": '"', "y": '\\"', "z": ""})
def test_parameters(params: dict[str, str | None]) -> None:
    assert parse_params(format_params(params)) == params


@given(user=TEXT, host=st.sampled_from(["192.0.2.1", "a.example", "2001:db8::1"]))
def test_a_uri_for_whatever_user(user: str, host: str) -> None:
    uri = SipUri.parse(sip_uri(user, host, 5070))
    assert SipUri.parse(str(uri)) == uri
    assert uri.port == 5070
    assert uri.is_telephone


@given(display=st.none() | TEXT.filter(bool), params=PARAMS, user=TEXT, tag=TOKEN)
def test_an_address(
    display: str | None, params: dict[str, str | None], user: str, tag: str
) -> None:
    uri = SipUri.parse(sip_uri(user, "192.0.2.1", 5060))
    address = NameAddr(uri, display, params).with_tag(tag)
    assert NameAddr.parse(str(address)) == address
    assert NameAddr.read(str(address)) == address
    assert NameAddr.read(str(address)).tag == tag


@given(text=TEXT, tag=TOKEN)
@example(text='"A <sip:a@x>', tag="t")
@example(text='<sip:a@x>;x="', tag="t")
@example(text="<sip:a@x>;x=<", tag="t")
@settings(max_examples=400)
def test_a_tag_put_on_whatever_came(text: str, tag: str) -> None:
    """What we put on To is found again in the ACK."""
    try:
        came = NameAddr.read(text)
    except SipError:
        return
    assume(came.tag is None)
    assert NameAddr.read(str(came.with_tag(tag))).tag == tag


@given(params=PARAMS, port=st.none() | st.integers(0, 65535))
def test_a_via(params: dict[str, str | None], port: int | None) -> None:
    via = Via("UDP", "192.0.2.1", port, params)
    assert Via.parse(str(via)) == via
    seen = via.with_params({"received": "192.0.2.9", "rport": "5070"})
    assert Via.parse(str(seen)) == seen
    assert seen.params == {**params, "received": "192.0.2.9", "rport": "5070"}


@given(text=TEXT)
def test_a_via_as_it_came_keeps_what_it_had(text: str) -> None:
    try:
        via = Via.parse(f"SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;rport;{text}")
    except SipError:
        return
    seen = str(via.with_params({"rport": "5070"}))
    assert Via.parse(seen).params == {**via.params, "rport": "5070"}
    assert seen.endswith(";rport=5070")


@given(
    fields=st.lists(st.tuples(TOKEN, TEXT.map(str.strip)), max_size=5),
    body=st.binary(max_size=40),
)
def test_a_message(fields: list[tuple[str, str]], body: bytes) -> None:
    once = ("via", "from", "to", "call-id", "cseq", "content-length")
    assume(not any(name.lower() in once or len(name) == 1 for name, _ in fields))
    message = request(headers=tuple(fields), body=body)
    again = parse(message.encode())
    assert isinstance(again, Request)
    assert again.encode() == message.encode()
    assert again.body == body


@given(data=spliced(GOOD, b"\\", b'"', b"tag=", b";x=", b"\xff") | pieces())
@settings(max_examples=300, deadline=None)
def test_a_dialog_of_whatever_came(data: bytes) -> None:
    """To JSON, as the engine stores it, and back."""
    try:
        message = parse(data)
    except SipError:
        return
    assume(isinstance(message, Request))
    assert isinstance(message, Request)
    dialog = Dialog.of_request(message, "ours", PEER)
    text = saved.write("embedded", "node", dialog.to_json())
    again = Dialog.from_json(saved.read(text, "embedded"))
    assert again.key == dialog.key
    assert again.to_json() == dialog.to_json()
    ours, theirs = dialog.request("BYE"), again.request("BYE")
    assert ours.encode() == theirs.encode()


@given(host=TEXT, port=st.integers(1, 65535))
def test_a_hop(host: str, port: int) -> None:
    hop = Hop("udp", host, port)
    assert Hop.from_json(json.loads(json.dumps(hop.to_json()))) == hop


@given(realm=TEXT, nonce=TEXT.filter(bool), opaque=TEXT, user=TEXT)
def test_the_answer_to_a_challenge(realm: str, nonce: str, opaque: str, user: str) -> None:
    asked = f"Digest realm={quoted(realm)}, nonce={quoted(nonce)}, opaque={quoted(opaque)}"
    challenge = read_challenge(401, Headers([("www-authenticate", asked)]))
    assert challenge is not None
    assert (challenge.realm, challenge.nonce, challenge.opaque) == (realm, nonce, opaque)
    value = authorize(challenge, "INVITE", "sip:x", user, "secret", "cnonce")
    again = read_challenge(401, Headers([("www-authenticate", value)]))
    assert again is not None
    assert (again.realm, again.nonce, again.opaque) == (realm, nonce, opaque)


@given(text=TEXT)
def test_what_a_response_says_of_a_call_of_ours(text: str) -> None:
    """Each header of a 2xx in turn: what we send after it can be read."""
    for name in ("contact", "record-route", "reason", "require", "allow"):
        ua = Alone()
        call, invite = ua.dial()
        answer = reply(invite, 200, contact=None, headers=((name, text),))
        ua.give(answer)
        call.bye(ua.now)
        assert [message.call_id for message in ua.out()] == [invite.call_id]
