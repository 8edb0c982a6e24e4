"""The return call: who is reached, who accepts it, and who proves to be whom (spec section 4,
steps 4 and 5, and outcomes 3, 4 and 6)."""

from __future__ import annotations

from tests.e2e import sipp
from tests.e2e.cases import adder, national, payers, reach_dialling
from tests.e2e.stage import PIN, Case, Stage

from ringback.calls.events import Rang, ReturnAgain

CASES: list[Case] = []
case = adder(CASES)


async def _refused_by(stage: Stage, xml: str, outcome: str) -> None:
    phone = await stage.phone(xml)
    await stage.trigger()
    session = await stage.ends(outcome, "return", 40)
    await phone.finished(40)
    assert [leg["charges"] for leg in session["legs"]] == [[]]


@case(callback={"attempts": 1})
async def busy(stage: Stage) -> None:
    await _refused_by(stage, sipp.refuser("486 Busy Here"), "busy")


@case(callback={"attempts": 3})
async def declined(stage: Stage) -> None:
    await _refused_by(stage, sipp.refuser("603 Decline", ring_first=True), "rejected")


@case(callback={"attempts": 3})
async def unallocated(stage: Stage) -> None:
    await _refused_by(stage, sipp.refuser("404 Not Found"), "failed")


@case(callback={"attempts": 1})
async def network_fault(stage: Stage) -> None:
    await _refused_by(stage, sipp.refuser("503 Service Unavailable"), "failed")


@case(callback={"attempts": 1, "answer_timeout_seconds": 5})
async def no_answer(stage: Stage) -> None:
    await _refused_by(stage, sipp.never_answers(), "no_answer")


@case(callback={"attempts": 1})
async def nobody_there(stage: Stage) -> None:
    """The trunk cannot be reached: the call fails, and after three OPTIONS the log says why."""
    await stage.trigger()
    await stage.ends("failed", "return")
    told = await stage.server.logged(f"trunk {stage.phone_trunk} ", 150)
    assert "is down: it does not answer" in told["event"]


@case(callback={"attempts": 2, "retry_after_seconds": 15})
async def credit_gone_by_the_next_attempt(stage: Stage) -> None:
    await stage.phone(sipp.refuser("486 Busy Here"))
    await stage.trigger()
    await stage.server.happened(ReturnAgain, of=await stage.live())
    await stage.recharge("-5.00")
    session = await stage.ends("no_credit", "return")
    assert [leg["cause"] for leg in session["legs"]] == [486]


@case()
async def ended_while_it_rings(stage: Stage) -> None:
    phone = await stage.phone(sipp.never_answers())
    await stage.trigger()
    await stage.server.happened(Rang, of=await stage.live())
    await stage.server.command("sessions", await stage.live(), "--end")
    await phone.finished()
    session = await stage.ends("ended", "return")
    assert [leg["charges"] for leg in session["legs"]] == [[]]


@case(callback={"reject_with": "decline"})
async def rejected_with_decline(stage: Stage) -> None:
    rtp = stage.rtp()
    await stage.phone(sipp.callee(rtp.port, hangs_up_after=0.5))
    await stage.trigger(final=603)
    await stage.ends("hung_up", "authenticate")


@case()
async def voicemail(stage: Stage) -> None:
    """An answer, and nobody presses 1."""
    rtp = stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port))
    await stage.trigger()
    session = await stage.ends("not_accepted", "authenticate")
    await phone.finished()
    assert [leg["leg"] for leg in session["legs"]] == ["A"]
    assert payers(session) == {stage.caller, "acme"}


@case(callback={"return_calls": "caller", "open_to_anyone": True, "dial_within_seconds": 5})
async def caller_mode_paid_by_the_callerid(stage: Stage) -> None:
    await reach_dialling(stage)
    assert payers(await stage.ends("no_number_dialled", "number")) == {stage.caller, "acme"}


@case(callback={"return_calls": "caller", "open_to_anyone": True, "dial_within_seconds": 5},
      caller_id=None)  # fmt: skip
async def caller_mode_paid_by_the_account(stage: Stage) -> None:
    rtp = await reach_dialling(stage)
    await stage.remote(sipp.callee(stage.rtp().port, hangs_up_after=1.0))
    rtp.press(national(stage.callee))
    await rtp.hears("Dial the number")
    assert payers(await stage.ends("completed", "number")) == {"acme"}


@case(callback={"return_calls": "fixed", "fixed_number": "{stage.callee}", "open_to_anyone": True,
                "dial_within_seconds": 5})  # fmt: skip
