"""A call leg between SIP and media: what only the two together can get wrong."""

from __future__ import annotations

import asyncio
import socket

from tests.contract.rigs import NUMBER, EmbeddedFar, Far, Rig, run_embedded
from tests.contract.test_contract import answers, call

from ringback.sip import events as sip
from ringback.telephony import port
from ringback.telephony.embedded.outleg import OutLeg
from ringback.telephony.port import TriggerLeg


def test_a_phone_that_sends_keys_both_ways_presses_each_once() -> None:
    """However its first key by INFO and the event in RTP overtake one another."""
    fars: list[Far] = []

    async def answers_and_waits(far: Far) -> None:
        fars.append(far)
        await answers(far)

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, answers_and_waits)
        leg, events = call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Answered)
        leg.told(sip.Signal("0"))
        fars[0].press("0042")
        await asyncio.sleep(1.5)
        for digit in "042":
            leg.told(sip.Signal(digit))
        pressed = [event.digit for event in events.all if isinstance(event, port.Digit)]
        assert pressed == ["0", "0", "4", "2"]

    run_embedded(test)


def test_keys_by_info_alone_are_all_taken() -> None:
    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, answers)
        leg, events = call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Answered)
        for digit in "0042":
            leg.told(sip.Signal(digit))
        pressed = [event.digit for event in events.all if isinstance(event, port.Digit)]
        assert pressed == ["0", "0", "4", "2"]

    run_embedded(test)


def test_nothing_is_sent_to_0_0_0_0() -> None:
    """Hold as RFC 2543 had it: the kernel would send such packets to this very machine."""

    async def says_nothing(far: Far) -> None:
        assert isinstance(far, EmbeddedFar)
        far.answer(silent=True)
        await far.over()

    async def test(rig: Rig, triggers: list[TriggerLeg]) -> None:
        rig.phone(NUMBER, says_nothing)
        leg, events = call(rig)
        assert isinstance(leg, OutLeg)
        leg.dial()
        await events.wait(port.Answered)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
            victim.bind(("127.0.0.1", 0))
            victim.setblocking(False)
            held = (
                "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
                f"m=audio {victim.getsockname()[1]} RTP/AVP 8\r\n"
            )
            leg.told(sip.Offered(held.encode()))
            await asyncio.sleep(0.3)
            try:
                packet = victim.recv(2048)
            except BlockingIOError:
                packet = b""
            assert packet == b""

    run_embedded(test)
