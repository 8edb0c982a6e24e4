"""What the contract suite needs of an engine: a way to run it, and far ends that behave."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol

from ringback.cli.phone.audio import Audio
from ringback.clock import Clock, LoopClock
from ringback.config import HostPort, Sip
from ringback.engines.embedded import EmbeddedEngine
from ringback.engines.embedded.udp import UdpAdapter, bound_to, open_socket
from ringback.engines.simulated import FarCall, Network, SimulatedEngine, run_virtual
from ringback.sip import events as sip
from ringback.sip import useragent
from ringback.sip.calls import Call, IncomingCall, OutgoingCall
from ringback.sip.hop import Hop
from ringback.sip.sdp import LocalAudio, make_answer, make_offer
from ringback.sip.uri import NameAddr
from ringback.sip.useragent import UserAgent
from ringback.sounds.ear import Said
from ringback.sounds.speech import recording
from ringback.telephony.port import Cause, Engine, Sound, TriggerLeg
from ringback.telephony.trunks import Trunk, TrunkTable

NUMBER = "+442079460000"
ACCESS = "+442071838750"
CALLER = "+447700900123"

STATUS = {
    Cause.BUSY: 486,
    Cause.NO_ANSWER: 480,
    Cause.REJECTED: 603,
    Cause.UNALLOCATED: 404,
    Cause.FAILED: 503,
}
"""What a far end answers in SIP."""


class Far(Protocol):
    """A far end's call."""

    answered: float | None
    ended: float | None
    digits: list[str]

    def ring(self) -> None: ...
    def early_media(self) -> None: ...
    def answer(self) -> None: ...
    def reject(self, cause: Cause) -> None: ...
    def press(self, digits: str) -> None: ...
    def hang_up(self) -> None: ...
    async def sleep(self, seconds: float) -> None: ...
    async def over(self) -> None: ...


Script = Callable[[Far], Awaitable[None]]


class Rig(Protocol):
    """One engine with the world around it, for one test."""

    clock: Clock
    engine: Engine
    trunks: TrunkTable
    """One, "trunk", unless a test gives others."""
    reports: list[str]
    """What an operator was told."""

    def phone(self, number: str, script: Script) -> None: ...
    def trigger(
        self,
        *,
        acknowledges: bool = True,
        hang_up_after: float | None = None,
        no_room: bool = False,
    ) -> None:
        """`no_room`: there are as many triggers as there may be."""
        ...

    def mute(self, on: bool = True) -> None:
        """From now on the trunk sends no provisional answer, or does so again."""
        ...


class SimulatedRig:
    """On virtual time."""

    def __init__(self) -> None:
        self.clock: Clock = LoopClock(asyncio.get_running_loop(), 1e9)
        self._network = Network(self.clock, random.Random(1))
        self.trunks = TrunkTable([Trunk("trunk", "192.0.2.1")])
        engine = SimulatedEngine(self._network, self.trunks)
        self.engine: Engine = engine
        self.reports = engine.reports

    def phone(self, number: str, script: Script) -> None:
        async def play(call: FarCall) -> None:
            await script(call)

        self._network.phone(number, play)

    def trigger(
        self,
        *,
        acknowledges: bool = True,
        hang_up_after: float | None = None,
        no_room: bool = False,
    ) -> None:
        how: dict[str, Any] = {"acknowledges": acknowledges, "hang_up_after": hang_up_after}
        self._network.ring(ACCESS, CALLER, no_room=no_room, **how)

    def mute(self, on: bool = True) -> None:
        self._network.mute_trunks = {"trunk"} if on else set()


class EmbeddedFar:
    """A far end on real SIP and RTP."""

    def __init__(self, rig: EmbeddedRig, call: IncomingCall) -> None:
        self._rig = rig
        self.call = call
        self.answered: float | None = None
        self.ended: float | None = None
        self.digits: list[str] = []
        self._over = asyncio.Event()
        self._audio = Audio(
            "127.0.0.1", lambda codec: [], on_said=self._ignore, on_digit=self.digits.append
        )
        ours = LocalAudio("127.0.0.1", self._audio.port, ("PCMA",), 1)
        made = make_answer(call.request.body, ours)
        assert made is not None
        self._answer, self._agreed = made

    def _ignore(self, said: Said) -> None:
        """What is heard is for other tests."""

    def ring(self) -> None:
        self.call.ring(self._rig.clock.now())
        self._rig.flush()

    def early_media(self) -> None:
        self.call.progress(self._answer, self._rig.clock.now())
        self._audio.start(self._agreed)
        self._rig.flush()

    def answer(self, *, silent: bool = False) -> None:
        self.answered = self._rig.clock.now()
        self.call.accept(self._answer, self.answered)
        if not silent:
            self._audio.start(self._agreed)
        self._rig.flush()

    def reject(self, cause: Cause) -> None:
        self.call.reject(STATUS[cause], self._rig.clock.now())
        self._rig.flush()

    def press(self, digits: str) -> None:
        self._audio.press(digits)

    def hang_up(self) -> None:
        self.call.bye(self._rig.clock.now())
        self._rig.flush()
        self.is_over()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def over(self) -> None:
        await self._over.wait()

    def is_over(self) -> None:
        if self.ended is None:
            self.ended = self._rig.clock.now()
            self._audio.close()
            self._over.set()


