"""URIs and structured header values (RFC 3261 sections 19.1, 20.10, 20.16 and 20.42)."""

from __future__ import annotations

import pytest

from ringback.sip.errors import SipError
from ringback.sip.uri import CSeq, NameAddr, SipUri, Via, parse_params, split_unquoted


@pytest.mark.parametrize(
    ("text", "user", "host", "port", "params"),
    [
        ("sip:alice@example.com", "alice", "example.com", None, {}),
        ("SIPS:alice@EXAMPLE.com:5061", "alice", "EXAMPLE.com", 5061, {}),
        ("sip:192.0.2.1", None, "192.0.2.1", None, {}),
        ("sip:[2001:db8::1]:5070", None, "[2001:db8::1]", 5070, {}),
        ("sip:+44123;ext=1@x;user=phone;lr", "+44123;ext=1", "x", None,
         {"user": "phone", "lr": None}),
        ("sip:a@x;A=1;a=2", "a", "x", None, {"a": "1"}),
        ("sip:sip%3Auser%40example.com@x", "sip%3Auser%40example.com", "x", None, {}),
        ("sip:1002#44^|{}@x", "1002#44^|{}", "x", None, {}),
        ("sip:ä%zz%4@x", "ä%zz%4", "x", None, {}),
        ("sip:a@x;p=a,b\\;q", "a", "x", None, {"p": "a,b\\", "q": None}),
        ("sip:a@host.example.com.", "a", "host.example.com.", None, {}),
    ],
)  # fmt: skip
def test_a_sip_uri(
    text: str, user: str | None, host: str, port: int | None, params: dict[str, str | None]
) -> None:
    uri = SipUri.parse(text)
    assert (uri.user, uri.host, uri.port, dict(uri.params)) == (user, host, port, params)
    assert SipUri.parse(str(uri)) == uri


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("sip:+442071838750@x", "+442071838750"),
        ("sip:%2B442071838750@x", "+442071838750"),
        ("sip:+442071838750;npdi;rn=1@x", "+442071838750"),
        ("sip:alice:secret@x", "alice"),
        ("tel:+44-20-7183.8750;phone-context=x", "+442071838750"),
        ("tel:+44(20)71838750", "+442071838750"),
        ("sip:+44-20-7183.8750@x;user=phone", "+442071838750"),
        ("sip:a-1@x", "a-1"),
        ("sip:x", ""),
        ("http://example.com/442071838750", ""),
        ("urn:442071838750", ""),
    ],
)
def test_the_number_in_a_uri(text: str, number: str) -> None:
    assert SipUri.parse(text).number == number


@pytest.mark.parametrize(
    "text",
    ["", "sip:", "sip", "sip:@", "sip:a@", "sip:a@b@c", "sip:a b@c", "sip:a@c:99999",
     "sip:a@c:0x1", "sip:a@c:", "sip:a@-c", "sip:a@c>", 'sip:a"@c', "sip:a@[::1", "sip:a\\b@c",
     "sip:a\0@c", "sip:a@c\r\nVia: x", "tel:", "tel:alice", "1http:a", "http:a b", ":a"],
)  # fmt: skip
def test_what_is_no_uri(text: str) -> None:
    with pytest.raises(SipError):
        SipUri.parse(text)


@pytest.mark.parametrize("text", ["http://example.com/", "mailto:a@b", "nobody:anything"])
def test_a_uri_of_another_scheme_is_read_and_is_for_no_call(text: str) -> None:
    uri = SipUri.parse(text)
    assert not uri.is_telephone
    assert str(uri) == text


