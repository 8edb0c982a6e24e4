"""Where we may be sent by what somebody writes into Contact, Record-Route or a description."""

from __future__ import annotations

import pytest
from tests.sip.useragents import reply, request

from ringback.sip.dialog import Dialog
from ringback.sip.hop import Hop, may_name

NEVER = (
    "127.0.0.1",
    "127.9.9.9",
    "[::1]",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "240.0.0.1",
    "0.0.0.0",
    "0.1.2.3",
    "[ff02::1]",
    "[::]",
)


@pytest.mark.parametrize("peer", ["198.51.100.7", "10.0.0.7", "2001:db8::7", "fd00::7"])
@pytest.mark.parametrize("host", NEVER)
def test_nobody_sends_us_to_ourselves_or_to_many(host: str, peer: str) -> None:
    hop = Hop("udp", peer, 5060)
    assert not hop.reaches(host)
    assert not may_name(host, (peer, "192.0.2.2"))
    invite = request()
    for contact, routes in (
        (f"<sip:peer@{host}:5099>", ()),
        ("<sip:peer@192.0.2.9>", (("record-route", f"<sip:{host};lr>"),)),
    ):
        answer = reply(invite, 200, contact=contact, headers=routes)
        assert Dialog.of_response(invite, answer, hop).destination() == hop


@pytest.mark.parametrize(
    ("host", "own", "may"),
    [
        ("127.0.0.1", ("127.0.0.1",), True),
        ("127.0.0.2", ("192.0.2.1", "127.0.0.1"), True),
        ("::1", ("127.0.0.1",), True),
        ("127.0.0.1", (), False),
        ("127.0.0.1", ("a.example",), False),
        ("224.0.0.1", ("127.0.0.1",), False),
        ("192.0.2.9", ("198.51.100.7",), True),
        ("10.0.0.1", ("198.51.100.7",), True),  # of somebody behind a NAT
        ("a.example", ("198.51.100.7",), True),  # judged again once it has been looked up
    ],
)
def test_who_may_name_whom(host: str, own: tuple[str, ...], *, may: bool) -> None:
    assert may_name(host, own) is may


def test_a_trunk_on_loopback_may_name_another_port_there() -> None:
    assert Hop("udp", "127.0.0.1", 5060).reaches("127.0.0.1")
    assert not Hop("udp", "127.0.0.1", 5060).reaches("224.0.0.1")
