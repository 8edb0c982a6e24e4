"""See `ringback.telephony.port.Engine`; the far ends are in `network`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from ringback.clock import Clock, Instant
from ringback.engines import saved
from ringback.engines.simulated.legs import ResumedSimulatedLeg, SimulatedLeg, SimulatedTrigger
from ringback.engines.simulated.life import ENGINE, Life
from ringback.engines.simulated.network import FarCall, Network, Ring
from ringback.numbering import NumberForm
from ringback.telephony.port import (
    ROOM_SECONDS,
    CallLeg,
    Listener,
    NoRoom,
    Order,
    Rejection,
    TriggerLeg,
)
from ringback.telephony.trunks import E164, TrunkSource


class SimulatedEngine:
    """One life of a server's telephony. After `crash` a new one goes on with the same network."""

    proves_sources = True

    def __init__(self, network: Network, trunks: TrunkSource, clock: Clock | None = None) -> None:
        """`clock` is the server's, where that is not the network's."""
        self.network = network
        self._trunks = trunks
        self.clock = clock or network.clock
        self._life = Life(network, self.clock)
        self.reports: list[str] = []
        """What an operator should know."""
        self.down: set[str] = set()
        """Trunks that are known to be down."""
        self.room_from: Callable[[Order], Instant] = lambda order: -math.inf
        """From when on there is room for a call."""
        self._on_trigger: Callable[[TriggerLeg], None] | None = None
        self._legs: list[SimulatedLeg] = []

    async def start(self, on_trigger: Callable[[TriggerLeg], None]) -> None:
        self._on_trigger = on_trigger
        self.network.engine = self

    def usable(self, trunk: str) -> bool:
        return trunk in self._trunks.by_name and trunk not in self.down

    def trunk_states(self) -> Mapping[str, str]:
        return {name: "it is down" if name in self.down else "" for name in self._trunks.by_name}

    async def prepare(
        self, order: Order, listener: Listener, bridges_with: CallLeg | None = None
    ) -> CallLeg:
        room, patience = self.room_from(order), self.clock.now() + ROOM_SECONDS
        if room > self.clock.now():
            await self.clock.sleep_until(min(room, patience))
        if room > patience:
            raise NoRoom("no more calls")
        if order.trunk not in self._trunks.by_name:
            raise NoRoom(f"the trunk {order.trunk} has been removed")
        call_id = f"call-{self.network.chance.getrandbits(64):016x}"
        far = FarCall(self.network, call_id, order.trunk, order.number, order.shown, None)
        far.leg = leg = SimulatedLeg(self._life, far, order, listener)
        self._legs.append(leg)
        return leg

    def resume(self, text: str, listener: Listener) -> None:
        leg = ResumedSimulatedLeg(self._life, text, listener)
        try:
            self._resume(leg, saved.read(text, ENGINE))
        except (saved.Unreadable, ValueError, LookupError, TypeError) as error:
            self.reports.append(f"a leg from before the restart cannot be ended: {error}")
            leg.end_soon()

    def _resume(self, leg: ResumedSimulatedLeg, document: Mapping[str, Any]) -> None:
        if "ring" in document:
            ring = self.network.rings[document["ring"]]
            leg.reject_again(ring, Rejection(document["rejection"]))
            return
        call_id = document["call"]
        far = self.network.calls.get(call_id)
        if far is None:  # stored, but it was never dialled
            far = FarCall(self.network, call_id, "", "", None, None)  # type: ignore[arg-type]
            far.ended = self.clock.now()
        leg.end_call(far)

    async def close(self) -> None:
        for leg in self._legs:
            leg.hang_up()
        self.network.engine = None

    def caller_form(self, trunk: str) -> NumberForm:
        found = self._trunks.by_name.get(trunk)
        return E164 if found is None else found.caller

    def take(self, ring: Ring) -> None:
        """A trigger call arrives."""
        ring.leg = leg = SimulatedTrigger(self._life, ring)

        def arrive() -> None:
            known = ring.trigger.trunk in self._trunks.by_name
            if self._life.alive and known and self._on_trigger is not None and not leg.arrived:
                leg.arrived = True
                self._on_trigger(leg)

        if ring.trigger.rejected:
            ring.rejected = Rejection.BUSY
            if not ring.acknowledges:
                return  # nothing is kept of it
        self.network.message(arrive)

    def crash(self) -> None:
        """The server's side is gone, without a word to anybody."""
        self._life.alive = False
        self.network.engine = None
        for leg in self._legs:
            leg.far.leg = None
        for ring in self.network.rings.values():
            ring.leg = None
