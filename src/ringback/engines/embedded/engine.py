"""The engine: the port, on a switchboard."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ringback.clock import Clock
from ringback.config import Sip
from ringback.engines.embedded.causes import STATUS
from ringback.engines.embedded.identity import read_trigger
from ringback.engines.embedded.inleg import InLeg
from ringback.engines.embedded.outleg import OutLeg
from ringback.engines.embedded.rejectedleg import RejectedLeg, read_facts, write_facts
from ringback.engines.embedded.resumedleg import ResumedLeg
from ringback.engines.embedded.switchboard import Switchboard
from ringback.media.pool import NoPorts
from ringback.sip.calls import IncomingCall
from ringback.sip.hop import Hop
from ringback.sip.message import Request
from ringback.telephony.port import (
    ROOM_SECONDS,
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
        self._board = Switchboard(
            settings,
            trunks,
            clock,
            chance,
            node=node,
            workers=workers,
            sound_path=sound_path,
            report=report,
            on_call=self._on_call,
            facts=self._facts,
            on_proven=self._on_proven,
        )
        self._on_trigger: Callable[[TriggerLeg], None] | None = None

    # The port

    async def start(self, on_trigger: Callable[[TriggerLeg], None]) -> None:
        await self._board.media.start()
        await self._board.trunks.start()
        self._on_trigger = on_trigger

    def usable(self, trunk: str) -> bool:
        return self._board.trunks.usable(trunk)

    def trunk_states(self) -> Mapping[str, str]:
        return self._board.trunks.troubles()

    async def prepare(
        self, order: Order, listener: Listener, bridges_with: CallLeg | None = None
    ) -> CallLeg:
        stream = bridges_with.media.stream if isinstance(bridges_with, OutLeg) else None
        lacking = f"the trunk {order.trunk} has been removed"
        try:
            async with asyncio.timeout(ROOM_SECONDS):
                while (trunk := self._board.trunks.find(order.trunk)) is not None:
                    if not trunk.hosts:
                        lacking = f"the host of trunk {order.trunk} has not been looked up yet"
                        break
                    try:
                        return OutLeg(self._board, order, listener, stream)
                    except NoPorts as error:
                        lacking = str(error)
                    await self._board.media.more_room()
        except TimeoutError:
            pass
        raise NoRoom(lacking)

    def resume(self, text: str, listener: Listener) -> None:
        ResumedLeg(self._board, text, listener).start()

    async def close(self) -> None:
        self._on_trigger = None
        leaving = self._board.trunks.close()
        legs = [leg for leg in self._board.legs if isinstance(leg, InLeg | OutLeg)]
        for leg in legs:
            leg.hang_up()
        if legs or leaving:
            clock = self._board.clock
            await clock.sleep_until(clock.now() + CLOSING_SECONDS)
        await self._board.close()

    # From the network

    def _on_call(self, call: IncomingCall) -> None:
        state = self._board.trunks.of_source(call.source)
        if state is None or self._on_trigger is None:
            status = STATUS[Rejection.OUT_OF_SERVICE]
            self._board.refused(call.source, status, f"{status}, the server takes no calls now")
            call.reject(status, self._board.now())
            self._board.flush()
            return
        trigger = read_trigger(call.request, state.trunk, self._board.now())
        leg = InLeg(self._board, call, state, trigger)
        self._board.register(call, leg)
        self._on_trigger(leg)

    def _facts(self, request: Request, source: Hop) -> bytes | None:
        """What is to be known of a trigger for which there is no room."""
        state = self._board.trunks.of_source(source)
        if state is None or self._on_trigger is None:
            return None
        return write_facts(request, state.trunk)

    def _on_proven(self, facts: bytes) -> None:
        """The ACK to the rejection of such a trigger has come."""
        name, request = read_facts(facts)
        state = self._board.trunks.find(name)
        if state is not None and self._on_trigger is not None:
            trigger = read_trigger(request, state.trunk, self._board.now())
            leg = RejectedLeg(self._board, state, replace(trigger, rejected=True))
            self._on_trigger(leg)
