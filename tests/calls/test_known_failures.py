"""The known failures of this field, one whole session each: what other callback and billing
servers were reported to get wrong. Each test names the peer, and its issue where there is one."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from tests.calls.scene import far_of
from tests.calls.test_money import NO_QUESTIONS, nothing, play, recharge, stays, talks
from tests.calls.world import ACCESS, CALLEE, CALLER, World, in_world

from ringback.accounts.setupfile import SetupError
from ringback.calls.events import DurationTold
from ringback.engines.simulated import FarCall
from ringback.numbering import NumberForm
from ringback.store.models import ChargeRow, LedgerEntryRow
from ringback.telephony.trunks import Trunk

NUMBER = "02079460000#"


def charged(world: World, leg: Mapping[str, object], payer: str = CALLER) -> list[Decimal]:
    return [
        row["amount"]
        for row in world.rows(ChargeRow)
        if (row["leg_id"], row["payer"]) == (leg["id"], payer)
    ]


def test_a2billing_91_only_one_leg_billed(tmp_path: Path) -> None:
    world = play(tmp_path, nothing, credit="1.00")
    for leg in (*world.legs("A"), *world.legs("B")):
        for payer in (CALLER, "acme"):
            (amount,) = charged(world, leg, payer)
            assert amount > 0


def test_a2billing_129_answered_time_read_as_0(tmp_path: Path) -> None:
    """A call is charged from its answer, not from when it was dialled or from the epoch."""

    async def slow(call: FarCall) -> None:
        call.ring()
        await call.sleep(20.0)
        call.answer()
        await call.sleep(8.0)
        call.hang_up()

    async def scene(world: World) -> None:
        world.network.phone(CALLER, stays)
        world.network.phone(CALLEE, slow)
        await world.setup(NO_QUESTIONS)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, scene)
    (b,) = world.legs("B")
    far = far_of(world, b)
    assert far.answered is not None and 0 < b["answered"] - far.answered < 0.06
    assert b["billed_seconds"] == 10 and charged(world, b) == [Decimal("0.05")]


def test_ivozprovider_703_charged_in_the_call_and_at_its_end(tmp_path: Path) -> None:
    """Many slices, one entry and one charge a leg and payer."""
    world = play(tmp_path, nothing, credit="5.00")
    entered = [row["step"] for row in world.rows(LedgerEntryRow) if row["kind"] == "call"]
    assert len(entered) == len(set(entered)) == 4, "two legs, two payers"
    assert len(world.rows(ChargeRow)) == 4
    assert sum(world.charges()) == Decimal("5.00")


@pytest.mark.parametrize("sessions", [30])
def test_magnusbilling_38_thirty_calls_on_the_credit_of_one(tmp_path: Path, sessions: int) -> None:
    async def scene(world: World) -> None:
        await world.setup(
            {**NO_QUESTIONS, "return_calls": "caller", "open_to_anyone": True},
            caller_ids=[],
            balance="1.00",
        )
        world.network.phone(CALLEE, talks)
        for number in range(sessions):
            caller = f"+4477009001{number:02}"
            world.network.phone(caller, stays)
            world.network.ring(ACCESS, caller)

    world = in_world(tmp_path, scene)
    spent = sum(world.charges("acme"))
    assert Decimal("0.95") <= spent <= Decimal("1.00")
    assert len(world.legs("A")) <= 20


@pytest.mark.parametrize("credit", ["0.81", "0.99", "1.00", "1.04", "1.333333", "2.00"])
def test_magnusbilling_343_talks_past_the_balance(tmp_path: Path, credit: str) -> None:
    world = play(tmp_path, nothing, credit=credit)
    assert world.session()["outcome"] == "cut_off"
    assert Decimal(credit) - Decimal("0.05") < sum(world.charges()) <= Decimal(credit)
    for leg in (*world.legs("A"), *world.legs("B")):
        (amount,) = charged(world, leg)
        paid_seconds = 10 + 5 * (amount / Decimal("0.05") - 1)
        assert leg["ended"] - leg["answered"] <= paid_seconds


def test_a2billing_22_first_block_left_out_of_the_longest_time(tmp_path: Path) -> None:
    """A minute's first block, dear: it counts in what is announced and in what is had."""
    rate = {"prefix": "", "first_block": 60, "first_price": "0.60",
            "next_block": 1, "price_per_minute": "0.06"}  # fmt: skip

    async def scene(world: World) -> None:
        world.network.phone(CALLER, stays)
        world.network.phone(CALLEE, talks)
        await world.setup({**NO_QUESTIONS, "announce_duration": True}, credit="1.50", rates=[rate])
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, scene)
    (b,) = world.legs("B")
    (told,) = [event.seconds for event in world.journal.of(DurationTold)]
    assert isinstance(told, int)
    # 0.30 after both first blocks, for the two of them: 150 s or so more than a minute.
    assert 60 < told < 60 + 300
    assert told - 10 <= b["ended"] - b["answered"] <= told + 1
    assert sum(world.charges()) <= Decimal("1.50")


