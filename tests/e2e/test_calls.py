"""Calls on real SIP and RTP: SIPp is the caller, the caller's phone and the remote party."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.e2e import sipp
from tests.e2e.rtp import Rtp
from tests.e2e.stage import PIN, Case, Stage, play_all

CASES: list[Case] = []


Play = Callable[[Stage], Awaitable[None]]


def case(**how: Any) -> Callable[[Play], Play]:
    """The play of a case; its name is the function's."""

    def add(play: Play) -> Play:
        CASES.append(Case(getattr(play, "__name__", ""), play, **how))
        return play

    return add


async def _reach_dialling(stage: Stage, *, pin: bool = False) -> Rtp:
    """Trigger, take the return call, accept or enter the PIN, and hear the prompt to dial."""
    rtp = stage.rtp()
    await stage.phone(sipp.callee(rtp.port))
    await stage.trigger()
    if pin:
        await rtp.hears("Please enter your PIN")
        rtp.press(f"{PIN}#")
    else:
        await rtp.hears("Press 1")
        rtp.press("1")
    await rtp.hears("Dial the number")
    return rtp


def _national(number: str) -> str:
    return f"0{number[3:]}#"


@case(callback={"require_caller_pin": True, "credit_menu": True, "dial_within_seconds": 8})
async def pin_menu_conversation(stage: Stage) -> None:
    rtp, far = stage.rtp(), stage.rtp()
    await stage.phone(sipp.callee(rtp.port))
    remote = await stage.remote(sipp.callee(far.port, rings=0.5, hangs_up_after=4.0))
    far.says(stage.server.recordings.speech(["seven", "eight"], "PCMA"))
    await stage.trigger()
    await rtp.hears("Please enter your PIN")
    rtp.press(f"{PIN}#")
    await rtp.hears("To hear your credit")
    rtp.press("1")
    await rtp.hears("Your credit is")
    await rtp.hears("five")
    await rtp.hears("pounds")
    rtp.press("2")
    await rtp.hears("Dial the number")
    rtp.press(_national(stage.callee))
    await rtp.hears("You can talk for")
    await rtp.hears("[ringback]")
    await rtp.hears("seven")
    rtp.press("5")
    await remote.finished()
    assert far.digits == ["5"]
    await rtp.hears("Dial the number")
    assert len(rtp.ssrcs) == 1, "one leg hears one stream"
    assert (await stage.outcome())["outcome"] == "completed"


@case(callback={"return_calls": "caller", "open_to_anyone": True}, caller_id=None)
async def caller_mode_paid_by_the_account(stage: Stage) -> None:
    rtp = await _reach_dialling(stage)
    far = stage.rtp()
    await stage.remote(sipp.callee(far.port, hangs_up_after=1.0))
    rtp.press(_national(stage.callee))
    await rtp.hears("Dial the number")
    session = await stage.outcome(60)
    assert session["outcome"] == "completed"
    payers = {charge["payer"] for leg in session["legs"] for charge in leg["charges"]}
    assert payers == {"acme"}


@case(callback={"return_calls": "fixed", "fixed_number": "{stage.callee}",
                "require_caller_pin": True})  # fmt: skip
async def fixed_mode_with_a_claim(stage: Stage) -> None:
    far = stage.rtp()
    await stage.remote(sipp.callee(far.port))
    await stage.trigger(sender="<sip:anonymous@anonymous.invalid>", headers=["Privacy: id"])
    await far.hears("Please enter your phone number")
    far.press(_national(stage.caller))
    await far.hears("Please enter your PIN")
    far.press(f"{PIN}#")
    await far.hears("Dial the number")
    session = await stage.outcome(60)
    assert session["outcome"] == "no_number_dialled"
    payers = {charge["payer"] for leg in session["legs"] for charge in leg["charges"]}
    assert payers == {stage.caller, "acme"}


@case(credit="0.80", callback={"warn_before_end_seconds": 2, "disconnect_sound": "//bye.wav",
                               "answer_timeout_seconds": 5})  # fmt: skip
