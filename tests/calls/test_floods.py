"""Triggers whose source is not proven (spec section 5, "Floods"): what is stored, counted and told
of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.calls.test_session import accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, OTHER_CALLER, World, in_world

from ringback.calls.events import RequestAccepted, Triggered, TriggerRefused
from ringback.calls.outcome import Outcome
from ringback.calls.services import MOST_DECIDED_AT_ONCE
from ringback.calls.unproven import UnprovenRefusals
from ringback.store.models import EventRow, GuardCountRow, SessionRow

UNLISTED = "+447700999999"
TWO: list[dict[str, Any]] = [
    {"number": CALLER, "credit": "5.00", "order_number": "1"},
    {"number": OTHER_CALLER, "enabled": False},
]


def outcomes(world: World) -> list[str]:
    return [row["outcome"] for row in world.rows_of_sessions()]


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ({"caller": UNLISTED}, "refused_unlisted"),
        ({"caller": None}, "refused_hidden"),
        ({"caller": OTHER_CALLER}, "refused_disabled"),
        ({"caller": CALLER, "hang_up_after": 2.0}, "abandoned"),
    ],
)
@pytest.mark.parametrize("acknowledges", [True, False])
def test_a_refusal_is_stored_at_its_ack(
    tmp_path: Path, how: dict[str, Any], outcome: str, acknowledges: bool
) -> None:
    async def play(world: World) -> None:
        await world.setup(caller_ids=TWO)
        world.network.ring(ACCESS, acknowledges=acknowledges, **how)
        await world.sleep(6.0)

    world = in_world(tmp_path, play)
    assert outcomes(world) == ([outcome] if acknowledges else [])
    events = [row["type"] for row in world.rows(EventRow)]
    assert events == (
        []
        if not acknowledges
        else ["trigger", "trigger_abandoned" if outcome == "abandoned" else "trigger_refused"]
    )
    assert not world.journal.of(TriggerRefused) or acknowledges
    counted = [line for line in world.journal.troubles if "had no ACK" in line]
    assert (counted == []) is acknowledges
    assert all("1 refused triggers had no ACK to their rejection" in line for line in counted)


def test_a_refusal_that_was_never_proven_does_not_count_with_those_that_were(
    tmp_path: Path,
) -> None:
    """Whoever forges a number's triggers must not hide its own refusals."""

    async def play(world: World) -> None:
        await world.setup(caller_ids=[])
        for _ in range(30):
            world.network.ring(ACCESS, UNLISTED, acknowledges=False)
        await world.sleep(10.0)
        world.network.ring(ACCESS, UNLISTED)

    (row,) = in_world(tmp_path, play).rows(SessionRow)
    assert (row["outcome"], row["repeated"]) == ("refused_unlisted", 0)


def test_a_trigger_for_which_there_was_no_room_is_called_back(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"callback_delay_seconds": 3})
        world.network.ring(ACCESS, CALLER, no_room=True)

    world = in_world(tmp_path, play)
    session = world.session()
    assert session["outcome"] == "completed"
    (a,) = world.legs("A")
    assert 3.0 <= a["started"] - session["started"] < 3.2, "it need not ring first"
    assert {row["sessions"] for row in world.rows(GuardCountRow)} == {0}
    assert len(world.journal.of(RequestAccepted)) == 1


def test_without_its_ack_it_is_as_if_it_had_never_come(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await world.setup()
        world.network.ring(ACCESS, CALLER, no_room=True, acknowledges=False)

    world = in_world(tmp_path, play)
    assert (world.rows(SessionRow), world.journal.of(Triggered)) == ([], [])


@pytest.mark.parametrize(
    ("caller", "outcome"),
    [(UNLISTED, "refused_unlisted"), (None, "refused_hidden"), (OTHER_CALLER, "refused_disabled")],
)
def test_it_is_decided_on_like_any_other(tmp_path: Path, caller: str | None, outcome: str) -> None:
    async def play(world: World) -> None:
        await world.setup(caller_ids=TWO)
        world.network.ring(ACCESS, caller, no_room=True)

    assert in_world(tmp_path, play).session()["outcome"] == outcome


def test_a_further_one_of_the_same_number_is_a_duplicate_that_proves_the_first(
    tmp_path: Path,
) -> None:
    """The first is forged; it has its place, and its victim is called back all the same."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER, acknowledges=False)
        await world.sleep(10.0)
        world.network.ring(ACCESS, CALLER, no_room=True)

    assert outcomes(in_world(tmp_path, play)) == ["completed", "refused_duplicate"]


def test_a_request_for_which_there_was_no_room_outlives_a_crash(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"callback_delay_seconds": 30})
        world.network.ring(ACCESS, CALLER, no_room=True)
        await world.sleep(10.0)
        await world.crash_and_restart()

    assert outcomes(in_world(tmp_path, play)) == ["completed"]


def test_refusals_without_an_ack_are_told_of_when_a_minute_is_over() -> None:
    unproven = UnprovenRefusals()
    assert unproven.due(0.0) is None
    for _ in range(1200):
        unproven.count(Outcome.ABANDONED)
    assert unproven.due(59.0) is None
    line = unproven.due(60.0)
    assert (
        line is not None and line.startswith("1,200 refused triggers") and "abandoned 1,200" in line
    )
    assert unproven.due(200.0) is None, "nothing more has come"


def test_what_live_calls_write_waits_for_few_decisions_only(tmp_path: Path) -> None:
    """Thousands of forged triggers may be due at once: the store must not have all of them before
    what a call needs written."""
    at_once, most = 0, 0

    async def play(world: World) -> None:
        nonlocal at_once, most
        await world.setup(caller_ids=[])
        run = world.life.run

        async def counted(work: Any) -> Any:
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            try:
                return await run(work)
            finally:
                at_once -= 1

        world.life.run = counted  # type: ignore[method-assign]
        for _ in range(300):
            world.network.ring(ACCESS, UNLISTED, acknowledges=False)
        await world.sleep(3.0)
        world.slow(0.05)  # when they are decided on
        await world.sleep(60.0)

    in_world(tmp_path, play)
    assert most == MOST_DECIDED_AT_ONCE + 1, "these, and the sign of life"
