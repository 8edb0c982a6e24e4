"""The cut-off on virtual time (spec section 4, step 10): when credit, limit or time ends a call."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.calls.scene import LATENCY, check_paid, scene
from tests.calls.test_money import NO_QUESTIONS, play, recharge, stays, talks
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.calls.events import DurationTold, Talking
from ringback.calls.inbox import SessionMessage
from ringback.engines.simulated import FarCall
from ringback.store.models import SoundVariantRow


def cut(tmp_path: Path, credit: str = "1.00", **callback: object) -> World:
    return scene(
        tmp_path,
        stays,
        talks,
        callback={"disconnect_sound": "///bye.wav", "warn_before_end_seconds": 10, **callback},
        credit=credit,
    )


def funded_instant(world: World) -> tuple[float, float]:
    """The last instant that both legs were paid for, leg A for the sound after it too; and the
    length of that."""
    (a,), (b,) = world.legs("A"), world.legs("B")
    (length,) = [row["seconds"] for row in world.rows(SoundVariantRow)]
    paid_a, paid_b = (leg["answered"] + leg["billed_seconds"] for leg in (a, b))
    return min(paid_b, paid_a - length), length


@pytest.mark.parametrize("credit", ["0.95", "1.00", "1.07", "1.50"])
def test_each_leg_is_cut_in_the_250_ms_before_its_instant(tmp_path: Path, credit: str) -> None:
    world = cut(tmp_path, credit)
    check_paid(world)
    (a,), (b,) = world.legs("A"), world.legs("B")
    (call,), (callee,) = world.calls(CALLER), world.calls(CALLEE)
    funded, length = funded_instant(world)
    assert funded - 0.25 <= b["ended"] <= funded
    (sounded,) = [when for when, words in call.said if words == "[/bye.wav]"]
    assert sounded >= b["ended"]
    assert a["ended"] > sounded + length - 0.001, "the sound is heard whole"
    assert funded + length - 0.25 <= a["ended"] <= funded + length
    assert a["ended"] <= a["answered"] + a["billed_seconds"]
    assert not callee.said, "what is played is for leg A only"


def test_the_beep_is_for_leg_a_at_its_time(tmp_path: Path) -> None:
    world = cut(tmp_path)
    funded, _ = funded_instant(world)
    beeps = [when for when, words in world.calls(CALLER)[0].said if words == "[beep]"]
    assert len(beeps) == 1
    assert abs(funded - 10 - beeps[0]) < 0.01
    assert world.said(CALLEE) == []


def test_max_call_seconds_ends_a_call_that_is_paid_for_longer(tmp_path: Path) -> None:
    world = cut(tmp_path, "50.00", max_call_seconds=60)
    (b,) = world.legs("B")
    assert 59.75 <= b["ended"] - b["answered"] <= 60
    assert b["billed_seconds"] == 60
    assert "[/bye.wav]" in world.said()
    assert world.session()["outcome"] == "cut_off"


@pytest.mark.parametrize("into_block", [0.01, 1.0, 2.5, 4.0, 4.8, 4.93, 4.99])
def test_a_revoked_credit_ends_both_legs_with_their_last_block_begun(
    tmp_path: Path, into_block: float
) -> None:
    ordered: list[float] = []

    async def during(world: World) -> None:
        await world.until(Talking)
        (b,) = world.legs("B")
        await world.sleep(b["answered"] + 20 + into_block - world.clock.now())
        ordered.append(world.clock.now())
        await recharge(world, "-10.00", "A-2")

    world = scene(
        tmp_path,
        stays,
        talks,
        during,
        callback={"disconnect_sound": "///bye.wav"},
        credit="unlimited",
    )
    assert world.session()["outcome"] == "cut_off"
    check_paid(world)
    for leg in (*world.legs("A"), *world.legs("B")):
        assert leg["ended"] <= leg["answered"] + leg["billed_seconds"], leg["leg"]
        assert leg["ended"] - ordered[0] <= 5.0 + 0.25, "no block was begun after that"


@pytest.mark.parametrize("before", [2.5, 1.0, 0.3, 0.15])
def test_a_recharge_at_the_last_moment_extends_a_call(tmp_path: Path, before: float) -> None:
    async def late(world: World) -> None:
        while (left := world.funded() - world.clock.now() - before) > 0.001:
            await world.sleep(left)
        await recharge(world, "1.00", "A-2")

    world = play(tmp_path, late, credit="1.00")
    check_paid(world)
    assert sum(world.charges()) == Decimal("2.00")


@pytest.mark.parametrize("warning", [0, 1, 60])
def test_a_recharge_that_nobody_told_of_is_noticed_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warning: int
) -> None:
    """A server on another machine was not told: it looks once more before it cuts a call off."""

    async def late(world: World) -> None:
        monkeypatch.setattr(world.exchange, "credited", lambda ledger_ids: None)
        while (left := world.funded() - world.clock.now() - 4.0) > 0.001:
            await world.sleep(left)
        await recharge(world, "1.00", "A-2")

    async def playing(world: World) -> None:
        world.network.phone(CALLER, stays)
        world.network.phone(CALLEE, talks)
        await world.setup({**NO_QUESTIONS, "warn_before_end_seconds": warning}, credit="1.00")
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        await world.sleep(20)
        await late(world)

    assert sum(in_world(tmp_path, playing).charges()) == Decimal("2.00")


@pytest.mark.parametrize("seed", range(4))
def test_changes_of_credit_and_slices_do_not_meet(tmp_path: Path, seed: int) -> None:
    """With a slow store one is still under way when the other is due."""

    async def during(world: World) -> None:
        await world.until(Talking)
        world.slow(0.9)
        for number in range(60):
            await world.sleep(world.chance.uniform(0.1, 1.5))
            await recharge(world, "0.03", f"B-{number}")
        world.slow(0.0)

    world = scene(tmp_path, stays, talks, during, seed=seed, credit="1.00")
    check_paid(world)
    assert Decimal("2.65") <= sum(world.charges()) <= Decimal("2.80")


@pytest.mark.parametrize("answers_after", [0.5, 6.0])
@pytest.mark.parametrize("credit", ["1.00", "1.37", "3.00", "7.77"])
def test_what_is_announced_is_what_a_call_lasts(
    tmp_path: Path, credit: str, answers_after: float
) -> None:
    """But for the time that it rings, which leg A pays."""

    async def callee(call: FarCall) -> None:
        call.ring()
        await call.sleep(answers_after)
        call.answer()

    world = scene(tmp_path, stays, callee, callback={"announce_duration": True}, credit=credit)
    (told,) = [event.seconds for event in world.journal.of(DurationTold)]
    (b,) = world.legs("B")
    lasted = b["ended"] - b["answered"]
    assert isinstance(told, int)
    # Leg A pays for the announcement and the ringing: as long, and a block, may be missing.
    waited = b["answered"] - world.journal.when(DurationTold)[0]
    assert told - waited / 2 - 10 <= lasted <= told + 1


def test_no_duration_is_told_that_the_limit_of_a_call_does_not_allow(tmp_path: Path) -> None:
    callback = {"announce_duration": True, "max_call_seconds": 60}
    world = scene(tmp_path, stays, talks, callback=callback, credit="50.00")
    (told,) = [event.seconds for event in world.journal.of(DurationTold)]
    assert told == 60


def test_legs_end_by_themselves_when_the_controller_does_nothing_more(tmp_path: Path) -> None:
    """The engine ends each at its limit, which is never after what is reserved for it."""

    async def playing(world: World) -> None:
        world.network.phone(CALLER, stays)
        world.network.phone(CALLEE, talks)
        await world.setup(NO_QUESTIONS, credit="50.00")
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        await world.sleep(20)
        (running,) = world.exchange._running.values()
        missed: list[SessionMessage] = []
        inbox, funds = running.inbox, running.waiting.funds
        running.waiting.stop_watching()
        inbox.put = missed.append  # type: ignore[assignment,method-assign]
        a, b = funds.funded_a(), funds.funded()
        await world.sleep(200)
        for number, until in ((CALLER, a), (CALLEE, b)):
            (call,) = world.calls(number)
            assert call.ended is not None and until <= call.ended <= until + LATENCY
        del inbox.put  # the controller comes to life again
        for message in missed:
            inbox.put(message)

    world = in_world(tmp_path, playing)
    check_paid(world)
    assert world.session()["outcome"] == "cut_off"


@pytest.mark.parametrize("seed", range(3))
def test_two_sessions_on_one_credit_look_again_when_the_other_ends(
    tmp_path: Path, seed: int
) -> None:
    """What the one gives back lets the other go on."""
    other = "+447700900124"

    async def short(call: FarCall) -> None:
        await stays(call)
        await call.sleep(30)
        call.hang_up()

    async def playing(world: World) -> None:
        world.network.phone(CALLER, stays)
        world.network.phone(other, short)
        world.network.phone(CALLEE, talks)
        await world.setup(
            {**NO_QUESTIONS, "return_calls": "caller", "open_to_anyone": True},
            caller_ids=[],
            balance="4.00",
        )
        world.network.ring(ACCESS, CALLER)
        world.network.ring(ACCESS, other)

    world = in_world(tmp_path, playing, seed)
    check_paid(world)
    assert Decimal("3.90") <= sum(world.charges("acme")) <= Decimal("4.00")