async def cut_off_with_the_sound_heard(stage: Stage) -> None:
    rtp = await _reach_dialling(stage)
    far = stage.rtp()
    remote = await stage.remote(sipp.callee(far.port, rings=0.2))
    rtp.press(_national(stage.callee))
    await rtp.hears("[beep]", 60)
    await remote.finished(30)
    await rtp.hears("Your credit has ended")
    session = await stage.outcome(30)
    assert (session["outcome"], session["stage"]) == ("cut_off", "conversation")
    charges = [
        Decimal(charge["amount"])
        for leg in session["legs"]
        for charge in leg["charges"]
        if charge["level"] == "caller_id"
    ]
    assert sum(charges) == Decimal("0.80")
    assert "[beep]" not in far.heard, "the beep is for leg A only"


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


async def _refused_by(stage: Stage, xml: str, outcome: str) -> None:
    phone = await stage.phone(xml)
    await stage.trigger()
    session = await stage.outcome(40)
    assert session["outcome"] == outcome
    await phone.finished(40)
    assert session["legs"][0]["charges"] == []


@case(callback={"attempts": 1})
async def nobody_there(stage: Stage) -> None:
    await stage.trigger()
    session = await stage.outcome(30)
    assert session["outcome"] == "failed"


@case()
async def voicemail(stage: Stage) -> None:
    rtp = stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port))
    await stage.trigger()
    session = await stage.outcome(40)
    assert session["outcome"] == "not_accepted"
    await phone.finished()


@case()
async def forged_trigger(stage: Stage) -> None:
    await stage.trigger(acknowledge=False)
    session = await stage.outcome(60)
    assert session["outcome"] == "abandoned"
    assert session["legs"] == []


@case()
async def hung_up_early(stage: Stage) -> None:
    await stage.trigger(hang_up_after=0.4)
    assert (await stage.outcome())["outcome"] == "abandoned"


@case(callback={"early_hangup": "call_back", "min_ring_seconds": 0, "ring_seconds": 5})
async def hung_up_early_calls_back(stage: Stage) -> None:
    rtp = stage.rtp()
    await stage.phone(sipp.callee(rtp.port, hangs_up_after=1.0))
    await stage.trigger(hang_up_after=0.5)
    assert (await stage.outcome())["outcome"] == "hung_up"


@case(caller_id=None)
async def unlisted(stage: Stage) -> None:
    await stage.trigger()
    assert (await stage.outcome())["outcome"] == "refused_unlisted"


@case()
async def hidden(stage: Stage) -> None:
    await stage.trigger(headers=["Privacy: id"])
    assert (await stage.outcome())["outcome"] == "refused_hidden"


@case(caller_id={"enabled": False})
async def disabled(stage: Stage) -> None:
    await stage.trigger()
    assert (await stage.outcome())["outcome"] == "refused_disabled"


@case(callback={"minimum_credit": "6.00"})
async def too_little_credit(stage: Stage) -> None:
    await stage.trigger()
    assert (await stage.outcome())["outcome"] == "refused_no_credit"


@case(callback={"caller_verification": "require"})
async def unverified(stage: Stage) -> None:
    await stage.trigger(
        headers=[
            f"P-Asserted-Identity: <sip:{stage.caller};verstat=TN-Validation-Failed@x.invalid>"
        ]
    )
    assert (await stage.outcome())["outcome"] == "refused_unverified"


@case(callback={"return_calls": "caller", "open_to_anyone": True}, caller_id=None)
async def premium_number(stage: Stage) -> None:
    await stage.trigger(caller="+449098790000")
    assert (await stage.outcome())["outcome"] == "refused_forbidden_number"


@case(callback={"return_calls": "caller", "open_to_anyone": True}, caller_id=None)
async def foreign_number(stage: Stage) -> None:
    await stage.trigger(caller="+12125550123")
    assert (await stage.outcome())["outcome"] == "refused_forbidden_number"