def test_astpp_145_balance_moved_away_during_a_call(tmp_path: Path) -> None:
    refused: list[bool] = []

    async def take(world: World) -> None:
        with pytest.raises(SetupError, match=r"at most 0\.00 is available"):
            await recharge(world, "-1.00", "A-2")
        refused.append(True)

    world = play(tmp_path, take, credit="1.00")
    assert refused
    assert sum(world.charges()) == Decimal("1.00"), "what was reserved is there to be spent"


@pytest.mark.parametrize(("credit", "balance"), [("0.04", "100.00"), ("5.00", "0.04")])
def test_mor_the_callback_itself_makes_a_balance_negative(
    tmp_path: Path, credit: str, balance: str
) -> None:
    """Leg A is not dialled on credit that does not pay for it, whoever's it is."""

    async def scene(world: World) -> None:
        world.network.phone(CALLER, stays)
        await world.setup(NO_QUESTIONS, credit=credit, balance=balance)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, scene)
    assert world.session()["outcome"] == "refused_no_credit"
    assert not world.legs("A")


def test_freepbx_317_called_back_several_times(tmp_path: Path) -> None:
    """Somebody rings again and again while he waits, and is called once."""

    async def scene(world: World) -> None:
        world.network.phone(CALLER, stays)
        world.network.phone(CALLEE, talks)
        await world.setup({**NO_QUESTIONS, "ring_seconds": 2})
        for _ in range(6):
            world.network.ring(ACCESS, CALLER)
            await world.sleep(2.5)

    world = in_world(tmp_path, scene)
    assert len(world.calls(CALLER)) == 1
    outcomes = [row["outcome"] for row in world.rows_of_sessions()]
    assert outcomes[0] == "cut_off" and set(outcomes[1:]) == {"refused_duplicate"}


def test_goalert_921_voicemail_takes_the_callback(tmp_path: Path) -> None:
    """It is talked to for 20 s, dials nothing, and is not called again for it."""

    async def voicemail(call: FarCall) -> None:
        call.answer()

    async def scene(world: World) -> None:
        world.network.phone(CALLER, voicemail)
        await world.setup({"attempts": 5})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, scene)
    assert world.session()["outcome"] == "not_accepted"
    (a,) = world.legs("A")
    assert a["ended"] - a["answered"] <= 20.1
    assert set(world.said()) == {"Press 1 to take this call."}


@pytest.mark.parametrize(
    "forged", ["+449098790000", "+88213123456", "+8816123456789", "999", ACCESS]
)
def test_callback_to_premium_numbers_by_forged_cli(tmp_path: Path, forged: str) -> None:
    async def scene(world: World) -> None:
        await world.setup({**NO_QUESTIONS, "return_calls": "caller", "open_to_anyone": True})
        world.network.ring(ACCESS, forged)

    world = in_world(tmp_path, scene)
    assert world.session()["outcome"] in ("refused_forbidden_number", "refused_hidden")
    assert world.rows_of_legs() == []


