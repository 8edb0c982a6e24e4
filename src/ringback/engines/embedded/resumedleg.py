"""A leg from before a crash on the embedded engine."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from ringback.engines import saved
from ringback.engines.embedded.peer import credentials_of
from ringback.engines.embedded.trunks import TrunkState
from ringback.sip import events as sip
from ringback.sip.calls import IncomingCall, ResumedCall
from ringback.sip.endpoint import Endpoint
from ringback.sip.message import parse
from ringback.telephony import port
from ringback.telephony.port import Cause, Ending, Listener

if TYPE_CHECKING:
    from ringback.engines.embedded.engine import EmbeddedEngine

ENGINE = "embedded"

_UNUSABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError)
"""What code that trusts a document may raise on one that is none."""


class ResumedLeg:
    """A leg from before a crash, on its way to its end."""

    def __init__(self, engine: EmbeddedEngine, text: str, listener: Listener) -> None:
        self._engine = engine
        self._saved = text
        self._listener = listener
        self._call = ResumedCall(engine.endpoint)
        self._trunk: TrunkState | None = None
        """None where the configuration has it no more."""

    def saved(self) -> str:
        return self._saved

    def start(self) -> None:
        """Never raises: a leg that cannot be resumed is reported and ends at once."""
        try:
            document = saved.read(self._saved, ENGINE, unsigned=True)
            self._rehearse(document)
        except saved.Unreadable as error:
            self._engine.report(f"a leg from before the restart cannot be ended: {error}")
            self._engine.soon(lambda: self._end(Ending(Cause.FAILED)))
            return
        self._trunk = self._engine.trunks.find(str(document.get("trunk")))
        if self._trunk is not None:
            self._trunk.leg_began()
            self._call.credentials = credentials_of(self._trunk.trunk)
        self._engine.register(self._call, self)
        self._call.resume(document, self._engine.now())
        self._engine.flush()

    def _rehearse(self, document: dict[str, Any]) -> None:
        """Resume the call on an endpoint that nothing leaves: what fails there leaves no trace.
        Raises Unreadable."""
        scratch = Endpoint(self._engine.public, self._engine.chance, IncomingCall)
        try:
            if not 300 <= document.get("status", 486) <= 699:
                raise ValueError("no rejection")  # it would answer the trigger call
            ResumedCall(scratch).resume(document, self._engine.now())
            for data, (host, port_) in scratch.datagrams():
                parse(data)
                ipaddress.IPv4Address(host)  # a name would be looked up while every call waits
                if not 0 < port_ < 65536:
                    raise ValueError(f"no port: {port_}")
        except _UNUSABLE as error:
            raise saved.Unreadable("it does not say how") from error

    def told(self, event: sip.Event) -> None:
        acknowledged = isinstance(event, sip.Rejected) and event.acknowledged
        self._engine.forget(self._call)
        if self._trunk is not None:
            self._trunk.leg_ended()
        answered = isinstance(event, sip.Closed)  # there is a BYE only after an answer
        self._end(Ending(Cause.NORMAL if answered else Cause.FAILED, by_us=True), acknowledged)

    def _end(self, ending: Ending, proven: bool = False) -> None:
        self._listener(self, port.Ended(ending, self._engine.now(), proven))
