"""The watch under random credit: all of it is spent, and the end comes at its instant."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ringback.calls.watch import CUT_LEAD_SECONDS, LAST_LOOK_SECONDS, Task, Watch

BEGUN = 1000.0
grants = st.lists(st.one_of(st.just(0), st.integers(0, 120)), max_size=12)
"""Seconds that each slice brings; 0: there is no credit, which may come later."""


@given(
    st.integers(1, 120), st.integers(60, 900), st.sampled_from((0, 1, 60, 300)), grants,
    st.lists(st.tuples(st.integers(0, 900), st.integers(0, 300)), max_size=3),
)  # fmt: skip
def test_until_the_end(
    first: int, limit: int, warn: int, brought: list[int], recharges: list[tuple[int, int]]
) -> None:
    watch = Watch(funded=BEGUN + first, limit=BEGUN + limit, warn_seconds=warn)
    left, coming = iter(brought), sorted(recharges)
    now, looked, moved, beeps = BEGUN, 0.0, 0.0, []
    end = watch.end
    for _ in range(1000):
        if watch.end != end:
            end, moved = watch.end, now
        at, task = watch.due()
        if coming and BEGUN + coming[0][0] < max(now, at):
            since, more = coming.pop(0)
            now = max(now, BEGUN + since)
            watch.credit_changed(watch.funded + more, now)
            continue
        now = max(now, at)
        match task:
            case Task.CUT:
                break
            case Task.WARN:
                watch.warned()
                beeps.append((now, watch.end))
            case Task.SLICE:
                watch.slicing()
                looked = now
                watch.sliced(watch.funded + next(left, 0), now)
            case Task.SAY_NO_CREDIT:
                raise AssertionError("of leg A alone")
    else:
        raise AssertionError("it never ends")
    assert now == watch.end - CUT_LEAD_SECONDS or now - BEGUN < 1
    assert watch.funded >= watch.limit or watch.end - looked <= LAST_LOOK_SECONDS
    ends = [end for _, end in beeps]
    assert len(ends) == len(set(ends)), "one beep for one end"
    assert all(end - warn <= at < end for at, end in beeps)
    if warn:  # an end that moved when it was too late for its own beep had one before
        assert beeps[-1][0] >= end - warn or moved > end - warn
