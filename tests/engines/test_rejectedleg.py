"""What is kept of a trigger for which there is no room."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sip.useragents import request

from ringback.engines.embedded.identity import READ, read_trigger
from ringback.engines.embedded.rejectedleg import read_facts, write_facts
from ringback.sip.headers import Headers
from ringback.sip.message import Request, parse
from ringback.telephony.port import Trigger
from ringback.telephony.trunks import Trunk

CALLED = "<sip:+442071838750@192.0.2.1>"
EVERYTHING = (
    ("p-asserted-identity", '"A. Reed" <sip:+447700900123;verstat=TN-Validation-Passed@carrier>'),
    ("p-asserted-identity", "<tel:+447700900123>"),
    ("p-called-party-id", CALLED),
    ("privacy", "none"),
    ("diversion", "<sip:+442079460000@carrier>;reason=no-answer"),
    ("history-info", "<sip:+442079460001@x>;index=1, <sip:+442071838750@x>;index=1.1"),
    ("subject", "what nobody reads"),
)
TRUNKS = [
    Trunk("plain", "192.0.2.2"),
    Trunk("trusted", "192.0.2.2", trust_pai=True),
    Trunk("to", "192.0.2.2", called_from="to"),
    Trunk("party", "192.0.2.2", trust_pai=True, called_from="p_called_party_id"),
]


def invite(headers: tuple[tuple[str, str], ...] = ()) -> Request:
    message = request(headers=headers, uri="sip:442071838750@192.0.2.1")
    message.headers.set("from", '"Ümit \\"U\\" Reed" <sip:447700900124@192.0.2.2>;tag=theirs')
    read = parse(message.encode())
    assert isinstance(read, Request)
    return read


def again(message: Request, trunk: Trunk) -> Trigger:
    name, known = read_facts(write_facts(message, trunk))
    assert name == trunk.name
    return read_trigger(known, trunk, 1.0)


@pytest.mark.parametrize("trunk", TRUNKS, ids=lambda trunk: trunk.name)
@pytest.mark.parametrize("without", [None, *dict(EVERYTHING)])
def test_a_trigger_is_known_again(trunk: Trunk, without: str | None) -> None:
    message = invite(tuple(each for each in EVERYTHING if each[0] != without))
    assert again(message, trunk) == read_trigger(message, trunk, 1.0)


class Noted:
    """Headers that note which of them are asked for."""

    def __init__(self, headers: Headers, asked: set[str]) -> None:
        self._headers = headers
        self._asked = asked

    def __getattr__(self, method: str) -> Callable[..., Any]:
        def note(name: str, *arguments: Any, **named: Any) -> Any:
            self._asked.add(name)
            return getattr(self._headers, method)(name, *arguments, **named)

        return note


def test_all_that_is_read_of_a_trigger_is_kept() -> None:
    """A header that is read, but not kept, would be missing from triggers in a flood."""
    asked: set[str] = set()
    for trunk in TRUNKS:
        message = invite(EVERYTHING)
        message.headers = Noted(message.headers, asked)  # type: ignore[assignment]
        read_trigger(message, trunk, 1.0)
        message = invite(tuple(each for each in EVERYTHING if each[0] != "diversion"))
        message.headers = Noted(message.headers, asked)  # type: ignore[assignment]
        read_trigger(message, trunk, 1.0)
    assert asked == set(READ)


def test_it_is_short() -> None:
    assert len(write_facts(invite(EVERYTHING), TRUNKS[0])) < 400
    assert len(write_facts(invite(), TRUNKS[0])) < 140, "a tag of it has some 200 characters"


def test_repeated_it_is_written_alike() -> None:
    assert write_facts(invite(EVERYTHING), TRUNKS[1]) == write_facts(invite(EVERYTHING), TRUNKS[1])


@settings(derandomize=True)
@given(st.sampled_from(READ[2:]), st.text(st.characters(codec="utf-8"), max_size=50))
def test_whatever_it_says_can_be_written_and_read(header: str, value: str) -> None:
    message = request(headers=((header, value),))
    for trunk in TRUNKS:
        assert again(message, trunk) == read_trigger(message, trunk, 1.0)


def test_what_is_no_utf_8_is_kept_too() -> None:
    data = invite((("privacy", "xxx"),)).encode().replace(b"xxx", b"\xff\xfe")
    message = parse(data)
    assert isinstance(message, Request)
    _, known = read_facts(write_facts(message, TRUNKS[1]))
    assert known.headers.get("privacy") == message.headers.get("privacy")
