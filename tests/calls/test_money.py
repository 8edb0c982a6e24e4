"""Whole calls on virtual time, and what they cost whom."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path

import pytest
from tests.calls.world import ACCESS, CALLEE, CALLER, OTHER_CALLER, PIN, RATE, World, in_world

from ringback.calls.events import Talking
from ringback.calls.watch import Task
from ringback.engines.simulated import FarCall
from ringback.store.models import AllowanceRow, ChargeRow, LedgerAccountRow

# The rate of the world: 10 s for 0.05, then 0.05 for every 5 s, for either leg.


async def stays(call: FarCall) -> None:
    """A caller who dials at once and stays until he is cut off."""
    call.answer()
    await call.hears("Dial the number")
    call.press("02079460000#")


async def talks(call: FarCall) -> None:
    call.answer()


NO_QUESTIONS = {"accept_prompt": "never", "announce_duration": False}


def play(
    folder: Path,
    during: Callable[[World], Awaitable[None]],
    *,
    caller: Callable[[FarCall], Awaitable[None]] = stays,
    **setup: object,
) -> World:
    """A call in which something happens 20 s after the conversation has begun."""

    async def scene(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talks)
        await world.setup(NO_QUESTIONS, **setup)  # type: ignore[arg-type]
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        await world.sleep(20)
        await during(world)

    return in_world(folder, scene)


async def nothing(world: World) -> None:
    """Nothing happens."""


async def recharge(world: World, credit: str, order: str) -> None:
    await world.apply(
        {
            "extensions": [
                {
                    "name": "travellers",
                    "account": "acme",
                    "caller_ids": [{"number": CALLER, "credit": credit, "order_number": order}],
                }
            ]
        }
    )


def talked(world: World) -> float:
    (b,) = world.legs("B")
    return float(b["ended"] - b["answered"])


def test_a_recharge_in_mid_call_extends_it(tmp_path: Path) -> None:
    before = talked(play(tmp_path / "without", nothing, credit="1.00"))
    world = play(tmp_path / "with", lambda world: recharge(world, "1.00", "A-2"), credit="1.00")
    assert 40 < before < 60
    assert 90 < talked(world) < 110
    assert sum(world.charges()) == Decimal("2.00")


def test_a_recharge_in_the_last_second_extends_it(tmp_path: Path) -> None:
    async def late(world: World) -> None:
        while (left := world.funded() - world.clock.now() - 1.0) > 0:  # slices move it meanwhile
            await world.sleep(left)
        await recharge(world, "1.00", "A-2")

    assert 90 < talked(play(tmp_path, late, credit="1.00")) < 110


@pytest.mark.parametrize("before", [0.0, 0.05, 0.15])
def test_a_recharge_while_a_slice_is_reserved_extends_it(tmp_path: Path, before: float) -> None:
    """The store takes its time: one of the two steps waits for the other."""

    async def meet(world: World) -> None:
        (running,) = world.exchange._running.values()
        watch = running.waiting._watch
        assert watch is not None
        at, task = watch.due()
        assert task is Task.SLICE
        world.delay = lambda: 0.1
        await world.clock.sleep_until(at - before)
        await recharge(world, "1.00", "A-2")

    world = play(tmp_path, meet, credit="2.00")
    assert world.session()["outcome"] == "cut_off"
    assert Decimal("2.90") < sum(world.charges()) <= Decimal("3.00")


def test_unlimited_minus_ten_ends_the_call_with_its_last_block_begun(tmp_path: Path) -> None:
    ordered: list[float] = []

    async def limit(world: World) -> None:
        assert world.funded() > world.clock.now() + 20
        ordered.append(world.clock.now())
        await recharge(world, "-10.00", "A-2")

    world = play(tmp_path, limit, credit="unlimited")
    assert world.session()["outcome"] == "cut_off"
    (b,) = world.legs("B")
    block_ends = b["answered"] + 10 + 5 * math.ceil((ordered[0] - b["answered"] - 10) / 5)
    assert ordered[0] < b["ended"] <= block_ends
    assert world.charges() == [Decimal(0), Decimal(0)], "it was unlimited when it was granted"
    (credit,) = [
        row
        for row in world.rows(LedgerAccountRow)
        if row["balance"] == 0
        and row["id"]
        == next(row["ledger_id"] for row in world.rows(ChargeRow) if row["payer"] == CALLER)
    ]
    assert not credit["unlimited"] and credit["reserved"] == 0


def test_limited_and_recharged_again_goes_on(tmp_path: Path) -> None:
    async def both(world: World) -> None:
        await recharge(world, "-10.00", "A-2")
        await recharge(world, "0.50", "A-3")

    world = play(tmp_path, both, credit="unlimited")
    assert 40 < talked(world) < 60
    assert sum(world.charges()) == Decimal("0.50")


def test_the_first_block_and_no_more(tmp_path: Path) -> None:
    """Leg A for as long as it takes to dial and leg B's first block; not one block further."""
    world = play(tmp_path, nothing, credit="0.85")
    assert world.session()["outcome"] == "cut_off"
    (charged,) = [
        row["amount"]
        for row in world.rows(ChargeRow)
        if row["payer"] == CALLER and row["leg_id"] == world.legs("B")[0]["id"]
    ]
    assert sum(world.charges()) <= Decimal("0.85")
    assert charged >= Decimal("0.05")


