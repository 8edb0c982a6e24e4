"""The engine: one SIP endpoint, one pool of media workers, and the trunks."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ringback.clock import Clock, Instant
from ringback.config import Sip
from ringback.engines import saved
from ringback.engines.embedded.causes import STATUS
from ringback.engines.embedded.identity import read_trigger
from ringback.engines.embedded.inleg import InLeg
from ringback.engines.embedded.outleg import OutLeg
from ringback.engines.embedded.resumedleg import ENGINE, ResumedLeg
from ringback.engines.embedded.strangers import Strangers
from ringback.engines.embedded.trunks import Trunks
from ringback.media.pool import MediaPool, NoPorts
from ringback.sip import events as sip
from ringback.sip.calls import Call, IncomingCall
from ringback.sip.endpoint import Endpoint
from ringback.sip.transaction import Address
from ringback.sip.udp import UdpAdapter, open_socket
from ringback.telephony.port import (
    ROOM_SECONDS,
    SILENCE_SECONDS,
    CallLeg,
    Listener,
    NoRoom,
    Order,
    Rejection,
    TriggerLeg,
)
from ringback.telephony.trunks import TrunkSource

CLOSING_SECONDS = 1.0
"""How long the last BYEs, and registrations taken back, have for their answers."""


class EmbeddedEngine:
    """See `ringback.telephony.port.Engine`."""

    proves_sources = True  # by the ACK to our rejection

    def __init__(
        self,
        settings: Sip,
        trunks: TrunkSource,
        clock: Clock,
        chance: random.Random,
        *,
        node: str,
        workers: int,
        sound_path: Callable[[str], Path],
        report: Callable[[str], None],
    ) -> None:
        """Listens at once. Raises OSError (PortInUse) where it cannot. `node` is this server's
        name among its like. `sound_path` finds the file
        of a `Sound` by its name: WAV of 8000 Hz, 16 bit, mono. `report` is told, in a line, what
        an operator should know."""
        self.clock = clock
        self.chance = chance
        self.sound_path = sound_path
        self.report = report
        self._node = node
        listen = settings.listen
        self._socket = open_socket((listen.host, listen.port))
        bound: Address = self._socket.getsockname()
        self.public: Address = (settings.advertise or reachable(bound[0]), bound[1])
        self._strangers = Strangers(clock, report)
        self._garbled = Strangers(clock, report)
        self._refusals = Strangers(clock, report)
        self.endpoint = Endpoint(
            self.public,
            chance,
            IncomingCall,
            known=self._known,
            unreadable=self._unreadable,
            refused=self._refused,
        )
        self._adapter = UdpAdapter(
            self._socket, self.endpoint, clock, on_call=self._on_call, on_event=self._on_event
        )
        self.media = MediaPool(
            clock,
            workers=workers,
            address=listen.host,
            ports=settings.rtp_ports,
            silence_seconds=SILENCE_SECONDS,
            report=report,
        )
        self.trunks = Trunks(trunks, self.endpoint, self.flush, clock, report)
        self._loop = asyncio.get_running_loop()
        self._legs: dict[Call, InLeg | OutLeg | ResumedLeg] = {}
        self._on_trigger: Callable[[TriggerLeg], None] | None = None

    # The port

    async def start(self, on_trigger: Callable[[TriggerLeg], None]) -> None:
        await self.media.start()
        await self.trunks.start()
        self._on_trigger = on_trigger

    def usable(self, trunk: str) -> bool:
        return self.trunks.usable(trunk)

    def trunk_states(self) -> Mapping[str, str]:
        return self.trunks.troubles()

    async def prepare(
        self, order: Order, listener: Listener, bridges_with: CallLeg | None = None
    ) -> CallLeg:
        stream = bridges_with.stream if isinstance(bridges_with, OutLeg) else None
        lacking = f"the trunk {order.trunk} has been removed"
        try:
            async with asyncio.timeout(ROOM_SECONDS):
                while self.trunks.find(order.trunk) is not None:
                    try:
                        return OutLeg(self, order, listener, stream)
                    except NoPorts as error:
                        lacking = str(error)
                    await self.media.more_room()
        except TimeoutError:
            pass
        raise NoRoom(lacking)

    def resume(self, text: str, listener: Listener) -> None:
        ResumedLeg(self, text, listener).start()

    async def close(self) -> None:
        self._on_trigger = None
        leaving = self.trunks.close()
        legs = [leg for leg in self._legs.values() if not isinstance(leg, ResumedLeg)]
        for leg in legs:
            leg.hang_up()
        if legs or leaving:
            await self.clock.sleep_until(self.clock.now() + CLOSING_SECONDS)
        self._adapter.close()
        await self.media.close()

    # For legs

    def saved(self, trunk: str, call: Mapping[str, Any]) -> str:
        """What is stored to end a leg: `call` is what `ResumedCall` needs."""
        return saved.write(ENGINE, self._node, {"trunk": trunk, **call})

    def now(self) -> Instant:
        return self.clock.now()

    def flush(self) -> None:
        self._adapter.flush()

    def soon(self, action: Callable[[], None]) -> None:
        self._loop.call_soon(action)

    def register(self, call: Call, leg: OutLeg | ResumedLeg) -> None:
        """Send what is told of `call` to `leg`."""
        self._legs[call] = leg

    def forget(self, call: Call) -> None:
        """Nobody wants to know of `call` any more."""
        self._legs.pop(call, None)

    # From the network

    def _known(self, source: Address) -> bool:
        known = self.trunks.knows(source)
        if not known:
            self._strangers.seen(source)
        return known

    def _unreadable(self, source: Address) -> None:
        # What exactly is wrong is not told: it might quote a digit that somebody pressed.
        self._garbled.seen(source, "it is no SIP, or so broken that it cannot be answered")

    def _refused(self, source: Address, why: str) -> None:
        self._refusals.seen(source, why, what="refused a call")

    def _on_call(self, call: IncomingCall) -> None:
        state = self.trunks.of_source(call.source)
        if state is None or self._on_trigger is None:
            call.reject(STATUS[Rejection.OUT_OF_SERVICE], self.now())
            self.flush()
            return
        leg = InLeg(self, call, state, read_trigger(call.request, state.trunk, self.now()))
        self._legs[call] = leg
        self._on_trigger(leg)

    def _on_event(self, call: Call, event: sip.Event) -> None:
        leg = self._legs.get(call)
        if leg is None:
            return
        if isinstance(event, sip.Rejected):
            self._legs.pop(call, None)
        leg.told(event)


def reachable(host: str) -> str:
    """An address to put in messages: that of the way out, where we listen on all of them."""
    if host != "0.0.0.0":
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses a route
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