@case(others=[{"number": "+12125550123"}])
async def no_rate(stage: Stage) -> None:
    await stage.trigger(caller="+12125550123")
    await _refused(stage, "refused_no_rate")


@case(callback={"callback_delay_seconds": 4})
async def duplicate(stage: Stage) -> None:
    rtp = stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port, hangs_up_after=0.5))
    await stage.trigger()
    first = await stage.live()
    await stage.trigger()
    second = await stage.outcome()
    assert second["id"] != first
    assert (second["outcome"], second["stage"], second["legs"]) == (
        "refused_duplicate",
        "trigger",
        [],
    )
    await phone.finished()
    await stage.outcome(number=2)
    session = next(session for session in await stage.server.sessions() if session["id"] == first)
    assert (session["outcome"], len(session["legs"])) == ("hung_up", 1)
    # The return call came after the delay that the second trigger began.
    assert session["legs"][0]["started"] > second["ended"]


@case()
async def over_limit(stage: Stage) -> None:
    """Three return calls in a row that nobody accepts, and none for an hour."""
    rtp = stage.rtp()
    await stage.phone(sipp.callee(rtp.port, hangs_up_after=0.5))
    for number in range(1, 4):
        await stage.trigger()
        assert (await stage.outcome(number=number))["outcome"] == "hung_up"
    await stage.trigger()
    await stage.outcome(number=4)
    await _refused(stage, "refused_over_limit")


async def _refused(stage: Stage, outcome: str) -> None:
    session = await stage.outcome()
    assert (session["outcome"], session["stage"]) == (outcome, "trigger")
    assert session["legs"] == []


@case(callback={"attempts": 3, "retry_after_seconds": 30, "request_expires_seconds": 30})
async def expired(stage: Stage) -> None:
    phone = await stage.phone(sipp.refuser("486 Busy Here"))
    await stage.trigger()
    await phone.finished()
    session = await stage.outcome(60)
    assert (session["outcome"], session["stage"]) == ("expired", "return")
    assert [leg["cause"] for leg in session["legs"]] == [486]


@case(callback={"callback_delay_seconds": 30})
async def cancelled(stage: Stage) -> None:
    await stage.trigger()
    request = await stage.live()
    await stage.server.command("sessions", request, "--end")
    session = await stage.outcome(10)
    assert (session["id"], session["outcome"], session["stage"]) == (request, "cancelled", "return")
    assert session["legs"] == []


@case()
async def ended_while_it_rings(stage: Stage) -> None:
    phone = await stage.phone(sipp.never_answers())
    await stage.trigger()
    await stage.server.logged("rings", of=await stage.live())
    await stage.server.command("sessions", await stage.live(), "--end")
    await phone.finished()
    session = await stage.outcome()
    assert (session["outcome"], session["stage"]) == ("ended", "return")
    assert [leg["charges"] for leg in session["legs"]] == [[]]


@case()
async def ended_in_the_conversation(stage: Stage) -> None:
    rtp = stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port))
    await stage.trigger()
    await rtp.hears("Press 1")
    rtp.press("1")
    await rtp.hears("Dial the number")
    far = stage.rtp()
    remote = await stage.remote(sipp.callee(far.port))
    rtp.press(_national(stage.callee))
    live = await stage.live()
    await stage.server.logged("conversation", of=live)
    await stage.server.command("sessions", live, "--end")
    await remote.finished()
    await phone.finished()
    session = await stage.outcome()
    assert (session["outcome"], session["stage"]) == ("ended", "conversation")
    assert all(leg["charges"] for leg in session["legs"])


@case(callback={"reject_with": "decline"})
async def rejected_with_decline(stage: Stage) -> None:
    rtp = stage.rtp()
    await stage.phone(sipp.callee(rtp.port, hangs_up_after=0.5))
    await stage.trigger(final=603)
    assert (await stage.outcome())["outcome"] == "hung_up"


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
    assert (await stage.outcome())["outcome"] == "wrong_password"


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
    assert (await stage.outcome())["outcome"] == "locked_out"
    await stage.trigger()
    assert (await stage.outcome(number=2))["outcome"] == "refused_locked_out"


