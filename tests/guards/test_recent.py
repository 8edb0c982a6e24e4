"""The return calls of the last hour: never fewer than there were, none for over a minute more."""

from __future__ import annotations

import json

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from ringback.guards.recent import EXACT, HOUR, MINUTE, Recent, calls_in_last_hour, with_call

NOW = 1_800_000_000.0


def after(instants: list[float]) -> Recent:
    recent: Recent = []
    for at in instants:
        recent = with_call(recent, at)
    return recent


def test_a_few_are_exact() -> None:
    recent = after([NOW + 10.5 * n for n in range(20)])
    assert calls_in_last_hour(recent, NOW + 300) == 20
    assert calls_in_last_hour(recent, NOW + HOUR - 0.001) == 20
    assert calls_in_last_hour(recent, NOW + HOUR) == 19
    assert calls_in_last_hour(recent, NOW + 10.5 + HOUR) == 18


@seed(1)
@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 120), min_size=1, max_size=300), st.floats(0, 2 * HOUR))
def test_many_are_counted_to_the_minute(gaps: list[float], later: float) -> None:
    instants = [NOW]
    for gap in gaps:
        instants.append(instants[-1] + gap)
    recent = after(instants)
    now = instants[-1] + later
    within = sum(at > now - HOUR for at in instants)
    within_a_minute_more = sum(at > now - HOUR - MINUTE for at in instants)
    assert within <= calls_in_last_hour(recent, now) <= within_a_minute_more
    assert len(recent) <= EXACT + 64
    assert json.loads(json.dumps(recent)) == [list(pair) for pair in recent]


def test_it_stays_small() -> None:
    recent = after([NOW + 0.01 * n for n in range(100_000)])
    assert len(recent) <= EXACT + 64
    assert calls_in_last_hour(recent, NOW + 1000) == 100_000
