"""Whole sessions on virtual time, in the words of section 4 of the spec."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import pytest
from tests.calls.world import ACCESS, CALLEE, CALLER, PIN, World, in_world

from ringback.calls.events import Talking
from ringback.engines.simulated import FarCall
from ringback.engines.simulated.legs import SimulatedLeg
from ringback.telephony.port import Cause, Rejection
from ringback.telephony.trunks import Route


async def talker(call: FarCall) -> None:
    """A remote party who answers and waits to be hung up on."""
    call.ring()
    await call.sleep(2.0)
    call.answer()


async def accepts(call: FarCall) -> None:
    """A caller who takes the return call and is asked for a number."""
    call.ring()
    await call.sleep(1.0)
    call.answer()
    await call.hears("Press 1")
    call.press("1")
    await call.hears("Dial the number")


async def accepts_and_dials(call: FarCall) -> None:
    """A caller who takes the return call, dials, and talks for ten seconds."""
    await accepts(call)
    call.press("02079460000#")
    await call.hears("[ringback]")
    await call.sleep(12.0)
    call.hang_up()


def test_a_whole_call(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup()
        ring = world.network.ring(ACCESS, CALLER)
        await world.sleep(4.9)
        assert ring.rang and ring.rejected is None
        await world.sleep(0.3)
        assert ring.rejected is Rejection.BUSY

    world = in_world(tmp_path, play)
    session = world.session()
    assert (session["outcome"], session["stage"]) == ("completed", "conversation")
    (a,), (b,) = world.legs("A"), world.legs("B")
    assert b["e164"] == CALLEE and b["received"] == "02079460000"
    assert a["billed_seconds"] >= a["ended"] - a["answered"]
    talked = b["ended"] - b["answered"]
    assert 9 < talked < 11
    for leg in (a, b):
        charged = {
            row["payer"]: row["amount"]
            for row in world.rows_of_charges()
            if row["leg_id"] == leg["id"]
        }
        blocks = math.ceil(max(0.0, leg["ended"] - leg["answered"] - 10) / 5)
        assert charged == dict.fromkeys([CALLER, "acme"], Decimal("0.05") * (1 + blocks))
    assert world.calls(CALLEE)[0].shown.number == ACCESS
    assert world.calls(CALLER)[0].shown.number == ACCESS


def test_pin_credit_menu_and_redial(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        call.ring()
        call.answer()
        await call.hears("Please enter your PIN")
        call.press(f"{PIN}#")
        await call.hears("To hear your credit")
        call.press("1")
        await call.hears("Your credit is")
        await call.hears("To hear your credit")
        call.press("2")
        await call.hears("Dial the number")
        call.press("02079460000#")
        await call.hears("Dial the number", 60)
        call.press("#")
        await call.hears("Dial the number", 60)
        call.hang_up()

    async def callee(call: FarCall) -> None:
        call.ring()
        call.answer()
        await call.sleep(3.0)
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, callee)
        await world.setup({"require_caller_pin": True, "credit_menu": True})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert [leg["e164"] for leg in world.legs("B")] == [CALLEE, CALLEE]
    said = world.said()
    place = said.index("Your credit is")
    assert said[place + 1 : place + 3] == ["five", "pounds"]


def test_cut_off_when_the_credit_ends(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, patient)
        world.network.phone(CALLEE, talker)
        await world.apply(
            {"sounds": [{"account": "admin", "path": "/bye.wav", "file": "goodbye.wav"}]}
        )
        await world.setup(
            {"warn_before_end_seconds": 5, "disconnect_sound": "///bye.wav"}, credit="1.00"
        )
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    session = world.session()
    assert (session["outcome"], session["stage"]) == ("cut_off", "conversation")
    assert sum(world.charges()) == Decimal("1.00"), "the credit is used to its end, and no more"
    said = world.said()
    assert said.index("[beep]") < said.index("[/bye.wav]")
    (b,) = world.legs("B")
    # Blocks of B end 10 s after its answer, then every 5 s: it goes in the 250 ms before one.
    into_block = (b["ended"] - b["answered"] - 10) % 5
    assert 4.75 <= into_block <= 5.0


async def patient(call: FarCall) -> None:
    """A caller who stays until he is cut off."""
    call.ring()
    call.answer()
    await call.hears("Press 1")
    call.press("1")
    await call.hears("Dial the number")
    call.press("02079460000#")


@pytest.mark.parametrize(
    ("callback", "script", "outcome"),
    [
        ({"attempts": 1}, "busy", "busy"),
        ({"attempts": 1}, "no_answer", "no_answer"),
        ({"attempts": 3}, "decline", "rejected"),
        ({"attempts": 1}, "fails", "failed"),
        ({"attempts": 3}, "unallocated", "failed"),
    ],
)
def test_return_call_not_answered(
    tmp_path: Path, callback: dict[str, object], script: str, outcome: str
) -> None:
    causes = {
        "busy": Cause.BUSY,
        "decline": Cause.REJECTED,
        "fails": Cause.FAILED,
        "unallocated": Cause.UNALLOCATED,
    }

    async def phone(call: FarCall) -> None:
        if script in causes:
            call.reject(causes[script])
        else:
            call.ring()

    async def play(world: World) -> None:
        world.network.phone(CALLER, phone)
        await world.setup(callback)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == outcome
    assert world.session()["stage"] == "return"
    assert len(world.legs("A")) == 1
    assert world.charges() == []


def test_busy_is_tried_again_and_then_answered(tmp_path: Path) -> None:
    tries = []

    async def phone(call: FarCall) -> None:
        tries.append(call)
        if len(tries) < 3:
            call.reject(Cause.BUSY)
        else:
            await accepts_and_dials(call)

    async def play(world: World) -> None:
        world.network.phone(CALLER, phone)
        world.network.phone(CALLEE, talker)
        await world.setup({"attempts": 3, "retry_after_seconds": 30})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    starts = [leg["started"] for leg in world.legs("A")]
    assert len(starts) == 3 and 30 <= starts[1] - starts[0] < 31


def test_voicemail_is_not_talked_to(tmp_path: Path) -> None:
    async def voicemail(call: FarCall) -> None:
        call.answer()

    async def play(world: World) -> None:
        world.network.phone(CALLER, voicemail)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "not_accepted"
    (a,) = world.legs("A")
    assert a["ended"] - a["answered"] < 21
    assert world.legs("B") == []


@pytest.mark.parametrize(
    ("ring", "callback", "caller_ids", "outcome"),
    [
        ({"caller": "+447700900999"}, {}, None, "refused_unlisted"),
        ({"caller": None}, {}, None, "refused_hidden"),
        (
            {"caller": CALLER},
            {},
            [{"number": CALLER, "enabled": False, "credit": "5.00", "order_number": "1"}],
            "refused_disabled",
        ),
        ({"caller": CALLER}, {}, [{"number": CALLER}], "refused_no_credit"),
        ({"caller": CALLER}, {"minimum_credit": "5.01"}, None, "refused_no_credit"),
        ({"caller": CALLER, "verification": "failed"}, {"caller_verification": "prefer"}, None,
         "refused_unverified"),
        ({"caller": CALLER}, {"caller_verification": "require"}, None, "refused_unverified"),
        ({"caller": "+448719999999"}, {"return_calls": "caller", "password": "1234"}, None,
         "refused_forbidden_number"),
        ({"caller": "+33142685300"}, {"return_calls": "caller", "password": "1234"}, None,
         "refused_forbidden_number"),
        (
            {"caller": "+447700900999", "diverted_by": "+447700900111"},
            {"return_calls": "caller", "password": "1234"},
            None,
            "refused_forbidden_number",
        ),
        ({"caller": CALLER, "acknowledges": False}, {}, None, "abandoned"),
        ({"caller": CALLER, "hang_up_after": 2.0}, {}, None, "abandoned"),
    ],
)  # fmt: skip
def test_refused(
    tmp_path: Path,
    ring: dict[str, object],
    callback: dict[str, object],
    caller_ids: list[dict[str, object]] | None,
    outcome: str,
) -> None:
    async def play(world: World) -> None:
        await world.setup(callback, caller_ids=caller_ids)
        made = world.network.ring(ACCESS, **ring)  # type: ignore[arg-type]
        await world.sleep(6.0)
        # A refused caller hears the same ringing and the same rejection as an accepted one.
        assert made.rang
        assert made.rejected is (None if made.gone else Rejection.BUSY)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == outcome
    assert world.session()["stage"] == "trigger"
    assert world.rows_of_legs() == []


def test_no_rate(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        await world.setup(rates=[{"prefix": "1", "first_price": "0.01", "price_per_minute": "0"}])
        world.network.ring(ACCESS, CALLER)

    assert in_world(tmp_path, play).session()["outcome"] == "refused_no_rate"


def test_early_hangup_can_trigger(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"early_hangup": "call_back"})
        world.network.ring(ACCESS, CALLER, hang_up_after=2.0)

    assert in_world(tmp_path, play).session()["outcome"] == "completed"


def test_a_second_trigger_is_a_duplicate_and_moves_the_return_call(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup({"callback_delay_seconds": 20})
        world.network.ring(ACCESS, CALLER)
        await world.sleep(15.0)
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    outcomes = sorted(row["outcome"] for row in world.rows_of_sessions())
    assert outcomes == ["completed", "refused_duplicate"]
    (a,) = world.legs("A")
    second = max(row["started"] for row in world.rows_of_sessions())
    assert 25 <= a["started"] - second < 26


def test_wrong_pins_end_the_call_and_five_lock_out(tmp_path: Path) -> None:
    async def guesser(call: FarCall) -> None:
        call.answer()
        for _ in range(3):
            if not await call.hears("Please enter your PIN"):
                return
            call.press("9999#")

    async def play(world: World) -> None:
        world.network.phone(CALLER, guesser)
        await world.setup({"require_caller_pin": True})
        for _ in range(3):
            world.network.ring(ACCESS, CALLER)
            await world.sleep(100.0)

    world = in_world(tmp_path, play)
    outcomes = [row["outcome"] for row in world.rows_of_sessions()]
    assert outcomes == ["wrong_password", "locked_out", "refused_locked_out"]
    (lock,) = world.locks().values()
    assert lock["key"].startswith("pin/") and lock["times"] == 1
    assert "That was not right." in world.said()


def test_an_empty_entry_does_not_lock(tmp_path: Path) -> None:
    async def silent(call: FarCall) -> None:
        call.answer()

    async def play(world: World) -> None:
        world.network.phone(CALLER, silent)
        await world.setup({"password": "123456"})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "wrong_password"
    assert world.locks() == {}


def test_fixed_mode_with_a_claim_pays_by_the_claimed_credit(tmp_path: Path) -> None:
    hotel = "+442071234567"

    async def claimer(call: FarCall) -> None:
        call.answer()
        await call.hears("Please enter your phone number")
        call.press("07700900123#")
        await call.hears("Please enter your PIN")
        call.press(f"{PIN}#")
        await call.hears("Dial the number")
        call.press("02079460000#")
        await call.hears("[ringback]")
        await call.sleep(10.0)
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(hotel, claimer)
        world.network.phone(CALLEE, talker)
        await world.setup(
            {"return_calls": "fixed", "fixed_number": hotel, "require_caller_pin": True}
        )
        world.network.ring(ACCESS, None)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    charges = world.rows_of_charges()
    assert {row["payer"] for row in charges} == {CALLER, "acme"}
    # Who was identified only then is below the account on leg A, too.
    for leg in (*world.legs("A"), *world.legs("B")):
        (claimed,), (above,) = (
            [row for row in charges if (row["leg_id"], row["payer"]) == (leg["id"], payer)]
            for payer in (CALLER, "acme")
        )
        assert claimed["income"] is None
        assert above["income"] == claimed["amount"] > 0


def test_a_claim_that_cannot_pay_for_leg_a_ends(tmp_path: Path) -> None:
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
            {"return_calls": "fixed", "fixed_number": hotel, "require_caller_pin": True},
            credit="0.04",
        )
        world.network.ring(ACCESS, None)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "no_credit"
    assert {row["payer"] for row in world.rows_of_charges()} == {"acme"}


def test_double_star_ends_leg_b_and_digits_are_passed_on(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        call.answer()
        await call.hears("Press 1")
        call.press("1")
        await call.hears("Dial the number")
        call.press("02079460000#")
        await call.sleep(20.0)
        call.press("5")
        await call.sleep(3.0)
        call.press("**")
        await call.hears("Dial the number")
        call.hang_up()

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    (callee,) = world.calls(CALLEE)
    assert callee.ended_by_server
    assert callee.digits == ["5", "*"]
    assert world.session()["outcome"] == "completed"


@pytest.mark.parametrize("what", ["order", "caller"])
def test_what_happens_while_leg_b_is_being_ended_is_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A BYE may take 32 s to be answered: an order to end, and the caller's leaving, count."""

    async def caller(call: FarCall) -> None:
        await accepts(call)
        call.press("02079460000#")
        await call.sleep(20.0)
        call.press("**")

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER)
        await world.until(Talking)
        (running,) = world.exchange._running.values()
        a, b = running.waiting.a, running.waiting.b
        assert a is not None and b is not None
        hang_up = b.leg.hang_up

        def meanwhile() -> None:
            if what == "order":
                world.exchange.end(running.session.id, "test")
            else:
                (call,) = world.calls(CALLER)
                call.hang_up()
                assert isinstance(a.leg, SimulatedLeg)
                a.leg.reached = world.clock.now()
                a.leg.far_hangs_up()
            hang_up()

        monkeypatch.setattr(b.leg, "hang_up", meanwhile)

    world = in_world(tmp_path, play)
    session = world.session()
    assert session["outcome"] == ("ended" if what == "order" else "completed")
    (b,) = world.legs("B")
    assert session["ended"] - b["ended"] < 1.0, "nothing was waited for"


