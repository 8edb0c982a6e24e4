"""What must not be left over: a number that stays `duplicate` after a fault of ours, a request that
nobody can end, an attempt that a stopping server does not make."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.calls.test_session import accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.calls import records, requests
from ringback.calls.events import Rang, RequestAccepted, Talking
from ringback.calls.party import settle
from ringback.charging.money import Money
from ringback.engines.simulated import FarCall


def broken(*arguments: object, **named: object) -> None:
    raise RuntimeError("broken")


def outcomes(world: World) -> list[str | None]:
    return [row["outcome"] for row in world.rows_of_sessions()]


def phones(world: World) -> None:
    world.network.phone(CALLER, accepts_and_dials)
    world.network.phone(CALLEE, talker)


def after_faults(folder: Path, play: Callable[[World], object]) -> World:
    """A play in which Ringback fails; everything else is in order at its end."""

    async def whole(world: World) -> None:
        await play(world)  # type: ignore[misc]
        await world.quiet()
        told = [what for what in world.journal.troubles if "fault of Ringback" in what]
        assert told and all("broken" in what for what in told)
        world.journal.troubles = [what for what in world.journal.troubles if what not in told]

    return in_world(folder, whole)


def test_a_request_that_waits_for_its_ack_can_be_ended(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        phones(world)
        await world.setup()
        world.network.ring(ACCESS, CALLER, acknowledges=False)
        await world.until(RequestAccepted)
        await world.sleep(1.0)
        assert world.exchange.end(world.session()["id"], "test")
        assert not world.exchange.end("no such session", "test")

    assert outcomes(in_world(tmp_path, play)) == ["cancelled"]


def test_an_attempt_that_is_being_withdrawn_can_be_ended(tmp_path: Path) -> None:
    """Its return call is not made again."""

    async def never_confirms(call: FarCall) -> None:
        call.vanish()

    async def play(world: World) -> None:
        world.network.phone(CALLER, never_confirms)
        await world.setup({"attempts": 3, "retry_after_seconds": 5})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(8.0)
        await world.crash_and_restart()
        assert world.exchange.end(world.session()["id"], "test")

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["ended"]
    assert len(world.legs("A")) == 1


@pytest.mark.parametrize("where", ["proof", "withdrawal"])
def test_a_fault_before_a_session_frees_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    async def play(world: World) -> None:
        phones(world)
        await world.setup({"attempts": 3, "retry_after_seconds": 5})
        if where == "proof":
            monkeypatch.setattr(records, "session_proven", broken)
            world.network.ring(ACCESS, CALLER)
        else:
            monkeypatch.setattr(requests, "attempt_over", broken)
            world.network.phone(CALLER, lambda call: _rings(call))
            world.network.ring(ACCESS, CALLER)
            await world.until(Rang)
            await world.crash_and_restart()
        await world.sleep(40.0)
        monkeypatch.undo()
        phones(world)
        world.network.ring(ACCESS, CALLER)

    assert outcomes(after_faults(tmp_path, play))[-1] == "completed"


async def _rings(call: FarCall) -> None:
    call.ring()


def test_a_fault_in_the_end_of_a_session_frees_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first time everything fails, then what is stored settles it."""
    failures = [True]

    def fails_once(*arguments: Any) -> None:
        if failures:
            failures.clear()
            broken()
        settle(*arguments)

    async def play(world: World) -> None:
        phones(world)
        await world.setup()
        monkeypatch.setattr("ringback.calls.session.settle", fails_once)
        world.network.ring(ACCESS, CALLER)
        await world.quiet()
        world.network.ring(ACCESS, CALLER)

    world = after_faults(tmp_path, play)
    assert outcomes(world) == ["completed", "completed"]
    assert len({(row["leg_id"], row["ledger_id"]) for row in world.rows_of_charges()}) == 8


def test_a_fault_beside_a_session_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call whose next minute cannot be reserved for a fault is ended with its reason told."""

    async def play(world: World) -> None:
        phones(world)
        await world.setup()
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        monkeypatch.setattr(Money, "slice", broken)
        await world.sleep(120.0)
        monkeypatch.undo()

    async def stays(call: FarCall) -> None:
        call.answer()
        await call.hears("Press 1")
        call.press("1")
        await call.hears("Dial the number")
        call.press("02079460000#")

    async def with_stayer(world: World) -> None:
        await play(world)

    monkeypatch.setattr("tests.calls.test_left_over.accepts_and_dials", stays)
    assert outcomes(after_faults(tmp_path, with_stayer)) == ["interrupted"]


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_server_that_stops_while_an_attempt_is_stored_leaves_it_to_the_next(
    tmp_path: Path, attempts: int
) -> None:
    async def play(world: World) -> None:
        phones(world)
        await world.setup({"attempts": attempts})
        world.network.ring(ACCESS, CALLER)
        await world.until(RequestAccepted)
        await world.sleep(0.5)
        world.slow(3.0)  # its return call is due in half a second
        await world.sleep(2.0)
        await world.exchange.close(10.0)
        world.slow(0.0)
        assert world.calls(CALLER) == [] and outcomes(world) == [None]
        await world.crash_and_restart()

    world = in_world(tmp_path, play)
    assert outcomes(world) == ["completed"]
    assert len(world.calls(CALLER)) == 1