def test_a_price_change_in_mid_call_changes_nothing(tmp_path: Path) -> None:
    async def dearer(world: World) -> None:
        await world.apply(
            {"plans": [{"name": "retail", "rates": [{**RATE, "price_per_minute": "60"}]}]}
        )

    world = play(tmp_path, dearer, credit="1.00")
    assert 40 < talked(world) < 60


def test_free_minutes_run_out_in_mid_call(tmp_path: Path) -> None:
    plan = {"packages": [{"prefix": "44207", "minutes": 1}]}
    world = play(tmp_path, nothing, credit="1.00", plan=plan)
    (allowance,) = world.rows(AllowanceRow)
    assert (allowance["used"], allowance["reserved"]) == (60, 0)
    assert sum(world.charges()) == Decimal("1.00")
    without = talked(play(tmp_path / "without", nothing, credit="1.00"))
    # A minute of leg B for nothing is half a minute of both legs more.
    assert 25 < talked(world) - without < 35
    (told,) = [
        row["explanation"]
        for row in world.rows(ChargeRow)
        if row["payer"] == CALLER and row["leg_id"] == world.legs("B")[0]["id"]
    ]
    assert "10 s free, 10 × 5 s free" in told


def test_free_minutes_let_call_without_credit(tmp_path: Path) -> None:
    plan = {"packages": [{"prefix": "44", "minutes": 2}]}
    world = play(tmp_path, nothing, credit="0", plan=plan)
    assert 40 < talked(world) < 60, "two minutes for two legs"
    assert sum(world.charges()) == 0


def test_a_resellers_balance_ends_before_the_customers(tmp_path: Path) -> None:
    async def scene(world: World) -> None:
        world.network.phone(CALLER, stays)
        world.network.phone(CALLEE, talks)
        await world.apply(
            {
                "plans": [{"name": "wholesale", "rates": [{**RATE, "price_per_minute": "0.30"}]}],
                "accounts": [
                    {"name": "reseller", "level": "provider", "plan": "wholesale",
                     "balance": "0.60"},
                    {"name": "acme", "parent": "reseller", "country": "GB",
                     "balance": "100.00"},
                ],
            }
        )  # fmt: skip
        await world.setup(NO_QUESTIONS, credit="50.00")
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, scene)
    assert world.session()["outcome"] == "cut_off"
    assert sum(world.charges("reseller")) == Decimal("0.60")
    assert sum(world.charges()) == sum(world.charges("acme")) > Decimal("0.90")
    for row in world.rows(ChargeRow):
        if row["payer"] == "reseller":
            below = next(
                other for other in world.rows(ChargeRow)
                if (other["leg_id"], other["payer"]) == (row["leg_id"], "acme")
            )  # fmt: skip
            assert row["income"] == below["amount"] > row["amount"]


