"""Outgoing call and conversation on virtual time (spec section 4, steps 8 and 9)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.calls.scene import LATENCY, NUMBER, check_paid, rings, scene
from tests.calls.test_money import NO_QUESTIONS, recharge, stays, talks
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.accounts import lockout
from ringback.accounts.lockout import Lock
from ringback.calls.events import OutgoingDialled, Rang, ReturnAnswered
from ringback.engines.simulated import FarCall
from ringback.store.models import CallerIdRow, ExtensionRow
from ringback.telephony.port import Cause


def test_an_order_whose_destination_cannot_be_called_is_told_so(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        call.answer()
        await call.hears("This number cannot be called")
        await call.hears("Dial the number")
        call.press(NUMBER)
        await call.sleep(15)
        call.hang_up()

    async def playing(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talks)
        await world.setup(NO_QUESTIONS)
        (extension,) = world.rows(ExtensionRow)
        await world.exchange.call_me_back(extension["id"], CALLER, "+449098790000")

    world = in_world(tmp_path, playing)
    assert world.said()[0].startswith("This number cannot be called")
    assert world.session()["outcome"] == "completed"


@pytest.mark.parametrize("by", ["caller", "order"])
@pytest.mark.parametrize("seed", range(8))
def test_an_answer_that_crosses_the_end_of_a_session_is_charged(
    tmp_path: Path, by: str, seed: int
) -> None:
    """The carrier charges it: whoever ends the session while leg B rings."""

    async def caller(call: FarCall) -> None:
        await stays(call)
        await call.sleep(8)
        (b,) = world_of[0].calls(CALLEE)
        if by == "caller":
            call.hang_up()
        else:
            (running,) = world_of[0].exchange._running.values()
            world_of[0].exchange.end(running.session.id, "test")
        b.answer()

    world_of: list[World] = []

    async def during(world: World) -> None:
        world_of.append(world)

    world = scene(tmp_path, caller, rings, during, seed=seed)
    (b,) = world.legs("B")
    assert b["answered"] is not None and b["billed_seconds"] == 10
    assert len(world.charges()) == len(world.charges("acme")) == 2


def test_an_answer_that_crosses_the_withdrawal_of_leg_a_is_charged(tmp_path: Path) -> None:
    async def during(world: World) -> None:
        await world.until(Rang)
        (running,) = world.exchange._running.values()
        (call,) = world.calls(CALLER)
        world.exchange.end(running.session.id, "test")
        call.answer()

    world = scene(tmp_path, rings, talks, during)
    assert world.session()["outcome"] == "ended"
    (a,) = world.legs("A")
    assert a["answered"] is not None
    assert world.charges() == [Decimal("0.05")]


def test_refused_for_lack_of_credit_hears_no_credit_sound_and_may_dial_another(
    tmp_path: Path,
) -> None:
    async def caller(call: FarCall) -> None:
        call.answer()
        await call.hears("Dial the number")
        call.press(NUMBER)
        await call.hears("[/bye.wav]")
        await call.hears("Dial the number")
        call.hang_up()

    world = scene(
        tmp_path,
        caller,
        talks,
        callback={"no_credit_sound": "///bye.wav"},
        credit="0.15",
    )
    assert world.said()[-2:] == ["[/bye.wav]", "Dial the number, then press hash."]
    assert world.session()["outcome"] == "no_credit"
    assert world.legs("B") == []


@pytest.mark.parametrize("where", ["number", "ringing"])
def test_leg_a_that_cannot_go_on_hears_no_credit_sound(tmp_path: Path, where: str) -> None:
    """Also while leg B rings, which is given up."""

    async def caller(call: FarCall) -> None:
        call.answer()
        await call.hears("Dial the number")
        if where == "ringing":
            call.press(NUMBER)

    async def during(world: World) -> None:
        await world.until(OutgoingDialled if where == "ringing" else ReturnAnswered)
        await recharge(world, "-10.00", "A-2")

    world = scene(
        tmp_path,
        caller,
        rings,
        during,
        callback={"no_credit_sound": "///bye.wav", "dial_within_seconds": 120},
        credit="unlimited",
    )
    check_paid(world)
    assert world.session()["outcome"] == "no_credit"
    (call,) = world.calls(CALLER)
    (sounded,) = [when for when, words in call.said if words == "[/bye.wav]"]
    for b in world.calls(CALLEE):
        assert b.ended is not None and b.ended <= sounded + 2 * LATENCY


@pytest.mark.parametrize("delay", [0.0, 1.5])
def test_leg_b_that_answers_at_the_last_moment_is_paid(tmp_path: Path, delay: float) -> None:
    """It rang at the last moment, and was answered at the last moment after that."""

    async def callee(call: FarCall) -> None:
        world = world_of[0]
        while not world.legs("B"):
            await call.sleep(0.01)
        started = world.legs("B")[0]["started"]
        await call.sleep(started + 29.9 - call.network.clock.now())
        call.ring()
        await call.sleep(24.8)
        world.slow(delay)
        call.answer()
        await call.sleep(5.0)
        world.slow(0.0)

    world_of: list[World] = []

    async def during(world: World) -> None:
        world_of.append(world)

    world = scene(tmp_path, stays, callee, during, credit="0.85")
    check_paid(world)
    (b,) = world.legs("B")
    assert b["answered"] - b["started"] > 54.5
    assert world.session()["outcome"] == "cut_off"


def test_leg_b_ends_by_itself_while_its_answer_is_being_stored(tmp_path: Path) -> None:
    """A slow store does not let it run on after what was reserved."""

    async def callee(call: FarCall) -> None:
        call.ring()
        await call.sleep(2.0)
        world_of[0].slow(30.0)
        call.answer()
        await call.over()
        world_of[0].slow(0.0)

    world_of: list[World] = []

    async def during(world: World) -> None:
        world_of.append(world)

    world = scene(tmp_path, stays, callee, during)
    check_paid(world)
    (b,) = world.calls(CALLEE)
    assert b.ended is not None and b.answered is not None
    assert 9.5 < b.ended - b.answered < 10 + 2 * LATENCY, "its first block was reserved"


@pytest.mark.parametrize("at", ["dialling", "answer", "conversation"])
def test_leg_b_is_gone_250_ms_after_the_caller_whatever_the_store_does(
    tmp_path: Path, at: str
) -> None:
    gone: list[float] = []

    async def caller(call: FarCall) -> None:
        await stays(call)
        if at == "dialling":
            world_of[0].slow(4.0)
            await call.sleep(4.0)
        else:
            while not (calls := world_of[0].calls(CALLEE)) or calls[0].answered is None:
                await call.sleep(0.05)
            await call.sleep(0.5 if at == "answer" else 20.0)
        call.hang_up()
        gone.append(call.network.clock.now())
        await call.sleep(10.0)
        world_of[0].slow(0.0)

    async def callee(call: FarCall) -> None:
        call.ring()
        await call.sleep(3.0)
        if at == "answer":
            world_of[0].slow(4.0)
        call.answer()

    world_of: list[World] = []

    async def during(world: World) -> None:
        world_of.append(world)

    world = scene(tmp_path, caller, callee, during)
    check_paid(world)
    if at == "dialling":
        assert world.calls(CALLEE) == [], "nobody is rung for a caller who has gone"
        return
    (b,) = world.calls(CALLEE)
    assert b.ended is not None and b.ended - gone[0] <= 0.25
    assert world.session()["outcome"] == "completed"


def test_the_decision_is_taken_again_before_leg_b(tmp_path: Path) -> None:
    """A callerID that was locked meanwhile calls nobody. (One that was disabled is out of use,
    which ends the session: `test_standing`.)"""

    async def caller(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your PIN")
        call.press("0042#")
        await call.hears("Dial the number")
        world = world_of[0]
        (caller_id,) = world.rows(CallerIdRow)
        lock, key = Lock(0, 1, world.clock.now() + 900), lockout.pin_key(caller_id["id"])
        await world.store.run(lambda tx: lockout.save(tx, key, lock))
        call.press(NUMBER)
        await call.hears("This number cannot be called")
        call.hang_up()

    world_of: list[World] = []

    async def during(world: World) -> None:
        world_of.append(world)

    world = scene(tmp_path, caller, talks, during, callback={"require_caller_pin": True})
    assert world.calls(CALLEE) == []
    assert world.session()["outcome"] == "locked_out"


# Step 9: the conversation


@pytest.mark.parametrize(("apart", "ends"), [(0.8, True), (1.2, False)])
def test_two_stars_within_a_second_end_leg_b(tmp_path: Path, apart: float, ends: bool) -> None:
    async def caller(call: FarCall) -> None:
        await stays(call)
        await call.sleep(15)
        call.press("*")
        await call.sleep(apart)
        call.press("*")
        if not ends:
            await call.sleep(3)
            call.hang_up()
        else:
            await call.hears("Dial the number")
            call.hang_up()

    world = scene(tmp_path, caller, talks)
    (b,) = world.calls(CALLEE)
    assert b.digits == (["*"] if ends else ["*", "*"])
    assert (world.session()["stage"] == "number") is ends


def test_digits_go_both_ways(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        await stays(call)
        await call.sleep(15)
        call.press("1#")
        await call.sleep(3)
        call.hang_up()

    async def callee(call: FarCall) -> None:
        call.answer()
        await call.sleep(3)
        call.press("77")

    world = scene(tmp_path, caller, callee)
    assert world.calls(CALLEE)[0].digits == ["1", "#"]
    assert world.calls(CALLER)[0].digits == ["7", "7"]


def test_an_answered_leg_b_makes_a_session_completed_whatever_comes_after(tmp_path: Path) -> None:
    """Outcome rule 5 comes before rule 6, which asks that none was answered."""

    async def caller(call: FarCall) -> None:
        await stays(call)
        await call.hears("Dial the number")
        call.press(NUMBER)
        await call.hears("The number is busy")
        call.hang_up()

    answers: list[FarCall] = []

    async def callee(call: FarCall) -> None:
        answers.append(call)
        if len(answers) > 1:
            call.reject(Cause.BUSY)
            return
        call.answer()
        await call.sleep(10)
        call.hang_up()

    assert scene(tmp_path, caller, callee).session()["outcome"] == "completed"


@pytest.mark.parametrize("allowed", [1, 3])
def test_calls_per_session(tmp_path: Path, allowed: int) -> None:
    """Answered or not."""

    async def caller(call: FarCall) -> None:
        call.answer()
        for _ in range(5):
            await call.hears("Dial the number")
            call.press(NUMBER)

    async def busy(call: FarCall) -> None:
        call.reject(Cause.BUSY)

    world = scene(tmp_path, caller, busy, callback={"calls_per_session": allowed})
    assert len(world.legs("B")) == allowed
    assert world.said()[-1] == "Goodbye."
    assert world.session()["outcome"] == "busy"


class TestAlone:
    """Outside a conversation leg A lives at most 180 s in a row."""

    @staticmethod
    async def dials_on(call: FarCall) -> None:
        call.answer()
        while call.ended is None:
            if await call.hears("Dial the number"):
                call.press(NUMBER)

    def test_numbers_that_do_not_answer_are_no_conversation(self, tmp_path: Path) -> None:
        callback = {"dial_within_seconds": 120, "calls_per_session": 50}
        world = scene(tmp_path, self.dials_on, rings, callback=callback, credit="50.00")
        (a,) = world.legs("A")
        assert 179 < a["ended"] - a["answered"] < 181
        assert len(world.legs("B")) > 3
        assert world.session()["outcome"] == "no_answer"

    def test_identification_does_not_begin_it_anew(self, tmp_path: Path) -> None:
        hotel = "+442071234567"

        async def claimer(call: FarCall) -> None:
            call.answer()
            await call.hears("Please enter your phone number")
            call.press("07700900123#")
            await call.hears("Please enter your PIN")
            await call.sleep(9)
            call.press("0042#")
            await self.dials_on(call)

        async def playing(world: World) -> None:
            world.network.phone(hotel, claimer)
            world.network.phone(CALLEE, rings)
            await world.setup(
                {**NO_QUESTIONS, "return_calls": "fixed", "fixed_number": hotel,
                 "require_caller_pin": True, "calls_per_session": 50}
            )  # fmt: skip
            world.network.ring(ACCESS, None)

        (a,) = in_world(tmp_path, playing).legs("A")
        assert 179 < a["ended"] - a["answered"] < 181

    def test_a_conversation_begins_it_anew(self, tmp_path: Path) -> None:
        calls: list[FarCall] = []

        async def callee(call: FarCall) -> None:
            calls.append(call)
            call.ring()
            if len(calls) == 3:
                call.answer()
                await call.sleep(5)
                call.hang_up()

        callback = {"dial_within_seconds": 120, "calls_per_session": 50}
        world = scene(tmp_path, self.dials_on, callee, callback=callback, credit="50.00")
        (a,) = world.legs("A")
        (b,) = [leg for leg in world.legs("B") if leg["answered"] is not None]
        assert 179 < a["ended"] - b["ended"] < 181


# Step 10: the cut-off