def test_the_other_trunk_is_tried_when_one_is_silent(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.trunks.replace(world.trunks.by_name.values(), [Route("", ("second", "trunk"))])
        world.network.silent_trunks.add("second")
        world.network.phone(CALLER, accepts_and_dials)
        world.network.phone(CALLEE, talker)
        await world.setup()
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "completed"
    assert [leg["trunk"] for leg in world.legs("A")] == ["second", "trunk"]


def test_a_trunk_that_went_down_or_full_meanwhile_is_skipped(tmp_path: Path) -> None:
    async def play(world: World) -> None:
        world.trunks.replace(world.trunks.by_name.values(), [Route("", ("second", "trunk"))])
        world.network.silent_trunks.add("second")
        world.network.phone(CALLER, accepts_and_dials)
        await world.setup({"attempts": 1})
        world.network.ring(ACCESS, CALLER)
        while not world.legs("A"):
            await world.sleep(0.5)
        world.engine.down.add("trunk")

    world = in_world(tmp_path, play)
    assert world.session()["outcome"] == "failed"
    assert [leg["trunk"] for leg in world.legs("A")] == ["second"]
    assert "no trunk can take" not in " ".join(world.journal.troubles)


def test_emergency_and_own_numbers_are_not_dialled(tmp_path: Path) -> None:
    async def caller(call: FarCall) -> None:
        call.answer()
        await call.hears("Press 1")
        call.press("1")
        for digits in ("999#", "02071838750#", "09098790000#"):
            await call.hears("Dial the number")
            call.press(digits)
            await call.hears("This number cannot be called")

    async def play(world: World) -> None:
        world.network.phone(CALLER, caller)
        await world.setup({"dial_within_seconds": 60})
        world.network.ring(ACCESS, CALLER)

    world = in_world(tmp_path, play)
    assert world.legs("B") == []
    assert world.session()["outcome"] == "forbidden_number"
