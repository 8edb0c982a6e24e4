"""Little credit on virtual time: leg B rings as long as its answer is paid (spec section 6,
"Reserve, then settle")."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.calls.scene import LATENCY, check_paid, rings, scene
from tests.calls.test_money import recharge, stays, talks
from tests.calls.world import CALLEE, CALLER, RATE, World

from ringback.calls.events import AnswerUnfunded, DurationTold, OutgoingDialled, Rang, Talking
from ringback.engines.simulated import FarCall
from ringback.store.models import SoundVariantRow

# The rate of the world: 10 s for 0.05, then 0.05 for every 5 s, for either leg. Leg A is some 3 s
# old when the number has been dialled.

TAIL = {"disconnect_sound": "///bye.wav"}
NO_CREDIT = {"no_credit_sound": "///bye.wav"}


def refused(tmp_path: Path, credit: str, **setup: Any) -> bool:
    async def caller(call: FarCall) -> None:
        await stays(call)
        await call.sleep(20)
        call.hang_up()

    world = scene(tmp_path, caller, talks, credit=credit, **setup)
    check_paid(world)
    assert sum(world.charges()) <= Decimal(credit)
    return world.legs("B") == []


def test_a_call_is_made_once_there_is_enough_for_five_seconds_of_ringing(tmp_path: Path) -> None:
    """And leg B's first block, with leg A to its end."""
    taken = [
        cents for cents in range(10, 60, 5) if not refused(tmp_path / str(cents), f"0.{cents}")
    ]
    # Leg A to 3 + 5 + 10 s is 20 s, which is 0.15; and 0.05 for leg B.
    assert taken == list(range(20, 60, 5))


def test_with_little_credit_there_is_talk_to_its_end(tmp_path: Path) -> None:
    """Half a minute for both legs; leg A is paid for 35 s of it."""
    world = scene(tmp_path, stays, talks, callback=TAIL, credit="0.55")
    check_paid(world)
    (b,) = world.legs("B")
    assert world.session()["outcome"] == "cut_off"
    assert b["billed_seconds"] == 30 and sum(world.charges()) == Decimal("0.55")


def test_leg_b_is_given_up_when_its_answer_would_not_be_paid(tmp_path: Path) -> None:
    world = scene(tmp_path, stays, rings, callback=NO_CREDIT, credit="0.35")
    check_paid(world)
    (a,), (b,) = world.legs("A"), world.calls(CALLEE)
    assert world.session()["outcome"] == "no_credit"
    (given_up,) = world.journal.when(AnswerUnfunded)
    # 0.30 are 35 s of leg A, of which the last 10 s are for leg B's first block.
    assert a["answered"] + 25 - 0.1 - 0.01 < given_up <= a["answered"] + 25
    assert b.ended is not None and b.ended <= given_up + LATENCY
    (sounded,) = [when for when, words in world.calls(CALLER)[0].said if words == "[/bye.wav]"]
    assert given_up <= sounded <= given_up + LATENCY
    assert sum(world.charges()) < Decimal("0.35")


