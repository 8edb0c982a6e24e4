"""What is kept of a trigger for which there is no room."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.engines.embedded.rejectedleg import read_facts, write_facts
from ringback.sip.tickets import LONGEST_FACTS
from ringback.telephony.calling import HIDDEN, CallingNumber, known, unreadable
from ringback.telephony.port import Trigger

CALLING = CallingNumber("07700900123", "+447700900123", "it may be two", ("+7700900123",))
TRIGGER = Trigger(
    trunk="london-1",
    called="+442071838750",
    calling=known("+447700900123"),
    caller_name="A. Reed",
    diverted_by=None,
    verification="passed",
    at=1000.0,
)


@pytest.mark.parametrize("calling", [TRIGGER.calling, CALLING, HIDDEN])
def test_a_trigger_is_known_again(calling: CallingNumber) -> None:
    trigger = replace(TRIGGER, calling=calling)
    again = read_facts(write_facts(trigger), 1000.5)
    assert again == replace(trigger, at=1000.5, rejected=True)


def test_it_is_short() -> None:
    assert len(write_facts(TRIGGER)) < 120, "a tag of it has fewer than 180 characters"


def test_repeated_it_is_written_alike() -> None:
    assert write_facts(replace(TRIGGER, at=1003.0)) == write_facts(TRIGGER)


_texts = st.text(st.characters(min_codepoint=32))


@settings(derandomize=True)
@given(
    called=_texts,
    received=_texts,
    name=st.none() | st.text(st.characters(min_codepoint=32), max_size=80),
    diverted_by=st.none() | _texts,
)
def test_whatever_it_says_can_be_written_and_read(
    called: str, received: str, name: str | None, diverted_by: str | None
) -> None:
    trigger = Trigger(
        "t" * 40, called, unreadable(received, "no number"), name, diverted_by, None, 0.0
    )
    written = write_facts(trigger)
    again = read_facts(written, 1.0)
    assert (again.calling, again.caller_name) == (trigger.calling, name)
    assert called.startswith(again.called)
    assert len(written) <= LONGEST_FACTS or len(f"{called}{received}{name}{diverted_by}") > 150