@pytest.mark.parametrize(
    ("form", "sent"),
    [
        (NumberForm(), "+447700900123"),
        (NumberForm("GB"), "07700900123"),
        (NumberForm("GB"), "00447700900123"),
        (NumberForm(plus=False), "447700900123"),
    ],
)
def test_portaone_mor_cli_in_another_format_than_the_list(
    tmp_path: Path, form: NumberForm, sent: str
) -> None:
    async def scene(world: World) -> None:
        trunk = Trunk("trunk", "192.0.2.1", caller=form)
        world.trunks.replace([trunk], world.trunks.routes)
        await world.setup(NO_QUESTIONS)
        world.network.ring(ACCESS, sent)

    world = in_world(tmp_path, scene)
    (session,) = world.rows_of_sessions()
    assert session["caller"] == CALLER and session["return_number"] == CALLER


def test_fusionpbx_5337_wrong_caller_id_on_leg_b(tmp_path: Path) -> None:
    """Leg B shows what the setup says, not the number that was called or the last that rang."""
    other = "+442071838751"

    async def scene(world: World) -> None:
        world.network.phone(CALLER, stays)
        world.network.phone(CALLEE, talks)
        await world.setup(
            {**NO_QUESTIONS, "caller_id_number": {"set_by": "equipment"},
             "caller_id_name": {"set_by": "user", "value": "Ann"}}, start=False
        )  # fmt: skip
        await world.apply(
            {
                "extensions": [
                    {"name": "travellers", "account": "acme", "access_numbers": [ACCESS, other]}
                ]
            }
        )
        await world.exchange.start()
        world.network.ring(other, CALLER)

    world = in_world(tmp_path, scene)
    (callee,), (caller,) = world.calls(CALLEE), world.calls(CALLER)
    assert (callee.shown.number, callee.shown.name) == (CALLER, "Ann")
    assert (caller.shown.number, caller.shown.name) == (other, "Acme Travel")


def test_magnusbilling_455_failed_triggers_invisible(tmp_path: Path) -> None:
    """Every trigger that leads to nothing is a record with its reason."""

    async def scene(world: World) -> None:
        await world.setup(credit="0.01")
        world.network.ring(ACCESS, CALLER)
        world.network.ring(ACCESS, "+447700900999")
        world.network.ring(ACCESS, None)
        world.network.ring(ACCESS, "+447700900124", hang_up_after=1.0)

    world = in_world(tmp_path, scene)
    assert sorted(row["outcome"] for row in world.rows_of_sessions()) == [
        "abandoned", "refused_hidden", "refused_no_credit", "refused_unlisted",
    ]  # fmt: skip
    assert {row["stage"] for row in world.rows_of_sessions()} == {"trigger"}


@pytest.mark.parametrize(
    "sent", ["$(touch x)", "`id`", "+447700900123;reboot", "'; DROP TABLE sessions; --", "+44\n1"]
)
def test_freepbx_callback_caller_number_handed_to_a_shell(tmp_path: Path, sent: str) -> None:
    """A caller's number is parsed before it touches anything: what is none is called by
    nobody."""

    async def scene(world: World) -> None:
        await world.setup({**NO_QUESTIONS, "return_calls": "caller", "open_to_anyone": True})
        world.network.ring(ACCESS, sent, name=sent)

    world = in_world(tmp_path, scene)
    session = world.session()
    assert (session["outcome"], session["caller"]) == ("refused_forbidden_number", None)
    assert session["caller_received"] == "".join(filter(str.isprintable, sent))


@pytest.mark.parametrize("typed", ["0042", "042", "42", "00042"])
def test_pin_kept_as_a_number_leading_zeros_lost(tmp_path: Path, typed: str) -> None:
    async def caller(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your PIN")
        call.press(f"{typed}#")
        if await call.hears("Dial the number", 10):
            call.press(NUMBER)

    async def scene(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talks)
        await world.setup({"require_caller_pin": True, "pin_attempts": 1}, pin="0042")
        world.network.ring(ACCESS, CALLER)

    outcome = in_world(tmp_path, scene).session()["outcome"]
    assert outcome == ("cut_off" if typed == "0042" else "wrong_password")
