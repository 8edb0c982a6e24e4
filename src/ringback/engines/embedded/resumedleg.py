"""A leg from before a crash on the embedded engine."""

from __future__ import annotations

import ipaddress
from typing import Any

from ringback.engines import saved
from ringback.engines.embedded.peer import credentials_of
from ringback.engines.embedded.switchboard import ENGINE, Switchboard
from ringback.engines.embedded.trunks import TrunkState
from ringback.sip import events as sip
from ringback.sip.calls import ResumedCall
from ringback.sip.message import parse
from ringback.sip.useragent import UserAgent
from ringback.telephony import port
from ringback.telephony.port import Cause, Ending, Listener

_UNUSABLE = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError)
"""What code that trusts a document may raise on one that is none."""


class ResumedLeg:
    """A leg from before a crash, on its way to its end."""

    def __init__(self, board: Switchboard, text: str, listener: Listener) -> None:
        self._board = board
        self._saved = text
        self._listener = listener
        self._call = ResumedCall(board.agent)
        self._trunk: TrunkState | None = None
        """None where nothing is known of it any more."""

    def saved(self) -> str:
        return self._saved

    def start(self) -> None:
        """Never raises: a leg that cannot be resumed is reported and ends at once."""
        try:
            document = saved.read(self._saved, ENGINE, unsigned=True)
            self._rehearse(document)
        except saved.Unreadable as error:
            self._board.report(f"a leg from before the restart cannot be ended: {error}")
            self._board.soon(lambda: self._end(Ending(Cause.FAILED)))
            return
        name, version = document.get("trunk"), document.get("version")
        self._trunk = self._board.trunks.of_leg(str(name), str(version or ""))
        if self._trunk is not None:
            self._trunk.leg_began()
            self._call.credentials = credentials_of(self._trunk.trunk)
        self._board.register(self._call, self)
        self._call.resume(document, self._board.now())
        self._board.flush()

    def _rehearse(self, document: dict[str, Any]) -> None:
        """Resume the call on a user agent that nothing leaves: what fails there leaves no trace.
        Raises Unreadable."""
        scratch = UserAgent(self._board.public, self._board.chance)
        try:
            if not 300 <= document.get("status", 486) <= 699:
                raise ValueError("no rejection")  # it would answer the trigger call
            ResumedCall(scratch).resume(document, self._board.now())
            for data, hop in scratch.datagrams():
                parse(data)
                ipaddress.ip_address(hop.host)  # a name would be looked up while every call waits
                if hop.transport != "udp" or not 0 < hop.port < 65536:
                    raise ValueError(f"no way for us: {hop}")
        except _UNUSABLE as error:
            raise saved.Unreadable("it does not say how") from error

    def told(self, event: sip.CallEvent) -> None:
        acknowledged = isinstance(event, sip.Rejected) and event.acknowledged
        self._board.forget(self._call)
        if self._trunk is not None:
            self._trunk.leg_ended()
        answered = isinstance(event, sip.Closed)  # there is a BYE only after an answer
        self._end(Ending(Cause.NORMAL if answered else Cause.FAILED, by_us=True), acknowledged)

    def _end(self, ending: Ending, proven: bool = False) -> None:
        self._listener(self, port.Ended(ending, self._board.now(), proven))
