"""The log is bounded, however many triggers strangers send."""

from __future__ import annotations

import io
from collections.abc import Sequence

from ringback.calls.events import (
    Happening,
    RequestAccepted,
    ReturnDialled,
    SessionEnded,
    SessionEvent,
    Triggered,
    Unproven,
)
from ringback.calls.outcome import Outcome, Stage
from ringback.server.crowds import LINES_A_MINUTE
from ringback.server.log import LogJournal, make_logger

NUMBER = "+447700900123"
TRIGGERED, ACCEPTED = Triggered(NUMBER, "+442071838750"), RequestAccepted(NUMBER)
ABANDONED = SessionEnded(Outcome.ABANDONED, Stage.TRIGGER)
DIALLED = ReturnDialled(NUMBER, "trunk")


class Log:
    def __init__(self) -> None:
        self._written = io.StringIO()
        self._now = 0.0
        logger = make_logger(as_json=False, stream=self._written)
        self._journal = LogJournal(logger, lambda: self._now)

    def tell(self, session: str, at: float, *happenings: Happening) -> None:
        self._now = at
        for happening in happenings:
            self._journal.record(SessionEvent(session, at, happening))

    def lines(self) -> Sequence[str]:
        return self._written.getvalue().splitlines()

    def count(self, words: str) -> int:
        return sum(f"  {words}" in line for line in self.lines())


def test_of_forged_triggers_there_are_few_lines_a_minute_and_the_rest_are_counted() -> None:
    log = Log()
    for number in range(2000):
        log.tell(f"s{number}", number / 2000, TRIGGERED, ACCEPTED)
    for number in range(2000):
        log.tell(f"s{number}", 37 + number / 2000, Unproven("t"), ABANDONED)
    assert len(log.lines()) == 3 * LINES_A_MINUTE + 1
    log.tell("later", 61.0, TRIGGERED)
    assert len(log.lines()) == 3 * LINES_A_MINUTE + 1 + 3 + 1
    assert log.count("WARNING:  1,980 more like it in the minute before, not written: ") == 3


def test_real_triggers_are_all_written() -> None:
    log = Log()
    for number in range(500):
        log.tell(f"s{number}", number / 20, TRIGGERED, ACCEPTED, DIALLED)
    assert (log.count("trigger"), log.count("accepted")) == (500, 500)
    assert log.count("return call dialled") == 500


def test_a_flood_takes_the_lines_of_what_is_not_proven_only() -> None:
    log = Log()
    for number in range(100):
        log.tell(f"forged {number}", 1.0, TRIGGERED)
    for number in range(50):
        log.tell(f"real {number}", 2.0, TRIGGERED, ACCEPTED, DIALLED)
        log.tell(f"real {number}", 3.0, SessionEnded(Outcome.COMPLETED, Stage.CONVERSATION))
    assert log.count("trigger") == log.count("accepted") == LINES_A_MINUTE
    assert log.count("return call dialled") == log.count("ended") == 50


def test_what_is_remembered_for_the_log_is_bounded() -> None:
    log = Log()
    for number in range(10_000):
        log.tell(f"s{number}", 1.0, TRIGGERED)
    assert len(log._journal._crowds._by_session) <= LINES_A_MINUTE
