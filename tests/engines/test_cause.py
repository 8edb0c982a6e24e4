"""Answers and what they mean (spec section 5)."""

from __future__ import annotations

import pytest

from ringback.engines.cause import failure
from ringback.telephony.port import Outcome


@pytest.mark.parametrize(
    ("status", "rang", "q850", "outcome", "trunk_failed"),
    [
        (486, False, None, Outcome.BUSY, False),
        (600, True, None, Outcome.BUSY, False),
        (480, False, None, Outcome.NO_ANSWER, False),
        (408, True, None, Outcome.NO_ANSWER, False),
        (408, False, None, Outcome.FAILED, True),
        (603, True, None, Outcome.REJECTED, False),
        (607, False, None, Outcome.REJECTED, False),
        (608, False, None, Outcome.REJECTED, False),
        (404, False, None, Outcome.UNALLOCATED, False),
        (410, False, None, Outcome.UNALLOCATED, False),
        (484, False, None, Outcome.UNALLOCATED, False),
        (604, False, None, Outcome.UNALLOCATED, False),
        (503, False, None, Outcome.FAILED, True),
        (503, True, None, Outcome.FAILED, False),
        (403, False, None, Outcome.FAILED, True),
        (488, False, None, Outcome.FAILED, True),
        (302, False, None, Outcome.FAILED, False),
        (None, False, None, Outcome.FAILED, True),
        (480, True, 17, Outcome.BUSY, False),
        (503, True, 21, Outcome.REJECTED, False),
    ],
)
def test_failure(
    status: int | None, rang: bool, q850: int | None, outcome: Outcome, trunk_failed: bool
) -> None:
    cause = failure(status, rang=rang, q850=q850)
    assert (cause.outcome, cause.trunk_failed) == (outcome, trunk_failed)


def test_a_second_challenge_fails_the_trunk() -> None:
    assert failure(401, rang=False, challenged_twice=True).trunk_failed
    assert not failure(401, rang=False).trunk_failed
