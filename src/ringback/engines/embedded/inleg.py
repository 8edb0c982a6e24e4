"""A trigger call on the embedded engine: it is rung and rejected, never answered."""

from __future__ import annotations

from ringback.engines.embedded.causes import STATUS
from ringback.engines.embedded.switchboard import Switchboard
from ringback.engines.embedded.trunks import TrunkState
from ringback.sip import events as sip
from ringback.sip.calls import IncomingCall
from ringback.telephony import port
from ringback.telephony.port import Cause, Ending, Listener, Rejection, Trigger


class InLeg:
    """A trigger call."""

    def __init__(
        self, board: Switchboard, call: IncomingCall, trunk: TrunkState, trigger: Trigger
    ) -> None:
        self._board = board
        self._call = call
        self._trunk = trunk
        self._trigger = trigger
        self._listener: Listener = lambda leg, event: None
        self._gone = False
        self._rejection = ""
        trunk.leg_began()

    @property
    def trigger(self) -> Trigger:
        return self._trigger

    def listen(self, listener: Listener) -> None:
        self._listener = listener

    def saved(self) -> str:
        return self._rejection

    def ring(self) -> None:
        self._call.ring(self._board.now())
        self._board.flush()

    def prepare_rejection(self, rejection: Rejection) -> str:
        rejected = self._call.saved_rejection(STATUS[rejection])
        self._rejection = self._board.saved(self._trunk.trunk, rejected)
        return self._rejection

    def reject(self, rejection: Rejection) -> None:
        self._call.reject(STATUS[rejection], self._board.now())
        self._board.flush()

    def hang_up(self) -> None:
        """The engine closes: nobody is left ringing. A rejection that was stored is for the next
        start to send, since its ACK has to be met."""
        if not self._rejection:
            self.reject(Rejection.OUT_OF_SERVICE)

    def told(self, event: sip.CallEvent) -> None:
        """What happened to the SIP call."""
        now = self._board.now()
        match event:
            case sip.Cancelled():
                self._gone = True
                self._listener(self, port.CallerGone(now))
            case sip.Rejected(acknowledged=acknowledged):
                self._trunk.leg_ended()
                cause = Cause.CANCELLED if self._gone else Cause.REJECTED
                ending = Ending(cause, by_us=not self._gone)
                self._listener(self, port.Ended(ending, now, acknowledged))