@case(callback={"require_caller_pin": True})
async def pin_by_info(stage: Stage) -> None:
    rtp = stage.rtp()
    keys = [(3.0, "0"), (0.2, "0"), (0.2, "4"), (0.2, "2"), (0.2, "#")]
    await stage.phone(sipp.callee(rtp.port, payloads="8 0", info_digits=keys))
    await stage.trigger()
    await rtp.hears("Dial the number")
    session = await stage.outcome(60)
    assert session["outcome"] == "no_number_dialled"


@case(callback={"dial_within_seconds": 5})
async def no_number_dialled(stage: Stage) -> None:
    await _reach_dialling(stage)
    assert (await stage.outcome())["outcome"] == "no_number_dialled"


@case()
async def early_media_and_follow_on_call(stage: Stage) -> None:
    rtp = await _reach_dialling(stage)
    far = stage.rtp()
    far.says(stage.server.recordings.speech(["nine", "ten"], "PCMA"))
    first = await stage.remote(sipp.callee(far.port, rings=4.0, early=True, hangs_up_after=1.0))
    rtp.press(_national(stage.callee))
    await asyncio.sleep(4.0)
    await first.finished()
    await rtp.hears("Dial the number")
    await first.kill()
    second = await stage.remote(sipp.refuser("486 Busy Here"))
    rtp.press("#")  # the last number again
    await rtp.hears("The number is busy")
    await second.finished()
    await rtp.hears("Dial the number")
    session = await stage.outcome(60)
    assert [leg["leg"] for leg in session["legs"]] == ["A", "B", "B"]


@case()
async def double_star(stage: Stage) -> None:
    rtp = await _reach_dialling(stage)
    far = stage.rtp()
    remote = await stage.remote(sipp.callee(far.port))
    rtp.press(_national(stage.callee))
    await asyncio.sleep(7.0)
    rtp.press("**")
    await remote.finished(20)
    await rtp.hears("Dial the number")
    assert (await stage.outcome(60))["outcome"] == "completed"


@case(callback={"dial_within_seconds": 60})
async def forbidden_numbers(stage: Stage) -> None:
    rtp = await _reach_dialling(stage)
    for digits in ("999#", _national(stage.access), "123#"):
        rtp.press(digits)
        await rtp.hears("This number cannot be called")
        await rtp.hears("Dial the number")
    session = await stage.outcome(90)
    assert session["outcome"] == "forbidden_number"


@case(
    credit="0.80",
    callback={"warn_before_end_seconds": 2, "disconnect_sound": "//none.wav",
              "answer_timeout_seconds": 5, "announce_duration": False},
)  # fmt: skip
async def missing_sound(stage: Stage) -> None:
    """The call goes by without it, and the log says so."""
    rtp = await _reach_dialling(stage)
    await stage.remote(sipp.callee(stage.rtp().port))
    rtp.press(_national(stage.callee))
    await rtp.hears("[beep]", 60)
    assert (await stage.outcome(60))["outcome"] == "cut_off"
    told = await stage.server.logged("missing: ")
    assert "none.wav" in told["event"]


@case(callback={"dial_within_seconds": 5}, callee_host="trunk.invalid")
async def trunk_that_does_not_resolve(stage: Stage) -> None:
    rtp = await _reach_dialling(stage)
    rtp.press(_national(stage.callee))
    await rtp.hears("The call could not be connected")
    assert (await stage.outcome(60))["outcome"] == "failed"
    told = await stage.server.logged(f"trunk {stage.callee_trunk}: ")
    assert "trunk.invalid" in told["event"], told


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, BaseException | None]:
    folder: Path = tmp_path_factory.mktemp("e2e")
    return asyncio.run(play_all(folder, CASES))


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_call(name: str, results: dict[str, BaseException | None]) -> None:
    failure = results[name]
    if failure is not None:
        raise failure