@pytest.mark.parametrize("told", [True, False], ids=["told", "not told"])
@pytest.mark.parametrize("before", [15.0, 6.0, 5.5])
def test_a_recharge_while_leg_b_rings_lets_it_ring_on(
    tmp_path: Path, before: float, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server on another machine was not told: it looks 5 s before."""

    async def during(world: World) -> None:
        if not told:
            monkeypatch.setattr(world.exchange, "credited", lambda ledger_ids: None)
        await world.until(OutgoingDialled)
        (running,) = world.exchange._running.values()
        latest = running.waiting.funds.latest_answer()
        await world.sleep(latest - before - world.clock.now())
        await recharge(world, "5.00", "A-2")
        await world.sleep(before - 4.0)
        assert running.waiting.funds.latest_answer() > latest

    async def callee(call: FarCall) -> None:
        call.ring()
        await call.sleep(24.0)
        call.answer()

    world = scene(tmp_path, stays, callee, during, credit="0.35")
    check_paid(world)
    assert world.session()["outcome"] == "cut_off"
    assert Decimal("5.25") < sum(world.charges()) <= Decimal("5.35")


def test_while_leg_b_rings_nothing_else_is_sliced(tmp_path: Path) -> None:
    async def during(world: World) -> None:
        await world.until(Rang)
        (running,) = world.exchange._running.values()
        until = running.waiting.funds.funded_a()
        await world.sleep(20)
        assert running.waiting.funds.funded_a() == until

    check_paid(scene(tmp_path, stays, rings, during, credit="50.00"))


@pytest.mark.parametrize("credit", ["0.25", "0.30", "0.45"])
@pytest.mark.parametrize("late", [-0.15, -0.1, -0.05, 0.0, 0.04, 0.09])
@pytest.mark.parametrize("seed", range(2))
def test_an_answer_that_crosses_the_cancel_is_paid(
    tmp_path: Path, credit: str, late: float, seed: int
) -> None:
    async def during(world: World) -> None:
        await world.until(Rang)
        (running,) = world.exchange._running.values()
        await world.sleep(running.waiting.funds.latest_answer() + late - world.clock.now())
        world.calls(CALLEE)[0].answer()

    world = scene(tmp_path, stays, rings, during, seed=seed, callback=TAIL, credit=credit)
    check_paid(world)
    (b,), (far,) = world.legs("B"), world.calls(CALLEE)
    assert (b["answered"] is None) == (far.answered is None)
    if far.answered is not None:
        assert b["billed_seconds"] == 10
        assert len(world.charges()) == 2


@pytest.mark.parametrize("first_block", [20, 300])
def test_a_call_shorter_than_its_first_block(tmp_path: Path, first_block: int) -> None:
    """Leg A is needed for no longer than the call may last."""
    rates: list[dict[str, Any]] = [
        RATE, {**RATE, "prefix": CALLEE[1:], "first_block": first_block}
    ]  # fmt: skip
    callback = {**TAIL, "max_call_seconds": 60}
    world = scene(tmp_path, stays, talks, callback=callback, rates=rates, credit="0.95")
    check_paid(world)
    (b,) = world.legs("B")
    if first_block == 20:
        assert b["ended"] - b["answered"] > 20
    else:
        assert 59.75 <= b["ended"] - b["answered"] <= 60
    assert "[/bye.wav]" in world.said()


def test_who_hears_that_a_call_cannot_be_made_now(tmp_path: Path) -> None:
    """An account lacks money: the caller's credit has nothing to do with it."""

    async def caller(call: FarCall) -> None:
        await stays(call)
        await call.hears("Dial the number")
        call.hang_up()

    world = scene(tmp_path, caller, talks, callback=NO_CREDIT, balance="0.15")
    assert world.said()[-2:] == [
        "This call cannot be made now.",
        "Dial the number, then press hash.",
    ]
    assert world.session()["outcome"] == "no_credit"
    world = scene(tmp_path / "rings", stays, rings, callback=NO_CREDIT, balance="0.35")
    assert world.said()[-1] == "This call cannot be made now."
    assert world.session()["outcome"] == "no_credit"


@pytest.mark.parametrize("amount", ["0.30", "2.00"])
def test_the_sound_is_whole_after_unlimited_negative_and_positive(
    tmp_path: Path, amount: str
) -> None:
    async def during(world: World) -> None:
        await world.until(Talking)
        await world.sleep(20)
        await recharge(world, "-10.00", "A-2")
        await world.sleep(0.2)
        await recharge(world, amount, "A-3")

    world = scene(tmp_path, stays, talks, during, callback=TAIL, credit="unlimited")
    check_paid(world)
    assert world.session()["outcome"] == "cut_off"
    (length,) = [row["seconds"] for row in world.rows(SoundVariantRow)]
    (call,) = world.calls(CALLER)
    (sounded,) = [when for when, words in call.said if words == "[/bye.wav]"]
    assert call.ended is not None and call.ended - sounded >= length


@pytest.mark.parametrize("credit", ["0.55", "0.65", "1.00", "1.37", "3.00", "7.77"])
def test_what_is_announced_is_left_when_it_has_been_said(tmp_path: Path, credit: str) -> None:
    """24 s were told and 20.6 given, as the announcement was not reckoned with."""
    rates = [{**RATE, "first_block": 1, "first_price": "0.01", "next_block": 1}]
    callback = {**TAIL, "announce_duration": True}
    world = scene(tmp_path, stays, talks, callback=callback, rates=rates, credit=credit)
    (told,) = [event.seconds for event in world.journal.of(DurationTold)]
    (b,) = world.legs("B")
    lasted = b["ended"] - b["answered"]
    assert told - 0.25 <= lasted < told + 1, "cut in the last 250 ms, and no second is wasted"


@pytest.mark.parametrize("credit", ["0.45", "5.00"])
@pytest.mark.parametrize("seconds", [0.5, 8.0, 40.0, 60.0])
def test_leg_a_does_not_outlast_what_a_slow_store_leaves_it(
    tmp_path: Path, seconds: float, credit: str
) -> None:
    """What it gives back for leg B is given back when the store is done; it may be over then."""

    async def caller(call: FarCall) -> None:
        call.answer()
        await call.hears("Dial the number")
        world_of[0].life.read = world_of[0].store.read  # type: ignore[method-assign]
        world_of[0].slow(seconds)
        call.press("02079460000#")
        await call.sleep(2 * seconds + 5)
        world_of[0].slow(0.0)

    world_of: list[World] = []

    async def during(world: World) -> None:
        world_of.append(world)

    callback = {"answer_timeout_seconds": 5}
    world = scene(tmp_path, caller, talks, during, callback=callback, credit=credit)
    check_paid(world)
    assert sum(world.charges()) <= Decimal(credit)
