"""Late answers: of a trunk given up, or more than 5 s after our CANCEL (spec section 5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.calls.stores import at_once
from tests.calls.test_session import accepts, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.calls.events import LateAnswer, LateAnswerUnpaid, NotAnswered
from ringback.charging.statement import statement
from ringback.engines.simulated import FarCall
from ringback.store.models import CallerIdRow, EventRow, LegCostRow
from ringback.telephony.port import Cause
from ringback.telephony.trunks import Route, Trunk

FIRST_BLOCK = Decimal("0.05")
Phone = Callable[[FarCall], Awaitable[None]]


def late(seconds: float, then: Phone | None = None) -> Phone:
    """By the trunk that says nothing, an answer so long after the call came; else `then`."""

    async def phone(call: FarCall) -> None:
        if call.trunk == "trunk":
            await call.sleep(seconds)
            call.answer()
        elif then is not None:
            await then(call)

    return phone


async def stubborn(call: FarCall) -> None:
    """Rings, takes no CANCEL, and answers long after it."""
    call.ring()
    call.vanish()
    await call.sleep(25.0 + 6.0)
    call.answer()


async def hangs_up(call: FarCall) -> None:
    await accepts(call)
    call.hang_up()


def play(
    folder: Path,
    phone: Phone,
    during: Callable[[World], Awaitable[None]] | None = None,
    *,
    mute: bool = True,
    credit: str = "5.00",
    **callback: Any,
) -> World:
    """A trigger; calls go by `trunk`, which is mute, then by `second`."""

    async def scene(world: World) -> None:
        trunks = [Trunk(name, "192.0.2.1", cost_plan="carrier") for name in ("trunk", "second")]
        world.trunks.replace(trunks, [Route("", ("trunk", "second"))])
        world.network.mute_trunks = {"trunk"} if mute else set()
        world.network.phone(CALLER, phone)
        await world.setup({"retry_after_seconds": 60, "attempts": 3, **callback}, credit=credit)
        await world.apply(
            {
                "plans": [
                    {
                        "name": "carrier",
                        "rates": [
                            {"prefix": "", "first_price": "0.01", "price_per_minute": "0.01"}
                        ],
                    }
                ]
            }
        )
        world.network.ring(ACCESS, CALLER)
        if during is not None:
            await during(world)

    return in_world(folder, scene)


def check_charged(world: World, leg: dict[str, Any], answered: float) -> None:
    """One first block, everywhere that it is to be seen."""
    assert leg["answered"] == leg["ended"]
    assert 0 <= leg["answered"] - answered < 0.1
    assert leg["billed_seconds"] == 10 and leg["ending"] == Cause.NORMAL
    charges = {
        row["payer"]: row["amount"] for row in world.rows_of_charges() if row["leg_id"] == leg["id"]
    }
    assert charges == {CALLER: FIRST_BLOCK, "acme": FIRST_BLOCK}
    (caller_id,) = world.rows(CallerIdRow)
    shown = at_once(world.store.read(lambda tx: statement(tx, caller_id["ledger_id"])))
    of_leg = [each for each in shown.entries if each.leg and each.at == leg["answered"]]
    assert [(each.amount, each.leg.session) for each in of_leg if each.leg] == [
        (-FIRST_BLOCK, leg["session_id"])
    ]
    assert leg["id"] in {row["leg_id"] for row in world.rows(LegCostRow)}
    stored = [row for row in world.rows(EventRow) if row["type"] == LateAnswer.type]
    assert [row["session_id"] for row in stored] == [leg["session_id"]]
    assert world.journal.of(LateAnswerUnpaid) == []


def test_an_attempt_under_way_goes_on(tmp_path: Path) -> None:
    async def rings(call: FarCall) -> None:
        call.ring()
        await call.sleep(10.0)
        await hangs_up(call)

    world = play(tmp_path, late(9.0, rings))
    given_up, taken = world.legs("A")
    (first, second) = world.calls(CALLER)
    assert first.ended_by_server and first.answered is not None
    check_charged(world, given_up, first.answered)
    assert taken["trunk"] == "second" and second.answered is not None
    assert taken["billed_seconds"] is not None
    assert world.session()["outcome"] == "hung_up"


def test_no_further_trunk_and_no_retry_after_it(tmp_path: Path) -> None:
    """Of the attempt that was under way: it is busy, and that is the end."""

    async def busy(call: FarCall) -> None:
        call.ring()
        await call.sleep(10.0)
        call.reject(Cause.BUSY)

    world = play(tmp_path, late(9.0, busy))
    assert len(world.legs("A")) == 2
    session = world.session()
    assert session["outcome"] == "busy"
    (busy_at,) = world.journal.when(NotAnswered)[1:]
    assert session["ended"] - busy_at < 0.1


def test_a_retry_that_is_waited_for_is_not_made(tmp_path: Path) -> None:
    """The session is over at once, with what its last attempt met."""

    async def gone(call: FarCall) -> None:
        call.reject(Cause.FAILED)

    world = play(tmp_path, late(9.0, gone))
    (first, _) = world.calls(CALLER)
    assert first.answered is not None
    check_charged(world, world.legs("A")[0], first.answered)
    session = world.session()
    assert (session["outcome"], session["stage"]) == ("failed", "return")
    assert 0 <= session["ended"] - first.answered < 0.1


def test_nothing_is_dialled_that_was_being_stored(tmp_path: Path) -> None:
    async def slow(world: World) -> None:
        world.delay = lambda: 1.0 if world.journal.of(NotAnswered) else 0.0
        await world.sleep(30.0)
        world.delay = lambda: 0.0

    world = play(tmp_path, late(4.5), slow)
    assert [call.trunk for call in world.calls(CALLER)] == ["trunk"]
    first, second = world.legs("A")
    assert first["billed_seconds"] == 10
    assert (second["answered"], second["billed_seconds"]) == (None, None)
    assert world.session()["outcome"] == "failed"


def test_what_was_stored_and_not_dialled_is_released_after_an_outage(tmp_path: Path) -> None:
    async def outage(world: World) -> None:
        world.delay = lambda: 1.0 if world.journal.of(NotAnswered) else 0.0
        while len(world.legs("A")) < 2:
            await world.sleep(0.1)
        world.store.down = True
        await world.sleep(20.0)
        world.store.down = False
        world.delay = lambda: 0.0

    world = play(tmp_path, late(4.5), outage)
    assert [call.trunk for call in world.calls(CALLER)] == ["trunk"]
    assert [leg["billed_seconds"] for leg in world.legs("A")] == [10, None]


def test_more_than_5_seconds_after_our_cancel(tmp_path: Path) -> None:
    world = play(tmp_path, stubborn, mute=False)
    (call,) = world.calls(CALLER)
    assert call.answered is not None and call.ended_by_server
    (leg,) = world.legs("A")
    check_charged(world, leg, call.answered)
    assert world.session()["outcome"] == "no_answer"


def test_within_5_seconds_it_is_charged_as_any(tmp_path: Path) -> None:
    async def crosses(call: FarCall) -> None:
        call.ring()
        call.vanish()
        await call.sleep(25.0 + 4.0)
        call.answer()

    world = play(tmp_path, crosses, mute=False)
    (leg,) = world.legs("A")
    assert leg["billed_seconds"] == 10
    assert world.journal.of(LateAnswer) == []


def test_a_closed_outcome_stays(tmp_path: Path) -> None:
    world = play(tmp_path, stubborn, mute=False, attempts=1)
    session = world.session()
    assert session["outcome"] == "no_answer"
    (call,) = world.calls(CALLER)
    assert call.answered is not None and session["ended"] < call.answered - 0.5
    (leg,) = world.legs("A")
    check_charged(world, leg, call.answered)


def test_what_somebody_cannot_pay_then_is_recorded_as_unpaid(tmp_path: Path) -> None:
    """The attempt under way holds all there is."""

    async def never(call: FarCall) -> None:
        call.ring()

    world = play(tmp_path, late(9.0, never), credit="0.05")
    given_up, other = world.legs("A")
    assert given_up["answered"] is not None and given_up["billed_seconds"] is None
    assert other["answered"] is None
    assert world.rows_of_charges() == []
    (unpaid,) = world.journal.of(LateAnswerUnpaid)
    assert CALLER in unpaid.reason
    assert LateAnswerUnpaid.type in {row["type"] for row in world.rows(EventRow)}
    assert any("nobody pays" in trouble for trouble in world.journal.troubles)
    assert len(world.rows(LegCostRow)) == 1, "the carrier charges it all the same"


def test_it_is_written_once_the_store_takes_it(tmp_path: Path) -> None:
    async def outage(world: World) -> None:
        await world.until(NotAnswered)
        await world.sleep(1.0)
        world.store.down = True
        await world.sleep(20.0)
        world.store.down = False

    async def gone(call: FarCall) -> None:
        call.reject(Cause.FAILED)

    world = play(tmp_path, late(9.0, gone), outage)
    first = world.legs("A")[0]
    assert first["billed_seconds"] == 10
    assert len(world.journal.of(LateAnswer)) == 1


def dials(numbers: list[str]) -> Phone:
    async def phone(call: FarCall) -> None:
        await accepts(call)
        for number in numbers:
            call.press(f"{number}#")
            await call.hears("Dial the number", 60.0)
        call.hang_up()

    return phone


def test_of_leg_b_no_further_trunk_is_tried_and_another_number_may_be(tmp_path: Path) -> None:
    other = "+442079460001"

    async def callee(call: FarCall) -> None:
        if call.trunk == "trunk":
            await call.sleep(7.0)
            call.answer()
        else:
            call.ring()
            await call.sleep(6.0)
            call.reject(Cause.FAILED)

    async def scene(world: World) -> None:
        trunks = [Trunk(name, "192.0.2.1") for name in ("a", "trunk", "second", "third")]
        routes = [Route("447", ("a",)), Route("4420", ("trunk", "second", "third"))]
        world.trunks.replace(trunks, routes)
        world.network.mute_trunks = {"trunk"}
        world.network.phone(CALLER, dials(["02079460000", "02079460001"]))
        world.network.phone(CALLEE, callee)
        world.network.phone(other, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, scene)
    legs = world.legs("B")
    by_number = [(leg["e164"], leg["trunk"]) for leg in legs]
    assert by_number[:2] == [(CALLEE, "trunk"), (CALLEE, "second")]
    assert (CALLEE, "third") not in by_number
    assert other in {leg["e164"] for leg in legs}
    assert legs[0]["billed_seconds"] == 10 and legs[0]["answered"] == legs[0]["ended"]


class TestAfterACrash:
    """The trunk was given up before the server died."""

    @staticmethod
    def play(folder: Path, answers_at: float, phone: Phone | None = None, **callback: Any) -> World:
        async def dies(world: World) -> None:
            await world.until(NotAnswered)
            await world.sleep(0.5)
            await world.crash_and_restart(after=2.0)

        return play(folder, late(answers_at, phone), dies, **callback)

    def test_it_is_charged_and_the_call_not_made_again(self, tmp_path: Path) -> None:
        """It answered while nobody was there, and says so to the CANCEL of the next start."""

        async def never(call: FarCall) -> None:
            call.ring()

        world = self.play(tmp_path, 5.0, never)
        (call, other) = world.calls(CALLER)
        assert (call.trunk, other.trunk) == ("trunk", "second")
        assert call.answered is not None and call.ended_by_server
        given_up, under_way = world.legs("A")
        assert given_up["billed_seconds"] == 10 and under_way["answered"] is None
        assert world.session()["outcome"] == "failed"
        assert len(world.journal.of(LateAnswer)) == 1

    def test_a_session_that_is_over_stays_as_it_ended(self, tmp_path: Path) -> None:
        async def rejects(call: FarCall) -> None:
            call.reject(Cause.REJECTED)

        world = self.play(tmp_path, 5.0, rejects)
        assert world.session()["outcome"] == "rejected"
        given_up, _ = world.legs("A")
        assert given_up["billed_seconds"] == 10
        assert len([row for row in world.rows(EventRow) if row["type"] == LateAnswer.type]) == 1

    def test_one_that_waits_for_its_retry_is_over(self, tmp_path: Path) -> None:
        async def busy(call: FarCall) -> None:
            call.reject(Cause.BUSY)

        world = self.play(tmp_path, 5.0, busy)
        assert len(world.legs("A")) == 2
        assert world.legs("A")[0]["billed_seconds"] == 10
        assert world.session()["outcome"] == "busy"
