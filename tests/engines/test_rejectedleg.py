"""What is kept of a trigger for which there is no room."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ringback.engines.embedded.rejectedleg import read_facts, write_facts
from ringback.sip.tickets import LONGEST_FACTS
from ringback.telephony.port import Trigger

TRIGGER = Trigger(
    trunk="london-1",
    called="+442071838750",
    caller="+447700900123",
    caller_name="A. Reed",
    hidden=False,
    diverted_by=None,
    verification="passed",
    at=1000.0,
)


def test_a_trigger_is_known_again() -> None:
    known = read_facts(write_facts(TRIGGER), 1000.5)
    assert known == Trigger(
        trunk="london-1",
        called="+442071838750",
        caller="+447700900123",
        caller_name="A. Reed",
        hidden=False,
        diverted_by=None,
        verification="passed",
        at=1000.5,
        rejected=True,
    )


def test_it_is_short() -> None:
    assert len(write_facts(TRIGGER)) < 100, "a tag of it has fewer than 160 characters"


def test_repeated_it_is_written_alike() -> None:
    later = Trigger(**{name: getattr(TRIGGER, name) for name in TRIGGER.__slots__} | {"at": 1003.0})
    assert write_facts(later) == write_facts(TRIGGER)


_texts = st.text(st.characters(min_codepoint=32))


@settings(derandomize=True)
@given(
    called=_texts,
    caller=st.none() | st.from_regex(r"\A\+?[0-9]{2,20}\Z"),
    name=st.none() | st.text(st.characters(min_codepoint=32), max_size=80),
    diverted_by=st.none() | _texts,
)
def test_whatever_it_says_fits(
    called: str, caller: str | None, name: str | None, diverted_by: str | None
) -> None:
    trigger = Trigger("t" * 40, called, caller, name, caller is None, diverted_by, None, 0.0)
    written = write_facts(trigger)
    known = read_facts(written, 1.0)
    assert (known.caller, known.caller_name) == (caller, name)
    assert called.startswith(known.called)
    assert len(written) <= LONGEST_FACTS
