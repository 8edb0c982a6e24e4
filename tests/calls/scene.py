"""A session without questions, for the plays of conversations and of their cut-off."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.calls.test_money import NO_QUESTIONS, nothing
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.engines.simulated import FarCall

LATENCY = 0.051
"""The longest of the simulated network, one way."""

NUMBER = "02079460000#"
SOUND = {"sounds": [{"account": "admin", "path": "/bye.wav", "file": "goodbye.wav"}]}

Script = Callable[[FarCall], Awaitable[None]]


def far_of(world: World, leg: dict[str, object]) -> FarCall:
    return world.network.calls[json.loads(str(leg["saved"]))["call"]]


def check_paid(world: World) -> None:
    """No leg went on after what was paid for it, as its far end has it."""
    for leg in world.rows_of_legs():
        if leg["answered"] is not None:
            far, paid = far_of(world, leg), leg["answered"] + leg["billed_seconds"]
            assert far.ended is not None and far.ended <= paid + LATENCY, leg


def scene(
    folder: Path,
    caller: Script,
    callee: Script,
    during: Callable[[World], Awaitable[None]] = nothing,
    *,
    seed: int = 1,
    callback: Mapping[str, object] | None = None,
    **setup: object,
) -> World:
    """A session without questions, and something that happens meanwhile."""

    async def playing(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, callee)
        await world.apply(SOUND)
        await world.setup({**NO_QUESTIONS, **(callback or {})}, **setup)  # type: ignore[arg-type]
        world.network.ring(ACCESS, CALLER)
        await during(world)

    return in_world(folder, playing, seed)


async def rings(call: FarCall) -> None:
    call.ring()


# Step 8: the outgoing call
