"""The caller's number from the trigger to the record: received, unreadable or hidden, and what a
number in doubt is taken for (spec sections 3 to 5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.calls.test_session import accepts_and_dials, talker
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.calls.events import Triggered, TriggerRefused
from ringback.numbering import NumberForm
from ringback.telephony.trunks import Trunk

ANYBODY = {"return_calls": "caller", "open_to_anyone": True, "accept_prompt": "always"}
FIXED = {"return_calls": "fixed", "fixed_number": CALLER, "open_to_anyone": True}
OLD_MEXICAN = "+5215512345678"
GERMAN, ALSO_GERMAN = "+4915123456789", "+494915123456789"
EVERYWHERE = {"allow": ["1", "33", "44", "49", "52"]}


async def on_trunk(world: World, form: NumberForm, setup: dict[str, Any], *listed: str) -> None:
    world.trunks.replace(
        [Trunk("trunk", "192.0.2.1", called=form, caller=form)], world.trunks.routes
    )
    credit = {"credit": "5.00", "order_number": "A-1"}
    caller_ids = [{"number": number, **credit} for number in listed]
    await world.setup(setup, start=False, caller_ids=caller_ids)
    extension = {"name": "travellers", "account": "acme", "destinations": EVERYWHERE}
    rates = [{"prefix": "", "first_price": "0.01", "price_per_minute": "0.01"}]
    await world.apply({"extensions": [extension], "plans": [{"name": "retail", "rates": rates}]})
    for number in listed:
        world.network.phone(number, accepts_and_dials)
    await world.exchange.start()


@pytest.mark.parametrize(
    ("setup", "outcome"),
    [
        ({}, "refused_unlisted"),
        (ANYBODY, "refused_forbidden_number"),
        (FIXED, "completed"),
    ],
)
@pytest.mark.parametrize("sent", [OLD_MEXICAN, "alice", "7042"])
def test_a_number_that_cannot_be_read_is_not_a_hidden_one(
    tmp_path: Path, setup: dict[str, Any], outcome: str, sent: str
) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup(setup)
        world.network.ring(ACCESS, sent)

    world = in_world(tmp_path, play)
    session = world.session()
    assert session["outcome"] == outcome
    assert (session["caller"], session["caller_received"]) == (None, sent)
    (rang,) = world.journal.of(Triggered)
    assert (rang.caller, rang.caller_received) == (None, sent)
    for refused in world.journal.of(TriggerRefused):
        assert sent in refused.reason and "have the trunk send" in refused.reason


@pytest.mark.parametrize(
    ("setup", "outcome"), [({}, "refused_hidden"), (ANYBODY, "refused_hidden")]
)
def test_of_a_hidden_number_nothing_is_kept(
    tmp_path: Path, setup: dict[str, Any], outcome: str
) -> None:
    async def play(world: World) -> None:
        await world.setup(setup)
        world.network.ring(ACCESS, CALLER, hidden=True)

    session = in_world(tmp_path, play).session()
    assert session["outcome"] == outcome
    assert session["caller"] is session["caller_received"] is None


def test_a_number_is_kept_as_it_came_too(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await on_trunk(world, NumberForm("GB"), {}, CALLER)
        world.network.ring("02071838750", "07700900123")

    session = in_world(tmp_path, play).session()
    assert (session["caller"], session["caller_received"]) == (CALLER, "07700900123")
    assert session["access_number"] == ACCESS


@pytest.mark.parametrize(
    ("listed", "called"),
    [
        ([GERMAN], GERMAN),
        ([ALSO_GERMAN], ALSO_GERMAN),
        ([GERMAN, ALSO_GERMAN], ALSO_GERMAN),  # the national reading
        ([CALLER], None),
    ],
)
def test_of_two_numbers_that_may_be_meant_the_listed_one_is(
    tmp_path: Path, listed: list[str], called: str | None
) -> None:
    """A German network sends a German number without its plus: both readings are valid."""

    async def play(world: World) -> None:
        await on_trunk(world, NumberForm("DE"), {}, *listed)
        world.network.ring(ACCESS, GERMAN[1:])

    world = in_world(tmp_path, play)
    assert [leg["e164"] for leg in world.legs("A")][:1] == ([] if called is None else [called])
    if called is None:
        (refused,) = world.journal.of(TriggerRefused)
        assert refused.outcome == "refused_unlisted"
        assert ALSO_GERMAN in refused.reason and f"also be {GERMAN}" in refused.reason


@pytest.mark.parametrize(
    ("form", "sent", "outcome"),
    [
        (NumberForm("DE"), GERMAN[1:], "refused_forbidden_number"),  # both are valid
        (NumberForm("GB"), "07700900123", "refused_forbidden_number"),  # neither is
        (NumberForm("DE"), GERMAN, "called"),
        (NumberForm("DE"), "015123456789", "called"),  # valid alone
        (NumberForm(), GERMAN[1:], "called"),
    ],
)
def test_a_number_in_doubt_is_not_called_unless_listed(
    tmp_path: Path, form: NumberForm, sent: str, outcome: str
) -> None:
    async def play(world: World) -> None:
        await on_trunk(world, form, ANYBODY)
        world.network.ring(ACCESS, sent)

    world = in_world(tmp_path, play)
    assert [leg["e164"] for leg in world.legs("A")] == ([GERMAN] if outcome == "called" else [])
    if outcome != "called":
        assert world.session()["outcome"] == outcome
        (refused,) = world.journal.of(TriggerRefused)
        assert f"{sent} is read as" in refused.reason and "trunk send" in refused.reason


def test_an_access_number_is_found_in_either_reading(tmp_path: Path) -> None:
    """What is called here is one of ours."""

    async def play(world: World) -> None:
        await on_trunk(world, NumberForm("DE"), {}, CALLER)
        extension = {"name": "travellers", "account": "acme", "access_numbers": [GERMAN]}
        await world.apply({"extensions": [extension]})
        world.network.ring(GERMAN[1:], CALLER)

    assert in_world(tmp_path, play).session()["access_number"] == GERMAN


def test_an_unreadable_caller_in_fixed_mode_outlives_a_restart(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({**FIXED, "callback_delay_seconds": 30})
        world.network.ring(ACCESS, "alice")
        await world.sleep(10.0)
        await world.crash_and_restart()
        other = {**ANYBODY, "fixed_number": None}
        await world.apply(
            {"extensions": [{"name": "travellers", "account": "acme", "callback": other}]}
        )

    session = in_world(tmp_path, play).session()
    assert (session["outcome"], session["caller_received"]) == ("forbidden_number", "alice")