@pytest.mark.parametrize(
    ("text", "display", "uri", "tag"),
    [
        ("<sip:a@x>;tag=1", None, "sip:a@x", "1"),
        ("sip:a@x;tag=1", None, "sip:a@x", "1"),  # the parameter is the header's
        ("<sip:a@x;tag=1>", None, "sip:a@x;tag=1", None),
        ("Anna Bell <sip:a@x> ; tag = 1", "Anna Bell", "sip:a@x", "1"),
        ('"Anna \\"Ann\\" B<e>ll, \\\\"<sip:a@x>', 'Anna "Ann" B<e>ll, \\', "sip:a@x", None),
        ('"" <sip:a@x>', "", "sip:a@x", None),
        ("  <sip:a@x>  ", None, "sip:a@x", None),
        ("<sip:a@x>;TAG=1;tag=2", None, "sip:a@x", "1"),
        ("<sip:a@x>;tag", None, "sip:a@x", None),
        ('<sip:a@x>;p="a;tag=2";tag=1', None, "sip:a@x", "1"),
        ("<sip:a@x>;p=\\;q=<;tag=1", None, "sip:a@x", "1"),
        ('sip:a@x:5;+sip.instance="<urn:x:0>";audio;tag=1', None, "sip:a@x:5", "1"),
        ("sip:a@x?h=v;tag=1", None, "sip:a@x?h=v", "1"),
        ("< sip:a@x >;tag=1", None, "sip:a@x", "1"),
        ("José Núñez <sip:a@x>;tag=1", "José Núñez", "sip:a@x", "1"),
        ("Bell, Alexander <sip:a@x>;tag=1", "Bell, Alexander", "sip:a@x", "1"),
        ("A: B <sip:a@x>;tag=1", "A: B", "sip:a@x", "1"),
        ("sip:100 <sip:a@x>;tag=1", "sip:100", "sip:a@x", "1"),
        ("<sip:a@x>;tag=", None, "sip:a@x", None),
    ],
)
def test_an_address(text: str, display: str | None, uri: str, tag: str | None) -> None:
    address = NameAddr.parse(text)
    assert (address.display, str(address.uri), address.tag) == (display, uri, tag)
    again = NameAddr.parse(str(address))
    assert (again.display or None, again.uri, again.tag) == (display or None, address.uri, tag)


@pytest.mark.parametrize(
    "text",
    ["", "<>", "<sip:a@x", "sip:a@x>", '"A <sip:a@x>', '"A" sip:a@x', "sip:a@x, sip:b@x",
     "<sip:a@x> behind", "<sip:a@x>;p=\"", "*", "a;b <sip:a@x", 'A "B" <sip:a@x>'],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(SipError):
        NameAddr.parse(text)


def test_a_tag_is_put_on() -> None:
    assert str(NameAddr.parse("A <sip:a@x>;p=1").with_tag("t")) == "A <sip:a@x>;p=1;tag=t"
    assert str(NameAddr.parse('"A" <sip:a@x>;tag=').with_tag("t")) == '"A" <sip:a@x>;tag=t'
    assert NameAddr.read(str(NameAddr.read('"A <sip:a@x>').with_tag("t"))).tag == "t"


@pytest.mark.parametrize(
    ("text", "host", "port", "branch"),
    [
        ("SIP/2.0/UDP 192.0.2.1:5080;branch=z9hG4bK1", "192.0.2.1", 5080, "z9hG4bK1"),
        ("SIP / 2.0 / UDP  first.example.com: 4000;ttl=16 ;branch =z9hG4bK1",
         "first.example.com", 4000, "z9hG4bK1"),
        ("sip/2.0/tcp [2001:db8::9:1] ; Branch=z9hG4bK1", "[2001:db8::9:1]", None, "z9hG4bK1"),
        ("SIP/2.0/UNKNOWN x", "x", None, None),
    ],
)  # fmt: skip
def test_a_via(text: str, host: str, port: int | None, branch: str | None) -> None:
    via = Via.parse(text)
    assert (via.host, via.port, via.branch) == (host, port, branch)
    assert Via.parse(str(via)) == via


@pytest.mark.parametrize(
    "text",
    ["", "SIP/2.0/UDP", "SIP/2.0 x", "UDP x", "SIP/2.0/UDP x y", "SIP/2.0/UDP x:y",
     "SIP/2.0/UDP x:123456", "SIP/2.0/UDP x branch=1", "SIP/2.0/UDP x,y"],
)  # fmt: skip
def test_what_is_no_via(text: str) -> None:
    with pytest.raises(SipError):
        Via.parse(text)


def test_a_run_of_white_space_is_read_once() -> None:
    """It was once tried in every way it can be divided: seconds for one datagram."""
    with pytest.raises(SipError):
        Via.parse("SIP/2.0/UDP x" + " " * 16_000 + "y")


def test_cseq() -> None:
    assert CSeq.parse(" 0009 \t INVITE ") == CSeq(9, "INVITE")
    assert str(CSeq(9, "INVITE")) == "9 INVITE"
    assert CSeq.parse(f"{2**31 - 1} BYE").number == 2**31 - 1


def test_separators_in_quotes_and_brackets_do_not_count() -> None:
    assert split_unquoted('a,"b,\\"c",<d,e>,f', ",") == ["a", '"b,\\"c"', "<d,e>", "f"]
    assert split_unquoted("a;b", ";") == ["a", "b"]
    with pytest.raises(SipError):
        split_unquoted('a,"b', ",")


def test_parameters() -> None:
    assert parse_params(' ; a = 1 ;B; c="x;y" ;; a=2;d=') == {
        "a": "1",
        "b": None,
        "c": "x;y",
        "d": "",
    }
