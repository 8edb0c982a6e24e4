"""What a call and its re-INVITEs share: a dialog, what was agreed in it, and our 2xx responses to
INVITEs (the INVITE usage of a dialog, RFC 5057)."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ringback.clock import Instant
from ringback.sip.authentication import Credentials
from ringback.sip.bodies import description
from ringback.sip.dialog import Dialog
from ringback.sip.events import CallEvent
from ringback.sip.layers import Layers
from ringback.sip.message import Request, Response
from ringback.sip.repeater import Repeater
from ringback.sip.screening import ALLOWED, SUPPORTED
from ringback.sip.server_transaction import InviteServerTransaction
from ringback.sip.sessiontimer import SessionTimer


class InviteUsage(ABC):
    """A call, as its re-INVITEs see it: `ringback.sip.call.Call` without its verbs."""

    owns_call_id = False
    """Whether we made the Call-ID: if so, we wait longer after a clash (section 14.1)."""

    def __init__(self, layers: Layers, credentials: Credentials | None) -> None:
        self.layers = layers
        self.credentials = credentials
        self.dialog: Dialog | None = None
        self.ended = False
        """The call is over; only the end of our BYE is still to come."""
        self.local_sdp = b""
        """Our last session description; a session refresh sends it again."""
        self.remote_sdp = b""
        """Their last session description."""
        self.session_timer = SessionTimer(layers.timers, self.refresh, self.expired)
        self._repeaters: dict[int, Repeater] = {}
        """By CSeq, our 2xx responses whose ACK has not come yet."""

    @property
    def established(self) -> bool:
        """Whether the first INVITE has had its 2xx, so that another may change what was agreed."""
        return True

    @abstractmethod
    def tell(self, event: CallEvent) -> None:
        """Something happened."""

    @abstractmethod
    def refresh(self, now: Instant) -> None:
        """The session timer wants a refresh."""

    @abstractmethod
    def expired(self, now: Instant) -> None:
        """The session timer has run out."""

    def never_acknowledged(self, now: Instant) -> None:
        """The ACK to a 2xx of ours never came: the call ends (section 13.3.1.4)."""
        self.expired(now)

    def add_headers(self, message: Request | Response, sdp: bytes) -> None:
        """Put on a message the headers that every INVITE and every 2xx to one has."""
        message.headers.add("contact", self.layers.transport.contact())
        message.headers.add("allow", ", ".join(ALLOWED))
        message.headers.add("supported", ", ".join(SUPPORTED))
        if sdp:
            message.headers.add("content-type", "application/sdp")
            message.body = sdp

    def accept_invite(
        self, request: Request, transaction: InviteServerTransaction, sdp: bytes, now: Instant
    ) -> None:
        """Send 200 to an INVITE of theirs, and repeat it until its ACK comes."""
        assert self.dialog is not None
        self.local_sdp = sdp
        self.remote_sdp = description(request) or self.remote_sdp
        response = self.layers.response(request, 200, to_tag=self.dialog.local.tag)
        self.add_headers(response, sdp)
        self.session_timer.answer(request, response, now)
        transaction.send_response(response, now)
        self._repeaters[request.cseq.number] = Repeater(
            self.layers.timers,
            self.layers.transport.send,
            response.encode(),
            transaction.peer,
            self.never_acknowledged,
            now,
        )

    def unacknowledged(self, request: Request) -> bool:
        """Whether the ACK to our 2xx to this INVITE is still to come."""
        return request.cseq.number in self._repeaters

    def is_acknowledged(self, ack: Request) -> bool:
        """Whether a 2xx of ours was waiting for this ACK, which has come now."""
        repeater = self._repeaters.pop(ack.cseq.number, None)
        if repeater is not None:
            repeater.stop()
        return repeater is not None

    def stop_repeating(self) -> None:
        """No ACK matters any more."""
        for repeater in self._repeaters.values():
            repeater.stop()
        self._repeaters.clear()
