"""The store takes nothing for a while, at each point of a session: what was promised is done once
it takes something again, and nobody is charged twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection
from tests.calls.test_session import accepts, accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, PIN, World, in_world

from ringback.calls.events import Happening, RequestAccepted, Talking
from ringback.engines.simulated import FarCall
from ringback.store import StoreError
from ringback.store.models import ReservationRow
from ringback.telephony.port import Cause, Rejection

T = TypeVar("T")
NATIONAL = "02079460000#"


async def steps_on(world: World, kind: type[Happening], *, down_for: float) -> None:
    """The store goes down once something of a kind has happened, and comes back."""
    await world.until(kind)
    world.store.down = True
    await world.sleep(down_for)
    world.store.down = False


def test_a_trigger_is_refused_with_503_and_the_next_one_is_taken(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.store.down = True
        refused = world.network.ring(ACCESS, CALLER)
        await world.sleep(10.0)
        assert refused.rang, "the caller hears it ring as ever"
        assert refused.rejected is Rejection.OUT_OF_SERVICE
        world.store.down = False
        await world.sleep(5.0)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert any("trigger refused with 503" in what for what in world.journal.troubles)
    told = [what for what in world.journal.troubles if "nothing can be written" in what]
    assert len(told) == 1, "an outage is told once, and its end"
    assert "the database takes what is written again" in world.journal.troubles


def test_a_proof_that_could_not_be_written_is_not_lost(tmp_path: Path) -> None:
    """Else the request would stay open, and its number be a duplicate for ever."""

    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER)
        await steps_on(world, RequestAccepted, down_for=20.0)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"


def test_an_abandoned_request_is_closed_when_the_store_takes_it(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await world.setup()
        world.network.ring(ACCESS, CALLER, acknowledges=False)
        await steps_on(world, RequestAccepted, down_for=60.0)

    assert in_world(tmp_path, play).session()["outcome"] == "abandoned"


def test_a_return_call_is_put_off_and_made_once(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"callback_delay_seconds": 10})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(8.0)
        world.store.down = True
        await world.sleep(60.0)
        assert world.calls(CALLER) == []
        world.store.down = False

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert len(world.calls(CALLER)) == 1


def test_a_return_call_that_is_put_off_for_too_long_expires(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await world.setup({"callback_delay_seconds": 10, "request_expires_seconds": 30})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(8.0)
        world.store.down = True
        await world.sleep(60.0)
        world.store.down = False

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "expired"
    assert world.calls(CALLER) == []


def test_a_busy_line_is_called_again_all_the_same(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        calls: list[FarCall] = []

        async def busy_once(call: FarCall) -> None:
            calls.append(call)
            if len(calls) > 1:
                await accepts_and_dials(call)
                return
            world.store.down = True
            call.reject(Cause.BUSY)
            await call.sleep(15.0)
            world.store.down = False

        world.network.phone(CALLER, busy_once)
        world.network.phone(CALLEE, talker)
        await world.setup({"attempts": 2, "retry_after_seconds": 5})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert len(world.legs("A")) == 2


def test_a_conversation_outlasts_an_outage(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        await accepts(call)
        call.press(NATIONAL)
        await call.sleep(300.0)
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talker)
        await world.setup(credit="50.00")
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        await world.sleep(20.0)
        world.store.down = True
        await world.sleep(30.0)
        world.store.down = False

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    (b,) = world.legs("B")
    assert b["ended"] - b["answered"] > 250


def test_a_conversation_ends_with_what_is_reserved_and_no_later(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        await accepts(call)
        call.press(NATIONAL)

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talker)
        await world.setup(credit="50.00")
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        await world.sleep(20.0)
        world.store.down = True
        funded = world.funded()
        await world.sleep(400.0)
        assert world.network.live() == []
        assert all(call.ended and call.ended <= funded + 0.1 for call in world.calls(CALLEE))
        world.store.down = False

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "cut_off"
    assert sum(world.charges()) == sum(world.charges("acme")) > 0


def test_a_caller_who_hangs_up_meanwhile_is_charged_once(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        async def caller(call: FarCall) -> None:
            await accepts(call)
            call.press(NATIONAL)
            await call.sleep(20.0)
            world.store.down = True
            call.hang_up()
            await call.sleep(100.0)
            world.store.down = False

        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    session = world.session()
    assert session["outcome"] == "completed"
    (a,), (b,) = world.legs("A"), world.legs("B")
    assert a["ended"] - b["ended"] < 1.0, "both legs ended at once"
    assert len(world.charges()) == len(world.charges("acme")) == 2


@pytest.mark.parametrize("after", ["Press 1", "Dial the number"])
def test_what_needs_the_store_at_once_ends_an_answered_session(tmp_path: Path, after: str) -> None:
    async def play(world: World) -> None:
        async def caller(call: FarCall) -> None:
            call.answer()
            await call.hears("Press 1")
            if after != "Press 1":
                call.press("1")
                await call.hears(after)
            world.store.down = True
            call.press("1" if after == "Press 1" else NATIONAL)
            await call.over()
            assert call.ended_by_server
            world.store.down = False

        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "interrupted"
    assert world.calls(CALLEE) == []
    assert len(world.charges()) == 1


def test_the_server_stops_although_nothing_can_be_written(tmp_path: Path) -> None:
    """What stays open is settled by the next start."""

    async def caller(call: FarCall) -> None:
        await accepts(call)
        call.press(NATIONAL)

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        await world.sleep(20.0)
        world.store.down = True
        await world.exchange.close(10.0)
        assert world.network.live() == []
        world.store.down = False
        await world.crash_and_restart()

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "interrupted"
    assert len(world.charges()) == 2
    assert any("the next start settles them" in what for what in world.journal.troubles)


def in_doubt(world: World, stored: Callable[[], object]) -> None:
    """The first commit after which there is something stored is kept, but its answer is lost, and
    cannot be looked up."""
    run = world.store.run

    async def once(work: Callable[[Connection], T]) -> T:
        result = await run(work)
        if stored():
            world.store.run = run  # type: ignore[method-assign]
            raise StoreError("database: whether it was kept cannot be known")
        return result

    world.store.run = once  # type: ignore[method-assign]


@pytest.mark.parametrize(("role", "outcome"), [("A", "completed"), ("B", "interrupted")])
def test_an_attempt_whose_commit_is_in_doubt_leaves_nothing_reserved(
    tmp_path: Path, role: str, outcome: str
) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup()
        in_doubt(world, lambda: world.legs(role))
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == outcome
    assert len(world.legs("A")) == (2 if role == "A" else 1)
    assert all((leg["answered"] is None) == (leg["billed_seconds"] is None)
               for leg in world.legs(role))  # fmt: skip


def test_a_change_of_payers_whose_commit_is_in_doubt_leaves_nothing_reserved(
    tmp_path: Path,
) -> None:
    hotel = "+442071234567"

    async def claimer(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your phone number")
        call.press("07700900123#")
        await call.hears("Please enter your PIN")
        call.press(f"{PIN}#")

    async def play(world: World) -> None:
        world.network.phone(hotel, claimer)
        await world.setup(
            {"return_calls": "fixed", "fixed_number": hotel, "require_caller_pin": True}
        )
        in_doubt(
            world, lambda: [row for row in world.rows(ReservationRow) if row["payer"] == CALLER]
        )
        world.network.ring(ACCESS, None)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "interrupted"
    assert {row["payer"] for row in world.rows_of_charges()} == {CALLER, "acme"}
