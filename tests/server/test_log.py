"""The log: each reason of refusal once a minute and trunk, with its mending."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from ringback.calls.events import (
    Abandoned,
    GuardReached,
    Happening,
    SessionEvent,
    Triggered,
    TriggerRefused,
    Unproven,
)
from ringback.calls.events.mending import mended
from ringback.calls.outcome import Outcome, Reason, refused
from ringback.server.log import LogJournal, make_logger
from ringback.server.repeats import MOST, Repeats


class Log:
    """A log in memory, with a clock of its own."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._stream = io.StringIO()
        logger = make_logger(as_json=True, stream=self._stream)
        self.journal = LogJournal(logger, lambda: self.now)

    def tell(self, *happenings: Happening) -> list[dict[str, Any]]:
        """What is written of these."""
        before = len(self._stream.getvalue())
        for happening in happenings:
            self.journal.record(SessionEvent("s", 0.0, happening))
        return [json.loads(line) for line in self._stream.getvalue()[before:].splitlines()]

    def lines(self) -> list[str]:
        return [json.loads(line)["event"] for line in self._stream.getvalue().splitlines()]


def unlisted(reason: str = "+447700900123 is not listed", trunk: str = "t") -> TriggerRefused:
    return TriggerRefused(Outcome.REFUSED_UNLISTED, reason, trunk)


def test_a_reason_is_told_once_a_minute_and_trunk() -> None:
    log = Log()
    assert len(log.tell(unlisted(), unlisted("+447700900124 is not listed"))) == 1
    assert len(log.tell(unlisted(trunk="other"))) == 1
    assert len(log.tell(unlisted("'alice' is no number"), unlisted("'bob' is no number"))) == 1
    log.now += 59.9
    assert log.tell(unlisted()) == []
    log.now += 0.1
    (line,) = log.tell(unlisted())
    assert line["left_out"] == 2
    log.now += 60.0
    (line,) = log.tell(unlisted())
    assert "left_out" not in line


def test_what_strangers_write_makes_no_kind_of_its_own() -> None:
    log = Log()
    for number in range(100):
        for text in (f"a{number}", f"a'{number}x", f"a'\"\\{number}y", f"\x07{number}z"):
            log.tell(unlisted(f"{text!r} is no number: have the trunk send one"))
    assert len(log.lines()) == 1


@pytest.mark.parametrize(
    "happening",
    [
        Abandoned(3.0, 5, "t"),
        Unproven("t"),
        Unproven(None),
        GuardReached("calls_per_hour", "server", "+44", "+447700900123", "30", "30"),
    ],
)
def test_so_is_every_other_way_to_come_to_nothing(happening: Happening) -> None:
    assert len(Log().tell(happening, happening)) == 1


def test_of_reasons_none_hides_another() -> None:
    log = Log()
    told = [TriggerRefused(refused(reason), "why", "t") for reason in Reason]
    assert len(log.tell(*told, *told)) == len(told)


def test_what_is_no_refusal_is_always_told() -> None:
    ring = Triggered(None, "+442071838750")
    ordered = TriggerRefused(Outcome.REFUSED_NO_RATE, "by order")
    assert len(Log().tell(ring, ring, ordered, ordered)) == 4


def test_a_trouble_may_be_one_of_many_alike() -> None:
    log = Log()
    for _ in range(3):
        log.journal.trouble(None, "no extension", alike=("no access number", "t"), trunk="t")
        log.journal.trouble(None, "another fault")
    assert log.lines() == ["no extension", *["another fault"] * 3]


SAID_BY_THE_VERDICT = {
    *(Reason.SUSPENDED, Reason.DISABLED),
    *(Reason.HIDDEN, Reason.UNLISTED, Reason.UNVERIFIED, Reason.OUT_OF_HOURS),
}


@pytest.mark.parametrize("reason", sorted(set(Reason) - SAID_BY_THE_VERDICT))
def test_a_line_says_what_to_do(reason: Reason) -> None:
    outcome = refused(reason)
    assert mended(outcome, "x").startswith("x: ")
    assert mended(outcome, "x: see rates") == "x: see rates"
    if reason is not Reason.DUPLICATE:  # a return call is never one
        assert mended(Outcome(reason), "x") == mended(outcome, "x")


def test_kinds_of_lines_are_bounded() -> None:
    """Whatever strangers send, so many lines a minute and no more, in bounded memory."""
    repeats = Repeats()
    written = [repeats.left_out((str(number),), 0.0) for number in range(5 * MOST)]
    assert [each is not None for each in written] == [True] * MOST + [False] * 4 * MOST
    assert len(repeats._written) == len(repeats._left_out) == MOST
    for number in range(3 * MOST):
        repeats.left_out((f"later {number}",), 60.0)
    assert len(repeats._written) == MOST >= len(repeats._left_out)
