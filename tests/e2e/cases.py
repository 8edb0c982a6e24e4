"""What the plays of `test_calls` have in common: see `triggers`, `returning` and `talking`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.e2e import sipp
from tests.e2e.rtp import Rtp
from tests.e2e.stage import Case, Stage

Play = Callable[[Stage], Awaitable[None]]


def adder(cases: list[Case]) -> Callable[..., Callable[[Play], Play]]:
    """A decorator that makes a play a case of the list; its name is the function's."""

    def case(**how: Any) -> Callable[[Play], Play]:
        def add(play: Play) -> Play:
            cases.append(Case(getattr(play, "__name__", ""), play, **how))
            return play

        return add

    return case


def chosen(name: str, request: pytest.FixtureRequest) -> bool:
    """Whether the test of this name is to run (`-k`), or one of its module that is about all."""
    tests = [item for item in request.session.items if item.path == request.path]
    calls = [getattr(test, "callspec", None) for test in tests]
    return any(call is None or call.params["name"] == name for call in calls)


async def reach_dialling(stage: Stage, *, phone: Callable[[int], str] = sipp.callee) -> Rtp:
    """Trigger, take the return call, accept it, and hear the prompt to dial.
    `phone`: the scenario of a phone whose sound is at that port."""
    rtp = stage.rtp()
    await stage.phone(phone(rtp.port))
    await stage.trigger()
    await rtp.hears("Press 1")
    rtp.press("1")
    await rtp.hears("Dial the number")
    return rtp


def national(number: str) -> str:
    """What a person in the country types for a number, with the `#` after it."""
    return f"0{number[3:]}#"


def payers(session: dict[str, Any]) -> set[str]:
    return {charge["payer"] for leg in session["legs"] for charge in leg["charges"]}
