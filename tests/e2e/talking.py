"""Outgoing calls and conversations (spec section 4, steps 6 to 10, and outcomes 4 to 6)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.e2e import sipp
from tests.e2e.cases import adder, national, reach_dialling
from tests.e2e.rtp import spray
from tests.e2e.sipp import LOCAL
from tests.e2e.stage import PIN, Case, Stage

from ringback.calls.events import FoundOutOfUse, Talking

CASES: list[Case] = []
case = adder(CASES)


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
    rtp.press(national(stage.callee))
    await rtp.hears("You can talk for")
    await rtp.hears("[ringback]")
    await rtp.hears("seven")
    rtp.press("5")
    await remote.finished()
    assert far.digits == ["5"]
    await rtp.hears("Dial the number")
    assert len(rtp.ssrcs) == 1, "one leg hears one stream"
    await stage.ends("completed", "number")


@case(credit="0.80", callback={"warn_before_end_seconds": 2, "disconnect_sound": "//bye.wav",
                               "answer_timeout_seconds": 5})  # fmt: skip
async def cut_off_with_the_sound_heard(stage: Stage) -> None:
    rtp = await reach_dialling(stage)
    far = stage.rtp()
    remote = await stage.remote(sipp.callee(far.port, rings=0.2))
    rtp.press(national(stage.callee))
    await rtp.hears("[beep]", 60)
    await remote.finished(30)
    await rtp.hears("Your credit has ended")
    session = await stage.ends("cut_off", "conversation", 30)
    charges = [
        Decimal(charge["amount"])
        for leg in session["legs"]
        for charge in leg["charges"]
        if charge["level"] == "caller_id"
    ]
    left = Decimal("0.80") - sum(charges)
    assert 0 <= left < Decimal("0.10"), "what is left buys leg B no further block"
    assert "[beep]" not in far.heard, "the beep is for leg A only"
    assert not any(said.startswith("Your credit") for said in far.heard)


@case(
    credit="0.80",
    callback={"warn_before_end_seconds": 2, "disconnect_sound": "//none.wav",
              "answer_timeout_seconds": 5, "announce_duration": False},
)  # fmt: skip
async def missing_sound(stage: Stage) -> None:
    """The call goes by without it, and the log says so."""
    rtp = await reach_dialling(stage)
    await stage.remote(sipp.callee(stage.rtp().port))
    rtp.press(national(stage.callee))
    await rtp.hears("[beep]", 60)
    await stage.ends("cut_off", "conversation")
    told = await stage.server.logged("missing: ")
    assert "none.wav" in told["event"]


@case(callback={"dial_within_seconds": 5})
async def early_media_redial_and_follow_on_call(stage: Stage) -> None:
    rtp = await reach_dialling(stage)
    far = stage.rtp()
    first = await stage.remote(sipp.callee(far.port, rings=10.0, early=True, hangs_up_after=3.0))
    rtp.press(national(stage.callee))
    await rtp.hears("[ringback]")  # until sound comes, whatever was promised in signalling
    rtp.says(stage.server.recordings.speech(["six"], "PCMA"))
    far.says(stage.server.recordings.speech(["nine", "ten"], "PCMA"))
    far.sends_to(await first.offered())
    await rtp.hears("nine", 8.0)
    await rtp.hears("ten")
    assert far.heard == [], "before the answer sound goes to leg A only"
    await far.hears("six")
    await first.finished()
    await rtp.hears("Dial the number")
    await first.kill()
    second = await stage.remote(sipp.refuser("486 Busy Here"))
    rtp.press("#")  # the last number again
    await rtp.hears("The number is busy")
    await second.finished()
    await rtp.hears("Dial the number")
    session = await stage.ends("completed", "number")
    assert [leg["leg"] for leg in session["legs"]] == ["A", "B", "B"]
    assert {leg["number"]["e164"] for leg in session["legs"][1:]} == {stage.callee}
    assert [bool(leg["charges"]) for leg in session["legs"]] == [True, True, False]


@case(callback={"dial_within_seconds": 5})
async def double_star(stage: Stage) -> None:
    rtp = await reach_dialling(stage)
    remote = await stage.remote(sipp.callee(stage.rtp().port))
    rtp.press(national(stage.callee))
    await stage.server.happened(Talking, of=await stage.live())
    rtp.press("**")
    await remote.finished(20)
    await rtp.hears("Dial the number")
    await stage.ends("completed", "number")


async def _not_connected(stage: Stage, xml: str, told: str, outcome: str) -> None:
    rtp = await reach_dialling(stage)
    remote = await stage.remote(xml)
    rtp.press(national(stage.callee))
    await rtp.hears(told, 30)
    await remote.finished()
    await rtp.hears("Dial the number")
    session = await stage.ends(outcome, "number")
    assert [bool(leg["charges"]) for leg in session["legs"]] == [True, False]


@case(callback={"dial_within_seconds": 5})
async def remote_party_busy(stage: Stage) -> None:
    await _not_connected(stage, sipp.refuser("486 Busy Here"), "The number is busy", "busy")


@case(callback={"dial_within_seconds": 5, "answer_timeout_seconds": 5})
async def remote_party_does_not_answer(stage: Stage) -> None:
    await _not_connected(stage, sipp.never_answers(), "There is no answer", "no_answer")


@case(callback={"dial_within_seconds": 5})
async def remote_party_declines(stage: Stage) -> None:
    refuser = sipp.refuser("603 Decline", ring_first=True)
    await _not_connected(stage, refuser, "The call could not be connected", "rejected")


@case(callback={"dial_within_seconds": 5}, callee_host="trunk.invalid")
async def trunk_that_does_not_resolve(stage: Stage) -> None:
    rtp = await reach_dialling(stage)
    rtp.press(national(stage.callee))
    await rtp.hears("The call could not be connected")
    await stage.ends("failed", "number")
    told = await stage.server.logged(f"trunk {stage.callee_trunk}: ")
    assert "trunk.invalid" in told["event"], told


@case(callback={"dial_within_seconds": 5})
async def number_without_a_rate(stage: Stage) -> None:
    rtp = await reach_dialling(stage)
    rtp.press("0012125550123#")
    await rtp.hears("This number cannot be called")
    await stage.ends("no_rate", "number")


@case(callback={"dial_within_seconds": 25})
async def forbidden_numbers(stage: Stage) -> None:
    rtp = await reach_dialling(stage)
    for digits in ("999#", national(stage.access), "123#"):
        rtp.press(digits)
        await rtp.hears("This number cannot be called")
        await rtp.hears("Dial the number")
    session = await stage.ends("forbidden_number", "number")
    assert [leg["leg"] for leg in session["legs"]] == ["A"]


@case(credit="0.20", callback={"answer_timeout_seconds": 5, "dial_within_seconds": 10,
                               "no_credit_sound": "//bye.wav"})  # fmt: skip
async def too_little_for_the_outgoing_call(stage: Stage) -> None:
    rtp = await reach_dialling(stage)
    rtp.press(national(stage.callee))
    await rtp.hears("Your credit has ended")
    await rtp.hears("Dial the number")
    session = await stage.ends("no_credit", "number")
    assert [leg["leg"] for leg in session["legs"]] == ["A"]


@case(callback={"dial_within_seconds": 5})
async def no_number_dialled(stage: Stage) -> None:
    await reach_dialling(stage)
    await stage.ends("no_number_dialled", "number")


async def _hangs_up_after(stage: Stage, seconds: float, remote: str) -> None:
    """The caller dials by INFO and hangs up; the remote party gets its CANCEL or BYE."""
    digits = national(stage.callee)
    keys = [(0.1 if place else 2.0, digit) for place, digit in enumerate(digits)]
    phone = sipp.callee(stage.rtp().port, payloads="8 0", info_digits=keys, hangs_up_after=seconds)
    called = await stage.remote(remote)
    await stage.phone(phone)
    await stage.trigger()
    await called.finished()


@case(callback={"accept_prompt": "never", "announce_duration": False})
async def hung_up_while_it_rings(stage: Stage) -> None:
    await _hangs_up_after(stage, 5.0, sipp.never_answers())
    session = await stage.ends("hung_up", "outgoing")
    assert [bool(leg["charges"]) for leg in session["legs"]] == [True, False]


@case(callback={"accept_prompt": "never", "announce_duration": False})
async def hung_up_in_the_conversation(stage: Stage) -> None:
    await _hangs_up_after(stage, 6.0, sipp.callee(stage.rtp().port, rings=0.2))
    session = await stage.ends("completed", "conversation")
    assert all(leg["charges"] for leg in session["legs"])


async def _talk_until(stage: Stage, end: Callable[[str], Awaitable[object]]) -> dict[str, Any]:
    """A conversation that both lose within five seconds of what is done to its session."""
    rtp = stage.rtp()
    phone = await stage.phone(sipp.callee(rtp.port))
    await stage.trigger()
    await rtp.hears("Press 1")
    rtp.press("1")
    await rtp.hears("Dial the number")
    remote = await stage.remote(sipp.callee(stage.rtp().port))
    rtp.press(national(stage.callee))
    live = await stage.live()
    await stage.server.happened(Talking, of=live)
    await end(live)
    await asyncio.gather(remote.finished(5.0), phone.finished(5.0))
    session = await stage.ends("ended", "conversation")
    assert all(leg["charges"] for leg in session["legs"])
    return session


@case()
async def ended_in_the_conversation(stage: Stage) -> None:
    await _talk_until(stage, lambda live: stage.server.command("sessions", live, "--end"))


@case()
async def suspended_in_the_conversation(stage: Stage) -> None:
    session = await _talk_until(stage, lambda live: stage.suspend())
    await stage.server.happened(FoundOutOfUse, of=session["id"], why="is suspended")


@case(callback={"answer_timeout_seconds": 5, "announce_duration": False})
async def lost_in_the_conversation(stage: Stage) -> None:
    """The caller's phone falls silent and knows nothing of its call when it is asked: it is
    charged to when it was last heard, and not for the minute of silence."""
    rtp = await reach_dialling(stage, phone=sipp.forgetful)
    remote = await stage.remote(sipp.callee(stage.rtp().port))
    rtp.press(national(stage.callee))
    await stage.server.happened(Talking, of=await stage.live())
    await asyncio.sleep(1.0)
    rtp.fall_silent()
    silent = time.time()
    await remote.finished(120)
    session = await stage.ends("interrupted", "conversation")
    ended = datetime.fromisoformat(session["legs"][0]["ended"]).timestamp()
    assert ended < silent + 1.0


@case(callback={"dial_within_seconds": 5})
async def garbage_on_all_ports(stage: Stage) -> None:
    """SIP that is none, RTP that is none, and good RTP from somebody else: the call goes on, and
    nobody hears the stranger."""
    server = stage.server
    rtp = await reach_dialling(stage)
    far = stage.rtp()
    far.says(server.recordings.speech(["seven", "eight"], "PCMA"))
    remote = await stage.remote(sipp.callee(far.port, hangs_up_after=8.0))
    rtp.press(national(stage.callee))
    await server.happened(Talking, of=await stage.live())
    await rtp.hears("seven")
    spray((LOCAL, server.port), [rtp.peer, far.peer], server.recordings.speech(["nine"], "PCMA"))
    await rtp.hears("seven")
    rtp.press("5")
    await remote.finished()
    assert far.digits == ["5"]
    await rtp.hears("Dial the number")
    await stage.ends("completed", "number")
    assert "nine" not in rtp.said + far.said
    await server.logged(f"dropped a message from {LOCAL}: it is no SIP")