def test_two_calls_on_one_credit_spend_it_and_no_more(tmp_path: Path) -> None:
    async def claims(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your phone number")
        call.press("07700900123#")
        await call.hears("Please enter your PIN")
        call.press(f"{PIN}#")
        await call.hears("Dial the number")
        call.press("02079460000#")

    async def own(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your PIN")
        call.press(f"{PIN}#")
        await call.hears("Dial the number")
        call.press("02079460000#")

    async def scene(world: World) -> None:
        world.network.phone(CALLER, own)
        world.network.phone(OTHER_CALLER, claims)
        world.network.phone(CALLEE, talks)
        await world.setup(
            {**NO_QUESTIONS, "return_calls": "caller", "open_to_anyone": True,
             "require_caller_pin": True},
            caller_ids=[{"number": CALLER, "pin": PIN, "credit": "6.00", "order_number": "A-1",
                         "guards": {"sessions": 2}}],
        )  # fmt: skip
        world.network.ring(ACCESS, CALLER)
        world.network.ring(ACCESS, OTHER_CALLER)

    world = in_world(tmp_path, scene)
    assert len(world.legs("B")) == 2
    spent = sum(world.charges())
    assert Decimal("5.85") <= spent <= Decimal("6.00"), "less than the next block is left"


def own_plan(balance: str, **more: object) -> dict[str, object]:
    """An extension with a plan, a balance, and what else is said of it, whose account pays, too."""
    return {
        "plans": [{"name": "own", "rates": [{**RATE, "price_per_minute": "0.30"}]}],
        "accounts": [{"name": "acme", "country": "GB", "balance": "100.00"}],
        "extensions": [
            {"name": "travellers", "account": "acme", "plan": "own", "balance": balance, **more}
        ],
    }


async def calls_by(world: World, document: dict[str, object], **setup: object) -> None:
    world.network.phone(CALLER, stays)
    world.network.phone(CALLEE, talks)
    await world.apply(document)
    await world.setup(NO_QUESTIONS, credit="50.00", **setup)  # type: ignore[arg-type]
    world.network.ring(ACCESS, CALLER)


def test_an_extension_with_its_own_plan_pays_until_its_balance_ends(tmp_path: Path) -> None:
    world = in_world(tmp_path, lambda world: calls_by(world, own_plan("0.60")))
    assert world.session()["outcome"] == "cut_off"
    assert sum(world.charges("travellers")) == Decimal("0.60")
    # The callerID pays by the nearest plan, which is the extension's; the account by its own.
    assert world.charges() == world.charges("travellers")
    assert sum(world.charges("acme")) > sum(world.charges())
    for row in world.rows(ChargeRow):
        if row["payer"] == "acme":
            below = next(
                other for other in world.rows(ChargeRow)
                if (other["leg_id"], other["payer"]) == (row["leg_id"], "travellers")
            )  # fmt: skip
            assert row["income"] == below["amount"]


def test_a_recharge_of_an_extension_extends_the_call(tmp_path: Path) -> None:
    async def recharged(world: World) -> None:
        await calls_by(world, own_plan("0.60"))
        await world.until(Talking)
        await world.recharge("acme:travellers", "0.60")

    world = in_world(tmp_path, recharged)
    assert world.session()["outcome"] == "cut_off"
    assert sum(world.charges("travellers")) == Decimal("1.20")


def test_what_an_extension_with_its_own_plan_may_spend_ends_the_call(tmp_path: Path) -> None:
    own = own_plan("50.00", guards={"spend_per_call": "0.40"})
    world = in_world(tmp_path, lambda world: calls_by(world, own))
    assert world.session()["outcome"] == "cut_off"
    assert Decimal("0.35") < sum(world.charges("travellers")) <= Decimal("0.40")
