"""What the legs of the engine stand on: a SIP user agent on its socket, media workers, trunks, and
which leg a SIP call is."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from ringback.clock import Clock, Instant
from ringback.config import Sip
from ringback.engines import saved
from ringback.engines.embedded.mending import BAD_REQUEST, mending
from ringback.engines.embedded.names import Names
from ringback.engines.embedded.strangers import Strangers
from ringback.engines.embedded.trunks import Trunks
from ringback.engines.embedded.udp import (
    UdpAdapter,
    bound_to,
    look_up_soon,
    open_socket,
    reachable,
)
from ringback.media.pool import MediaPool
from ringback.sip import events as sip
from ringback.sip.calls import Call, IncomingCall
from ringback.sip.hop import Hop
from ringback.sip.message import Request
from ringback.sip.useragent import UserAgent
from ringback.telephony.port import SILENCE_SECONDS
from ringback.telephony.reasons import without_quotes
from ringback.telephony.trunks import Trunk, TrunkSource

ENGINE = "embedded"


class SipListener(Protocol):
    """A leg, as its SIP call knows it."""

    def told(self, event: sip.CallEvent) -> None:
        """Something happened to the call."""


class Switchboard:
    """One server's connection to the telephone network."""

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
        on_call: Callable[[IncomingCall], None],
        facts: Callable[[Request, Hop], bytes | None],
        on_proven: Callable[[bytes], None],
    ) -> None:
        """See `EmbeddedEngine`. `on_call` gets the calls that come in; `facts` and `on_proven` are
        for those for which there is no room (`UserAgent`)."""
        self.clock = clock
        self.chance = chance
        self.sound_path = sound_path
        self.report = report
        self._node = node
        listen = settings.listen
        sock = open_socket(Hop("udp", listen.host, listen.port))
        bound = bound_to(sock)
        self.public = Hop("udp", settings.advertise or reachable(bound.host), bound.port)
        self._strangers = Strangers(clock, report)
        self._garbled = Strangers(clock, report)
        self._refusals = Strangers(clock, report)
        self.agent = UserAgent(
            self.public,
            chance,
            known=self._known,
            facts=facts,
            on_unreadable=self._unreadable,
            on_refused=self.refused,
        )
        self._adapter = UdpAdapter(
            sock,
            self.agent,
            clock,
            on_call=on_call,
            on_event=self._on_event,
            on_proven=on_proven,
        )
        self.media = MediaPool(
            clock,
            workers=workers,
            address=listen.host,
            ports=settings.rtp_ports,
            silence_seconds=SILENCE_SECONDS,
            report=report,
        )
        self.names = Names(clock, look_up_soon)
        self.trunks = Trunks(trunks, self.agent.layers, self.flush, clock, report)
        self._loop = asyncio.get_running_loop()
        self._legs: dict[Call, SipListener] = {}

    @property
    def legs(self) -> list[SipListener]:
        """Those whose SIP call is not over."""
        return list(self._legs.values())

    async def close(self) -> None:
        self._adapter.close()
        await self.media.close()

    def saved(self, trunk: Trunk, call: Mapping[str, Any]) -> str:
        """What is stored to end a leg: `call` is what `ResumedCall` needs."""
        which = {"trunk": trunk.name, "version": trunk.version}
        return saved.write(ENGINE, self._node, {**which, **call})

    def now(self) -> Instant:
        return self.clock.now()

    def reached(self) -> Instant:
        """When that reached this machine which a leg is told of."""
        return self._adapter.reached

    def catch_up(self) -> None:
        """Take what has come by SIP and was not read yet: the process may have been stopped, and
        who hung up meanwhile has done so first."""
        self._adapter.catch_up()

    def flush(self) -> None:
        """Send what a verb of the user agent's has to send."""
        self._adapter.flush()

    def soon(self, action: Callable[[], None]) -> None:
        self._loop.call_soon(action)

    def register(self, call: Call, leg: SipListener) -> None:
        """Send what is told of `call` to `leg`."""
        self._legs[call] = leg

    def forget(self, call: Call) -> None:
        """Nobody wants to know of `call` any more."""
        self._legs.pop(call, None)

    # From the network

    def _known(self, source: Hop) -> bool:
        known = self.trunks.knows(source)
        if not known:
            self._strangers.seen(source)
        return known

    def _unreadable(self, source: Hop) -> None:
        # What exactly is wrong is not told: it might quote a digit that somebody pressed.
        self._garbled.seen(source, "it is no SIP, or so broken that it cannot be answered")

    def refused(self, source: Hop, status: int, why: str) -> None:
        """Tell of a call that is refused before it is a trigger: each reason once a minute and
        trunk."""
        state = self.trunks.of_source(source)
        trunk, kind = source.host if state is None else state.trunk.name, without_quotes(why)
        # What cannot be read may be anything, a password too: it is not quoted.
        told = kind if status == BAD_REQUEST else why
        self._refusals.seen(
            source,
            f"{told}: {mending(status)}",
            what=f"refused a call of trunk {trunk}",
            kind=(trunk, status, kind),
        )

    def _on_event(self, call: Call, event: sip.CallEvent) -> None:
        leg = self._legs.get(call)
        if leg is None:
            return
        if isinstance(event, sip.Rejected):
            self.forget(call)
        leg.told(event)