async def fixed_mode_identifies_nobody(stage: Stage) -> None:
    far = stage.rtp()
    await stage.remote(sipp.callee(far.port))
    phone = await stage.phone(sipp.callee(stage.rtp().port, hangs_up_after=1.0))
    await stage.trigger()
    await far.hears("Press 1")
    far.press("1")
    await far.hears("Dial the number")
    far.press(national(stage.caller))
    await phone.finished()
    await far.hears("Dial the number")
    session = await stage.ends("completed", "number")
    assert [leg["number"]["e164"] for leg in session["legs"]] == [stage.callee, stage.caller]
    assert payers(session) == {"acme"}


@case(callback={"return_calls": "fixed", "fixed_number": "{stage.callee}",
                "require_caller_pin": True, "dial_within_seconds": 5})  # fmt: skip
async def fixed_mode_with_a_claim(stage: Stage) -> None:
    far = stage.rtp()
    await stage.remote(sipp.callee(far.port))
    await stage.trigger(sender="<sip:anonymous@anonymous.invalid>", headers=["Privacy: id"])
    await far.hears("Please enter your phone number")
    far.press(national(stage.caller))
    await far.hears("Please enter your PIN")
    far.press(f"{PIN}#")
    await far.hears("Dial the number")
    session = await stage.ends("no_number_dialled", "number")
    assert session["caller_id"] == stage.caller
    assert payers(session) == {stage.caller, "acme"}


@case(callback={"password": "123456", "pin_attempts": 2})
async def wrong_password(stage: Stage) -> None:
    rtp = stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port))
    await stage.trigger()
    await rtp.hears("Please enter your password")
    rtp.press("654321#")
    await rtp.hears("That was not right")
    await rtp.hears("Please enter your password")
    rtp.press("111111#")
    await rtp.hears("Goodbye")
    await phone.finished()
    await stage.ends("wrong_password", "authenticate")


@case(callback={"require_caller_pin": True, "pin_attempts": 6})
async def locked_out(stage: Stage) -> None:
    rtp = stage.rtp()
    await stage.phone(sipp.callee(rtp.port))
    await stage.trigger()
    for _ in range(5):
        await rtp.hears("Please enter your PIN")
        rtp.press("9999#")
        await rtp.hears("That was not right")
    await rtp.hears("Please enter your PIN")
    rtp.press(f"{PIN}#")  # right, but locked: the wording does not change
    await rtp.hears("Goodbye")
    await stage.ends("locked_out", "authenticate")
    await stage.trigger()
    session = await stage.ends("refused_locked_out", "trigger", number=2)
    assert session["legs"] == []


@case(callback={"return_calls": "caller", "require_caller_pin": True, "pin_attempts": 6,
                "dial_within_seconds": 5})  # fmt: skip
async def claims_locked_out(stage: Stage) -> None:
    """Wrong claims lock further ones, and not the phone of whom they named."""
    stranger, own = stage.rtp(), stage.rtp()
    await stage.remote(sipp.callee(stranger.port))
    await stage.phone(sipp.callee(own.port))
    await stage.trigger(caller=stage.callee)
    for pin in [*["9999"] * 5, PIN]:
        await stranger.hears("Please enter your phone number")
        stranger.press(national(stage.caller))
        await stranger.hears("Please enter your PIN")
        stranger.press(f"{pin}#")
        await stranger.hears("Goodbye" if pin == PIN else "That was not right")
    session = await stage.ends("locked_out", "authenticate")
    assert session["caller_id"] is None
    await stage.trigger()
    await own.hears("Please enter your PIN")
    own.press(f"{PIN}#")
    await own.hears("Dial the number")
    session = await stage.ends("no_number_dialled", "number", number=2)
    assert session["caller_id"] == stage.caller


@case(callback={"require_caller_pin": True, "dial_within_seconds": 5})
async def pin_by_info(stage: Stage) -> None:
    rtp = stage.rtp()
    keys = [(3.0, "0"), (0.2, "0"), (0.2, "4"), (0.2, "2"), (0.2, "#")]
    await stage.phone(sipp.callee(rtp.port, payloads="8 0", info_digits=keys))
    await stage.trigger()
    await rtp.hears("Dial the number")
    session = await stage.ends("no_number_dialled", "number")
    assert session["caller_id"] == stage.caller


@case(callback={"credit_menu": True, "accept_prompt": "never"})
async def hung_up_in_the_menu(stage: Stage) -> None:
    await stage.phone(sipp.callee(stage.rtp().port, hangs_up_after=2.0))
    await stage.trigger()
    await stage.ends("hung_up", "menu")


@case(callback={"accept_prompt": "never"})
async def hung_up_when_asked_for_a_number(stage: Stage) -> None:
    await stage.phone(sipp.callee(stage.rtp().port, hangs_up_after=2.0))
    await stage.trigger()
    await stage.ends("hung_up", "number")
