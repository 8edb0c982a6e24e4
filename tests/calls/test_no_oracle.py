"""The rejection of a trigger call tells nothing of the decision, its instant neither (spec section
4, step 1)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.calls.test_session import accepts_and_dials
from tests.calls.world import ACCESS, CALLER, OTHER_CALLER, World, in_world

from ringback.calls.triggers import rejected_at
from ringback.engines.simulated import Ring
from ringback.engines.simulated.legs import SimulatedTrigger
from ringback.telephony.port import Rejection

RUNG = 1_800_000_005.25


@pytest.mark.parametrize(
    ("stored_after", "steps"),
    [(-3.0, 1), (0.0, 1), (0.0004, 1), (0.0999, 1), (0.1001, 2), (0.25, 3), (7.05, 71)],
)
def test_at_the_next_full_100_ms_after_the_commit(stored_after: float, steps: int) -> None:
    assert rejected_at(RUNG, RUNG + stored_after) == pytest.approx(RUNG + steps * 0.1, abs=1e-6)


@settings(derandomize=True)
@given(st.floats(-100, 1000))
def test_never_before_it_is_stored_nor_a_step_too_late(stored_after: float) -> None:
    at = rejected_at(RUNG, RUNG + stored_after) - RUNG
    assert at == pytest.approx(round(at / 0.1) * 0.1, abs=1e-6) and at >= 0.1 - 1e-6
    assert stored_after - 1e-6 <= at <= max(0.1, stored_after + 0.1) + 1e-6


KINDS: dict[str, dict[str, Any]] = {
    "accepted": {"caller": CALLER},
    "unlisted": {"caller": "+447700999999"},
    "hidden": {"caller": None},
    "disabled": {"caller": OTHER_CALLER},
    "no number": {"caller": "12"},
    "duplicate": {"caller": CALLER, "before": 1},
    "counted": {"caller": "+447700999999", "before": 12},
}
"""Who rings, and how often just before."""

LISTED: list[dict[str, Any]] = [
    {"number": CALLER, "credit": "5.00", "order_number": "1"},
    {"number": OTHER_CALLER, "enabled": False},
]


def rejected_after(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caller: str | None,
    store_seconds: Callable[[World], float],
    before: int = 0,
) -> float:
    """Seconds from the last trigger's arrival to its rejection."""
    rejected: dict[str, float] = {}
    rings: list[Ring] = []
    reject = SimulatedTrigger.reject

    def noted(leg: SimulatedTrigger, rejection: Rejection) -> None:
        rejected[leg._ring.id] = leg._life.clock.now()
        reject(leg, rejection)

    monkeypatch.setattr(SimulatedTrigger, "reject", noted)

    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        await world.setup({"callback_delay_seconds": 30}, caller_ids=LISTED)
        await world.sleep(0.5)  # between two signs of life, which have to be stored too
        for _ in range(before):
            world.network.ring(ACCESS, caller)
        if before:
            await world.sleep(10.0)
        world.delay = lambda: store_seconds(world)
        rings.append(world.network.ring(ACCESS, caller))
        await world.sleep(10.0)
        world.delay = lambda: 0.0

    in_world(folder, play)
    monkeypatch.undo()
    return rejected[rings[0].id] - rings[0].trigger.at


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("seconds", "after"), [(0.0, 5.1), (0.06, 5.1), (0.16, 5.2)])
def test_whatever_was_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, seconds: float, after: float
) -> None:
    at = rejected_after(tmp_path, monkeypatch, store_seconds=lambda world: seconds, **KINDS[kind])
    assert at == pytest.approx(after, abs=1e-4)


def test_what_a_decision_writes_takes_time_and_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As measured: the more is written, the later it is stored."""

    def by_changes(world: World) -> float:
        return 0.002 + 0.003 * world.store.changes

    found = {
        kind: rejected_after(tmp_path, monkeypatch, store_seconds=by_changes, **how)
        for kind, how in KINDS.items()
    }
    assert all(at == pytest.approx(5.1, abs=1e-4) for at in found.values()), found


def test_who_hung_up_early_and_counts_is_not_held_up(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        await world.setup({"early_hangup": "call_back", "ring_seconds": 60})
        world.network.ring(ACCESS, CALLER, hang_up_after=2.0)

    world = in_world(tmp_path, play)
    (leg, *_) = world.legs("A")
    session = world.session()
    assert leg["started"] - session["started"] < 5.0
