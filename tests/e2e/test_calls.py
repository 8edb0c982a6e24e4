"""Calls on real SIP and RTP: SIPp is the caller, the caller's phone and the remote party."""

from __future__ import annotations

import asyncio

import pytest
from tests.e2e import returning, talking, triggers
from tests.e2e.cases import chosen
from tests.e2e.stage import Server, play_all

from ringback.calls.outcome import Outcome

RARE = {
    *(Outcome.SUSPENDED, Outcome.HIDDEN, Outcome.UNLISTED, Outcome.DISABLED, Outcome.UNVERIFIED),
    *(Outcome.OVER_LIMIT, Outcome.OUT_OF_HOURS),
}
"""Of a request that was accepted, and by what is set up now may not be called back any more
(`tests/calls/test_decision.py`)."""

CASES = [*talking.CASES, *returning.CASES, *triggers.CASES]
"""The longest first, so that none of them is left to play alone in the end."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Server:
    return Server(tmp_path_factory.mktemp("e2e"))


@pytest.fixture(scope="module")
def results(server: Server, request: pytest.FixtureRequest) -> dict[str, BaseException | None]:
    cases = [case for case in CASES if chosen(case.name, request)]
    return asyncio.run(play_all(server.folder, cases, server))


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_call(name: str, results: dict[str, BaseException | None]) -> None:
    failure = results[name]
    if failure is not None:
        raise failure


def test_every_outcome_was_met(results: dict[str, BaseException | None], server: Server) -> None:
    met = {session["outcome"] for session in asyncio.run(server.sessions())}
    assert set(Outcome) - RARE <= met