class FarAgent(UserAgent):
    """The far ends' user agent."""

    mute = False
    """It sends no provisional answer."""

    def datagrams(self) -> list[tuple[bytes, Hop]]:
        sent = super().datagrams()
        return [each for each in sent if not (self.mute and each[0].startswith(b"SIP/2.0 1"))]


class EmbeddedRig:
    """On loopback, in real time."""

    def __init__(self) -> None:
        self.clock: Clock = LoopClock(asyncio.get_running_loop())
        sock = open_socket(Hop("udp", "127.0.0.1", 0))
        self._address = bound_to(sock)
        self._agent = FarAgent(self._address, random.Random(1))
        self._adapter = UdpAdapter(
            sock, self._agent, self.clock, on_call=self._called, on_event=self._told
        )
        self._phones: dict[str, Script] = {}
        self._calls: dict[Call, EmbeddedFar] = {}
        self._tasks: list[asyncio.Future[None]] = []
        self.reports: list[str] = []
        self._port = _free_port()
        self.trunks = TrunkTable([Trunk("trunk", "127.0.0.1", self._address.port)])
        engine = EmbeddedEngine(
            Sip(
                listen=HostPort(host="127.0.0.1", port=self._port),
                rtp_ports=(_free_port(), 65000),
            ),
            self.trunks,
            self.clock,
            random.SystemRandom(),
            node="node",
            workers=1,
            sound_path=recording,
            report=self.reports.append,
        )
        self.engine: Engine = engine

    def flush(self) -> None:
        self._adapter.flush()

    def phone(self, number: str, script: Script) -> None:
        self._phones[number] = script

    def trigger(
        self,
        *,
        acknowledges: bool = True,
        hang_up_after: float | None = None,
        no_room: bool = False,
    ) -> None:
        assert not no_room or useragent.MOST_UNPROVEN == 0, "the test sets the bound"
        call = OutgoingCall(
            self._agent,
            f"sip:{ACCESS}@127.0.0.1:{self._port}",
            Hop("udp", "127.0.0.1", self._port),
            sender=NameAddr.parse(f"<sip:{CALLER}@127.0.0.1>"),
            sdp=make_offer(LocalAudio("127.0.0.1", 9, ("PCMA",), 1)),
        )
        now = self.clock.now()
        call.send(now)
        self.flush()
        if not acknowledges:
            self._adapter.close()  # nothing that comes is answered any more
        if hang_up_after is not None:

            def give_up() -> None:
                call.cancel(self.clock.now())
                self.flush()

            self.clock.call_at(now + hang_up_after, give_up)

    def mute(self, on: bool = True) -> None:
        self._agent.mute = on

    def _called(self, call: IncomingCall) -> None:
        script = self._phones.get(call.request.target.number)
        if script is None:
            call.reject(404, self.clock.now())
            return
        far = EmbeddedFar(self, call)
        self._calls[call] = far
        self._tasks.append(asyncio.ensure_future(script(far)))

    def _told(self, call: Call, event: sip.CallEvent) -> None:
        far = self._calls.get(call)
        if far is not None and isinstance(event, sip.HungUp | sip.Rejected | sip.Cancelled):
            far.is_over()


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return min(int(probe.getsockname()[1]), 60000)


Test = Callable[[Rig, list[TriggerLeg]], Coroutine[Any, Any, None]]


def run_simulated(test: Test) -> None:
    async def main() -> None:
        await _run(SimulatedRig(), test)

    run_virtual(main())


def run_embedded(test: Test) -> None:
    async def main() -> None:
        async with asyncio.timeout(60):
            await _run(EmbeddedRig(), test)

    asyncio.run(main())


async def _run(rig: Rig, test: Test) -> None:
    triggers: list[TriggerLeg] = []
    await rig.engine.start(triggers.append)
    try:
        await test(rig, triggers)
    finally:
        await rig.engine.close()


BEEP = Sound("en/beep", 0.2, "[beep]")
