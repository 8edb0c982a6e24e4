"""Answers and what they mean (spec section 5)."""

from __future__ import annotations

import pytest

from ringback.engines.embedded.causes import STATUS, unanswered
from ringback.telephony.port import Cause, Rejection


@pytest.mark.parametrize(
    ("status", "rang", "q850", "cause", "trunk_failed"),
    [
        (486, False, None, Cause.BUSY, False),
        (600, True, None, Cause.BUSY, False),
        (480, False, None, Cause.NO_ANSWER, False),
        (408, True, None, Cause.NO_ANSWER, False),
        (408, False, None, Cause.FAILED, True),
        (603, True, None, Cause.REJECTED, False),
        (607, False, None, Cause.REJECTED, False),
        (608, False, None, Cause.REJECTED, False),
        (404, False, None, Cause.UNALLOCATED, False),
        (410, False, None, Cause.UNALLOCATED, False),
        (484, False, None, Cause.UNALLOCATED, False),
        (604, False, None, Cause.UNALLOCATED, False),
        (503, False, None, Cause.FAILED, True),
        (503, True, None, Cause.FAILED, False),
        (403, False, None, Cause.FAILED, True),
        (488, False, None, Cause.FAILED, True),
        (302, False, None, Cause.FAILED, False),
        (None, False, None, Cause.FAILED, True),
        (480, True, 17, Cause.BUSY, False),
        (503, True, 21, Cause.REJECTED, False),
    ],
)
def test_an_answer_and_its_cause(
    status: int | None, rang: bool, q850: int | None, cause: Cause, trunk_failed: bool
) -> None:
    ending = unanswered(status, rang=rang, q850=q850)
    assert (ending.cause, ending.trunk_failed) == (cause, trunk_failed)


def test_a_second_challenge_fails_the_trunk() -> None:
    assert unanswered(401, rang=False, challenged_twice=True).trunk_failed
    assert not unanswered(401, rang=False).trunk_failed


def test_487_is_ours_only_where_we_withdrew_the_call() -> None:
    ours = unanswered(487, rang=True, withdrawn=True)
    assert (ours.cause, ours.by_us, ours.code) == (Cause.CANCELLED, True, 487)
    theirs = unanswered(487, rang=True)
    assert (theirs.cause, theirs.by_us) == (Cause.FAILED, False)
    assert unanswered(486, withdrawn=True).cause is Cause.BUSY, "it crossed our CANCEL"


def test_every_rejection_has_a_status() -> None:
    assert STATUS.keys() == set(Rejection)
