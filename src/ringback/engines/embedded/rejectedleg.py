"""A trigger call that was rejected for want of room (spec section 5, "Floods"): nothing was kept of
it here until its ACK brought back what it said of itself."""

from __future__ import annotations

import json

from ringback.engines.embedded.identity import READ
from ringback.engines.embedded.switchboard import Switchboard
from ringback.engines.embedded.trunks import TrunkState
from ringback.sip.headers import Headers
from ringback.sip.message import Request
from ringback.telephony import port
from ringback.telephony.port import Cause, Ending, Listener, Rejection, Trigger
from ringback.telephony.trunks import Trunk


def write_facts(request: Request, trunk: Trunk) -> bytes:
    """What is to be known later of a trigger that came by this trunk: what `read_trigger` reads.
    To read it now would cost a flood of them more than all else that is done."""
    unread = set()
    if not trunk.trust_pai:
        unread.add("p-asserted-identity")
    if trunk.called_from != "to":
        unread.add("to")
    fields = [
        (READ.index(name), value)
        for name, value in request.headers.items()
        if name in READ and name not in unread
    ]
    document = [trunk.name, request.uri, fields]
    written = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return written.encode("utf-8", "surrogatepass")


def read_facts(written: bytes) -> tuple[str, Request]:
    """The name of the trunk, and a request in which `read_trigger` finds all that it reads."""
    trunk, uri, fields = json.loads(written.decode("utf-8", "surrogatepass"))
    return trunk, Request("INVITE", uri, Headers((READ[place], value) for place, value in fields))


class RejectedLeg:
    """See `ringback.telephony.port.TriggerLeg`."""

    def __init__(self, board: Switchboard, trunk: TrunkState, trigger: Trigger) -> None:
        self._trigger = trigger
        self._listener: Listener = lambda leg, event: None
        self._board = board
        self._trunk = trunk
        self._at = board.now()
        self._over = False
        trunk.leg_began()

    @property
    def trigger(self) -> Trigger:
        return self._trigger

    def listen(self, listener: Listener) -> None:
        self._listener = listener
        self._board.soon(self._end)

    def saved(self) -> str:
        return ""

    def ring(self) -> None:
        """It is over."""

    def prepare_rejection(self, rejection: Rejection) -> str:
        return ""

    def reject(self, rejection: Rejection) -> None:
        """It was rejected."""
        self._board.soon(self._end)

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._trunk.leg_ended()
            ending = Ending(Cause.REJECTED, by_us=True)
            self._listener(self, port.Ended(ending, self._at, proven=True))
