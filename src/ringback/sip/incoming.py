"""A call that comes in: the server's side of an INVITE (RFC 3261 section 13.3)."""

from __future__ import annotations

from typing import Any

from ringback.clock import Instant
from ringback.sip.bodies import description
from ringback.sip.call import Call, Core
from ringback.sip.dialog import Dialog
from ringback.sip.events import Cancelled, Established, Rejected
from ringback.sip.headers import Headers
from ringback.sip.hop import Hop
from ringback.sip.message import Request, Response
from ringback.sip.server_transaction import InviteServerTransaction


class IncomingCall(Call):
    """It rings, and we accept or reject it."""

    def __init__(
        self,
        core: Core,
        request: Request,
        transaction: InviteServerTransaction,
        source: Hop,
    ) -> None:
        super().__init__(core)
        self.request = request
        self.transaction = transaction
        self.source = source
        self.dialog = Dialog.of_request(request, self.layers.token(), source)
        self.remote_sdp = description(request)
        self._decided = False
        self._bye_waits = False
        transaction.on_end = self._on_end
        transaction.on_cancel = self._give_up
        self.register()

    @property
    def established(self) -> bool:
        return self._decided

    # Verbs

    def ring(self, now: Instant) -> None:
        """Send 180."""
        if not self._decided:
            response = self._response(180)
            response.headers.add("contact", self.layers.transport.contact())
            self.transaction.send_response(response, now)

    def progress(self, sdp: bytes, now: Instant) -> None:
        """Send 183 with a session description: early media."""
        if not self._decided:
            response = self._response(183)
            self.add_headers(response, sdp)
            self.transaction.send_response(response, now)

    def accept(self, sdp: bytes, now: Instant) -> None:
        """Send 200 with our answer, or with our offer if the INVITE had none. `Established`
        follows, or `Expired` if no ACK comes."""
        if not self._decided:
            self._decided = True
            self.accept_invite(self.request, self.transaction, sdp, now)

    def reject(self, status: int, now: Instant) -> None:
        """End the call without answering it; `Rejected` follows."""
        if not self._decided:
            self._decided = self.ended = True
            self.transaction.send_response(self._response(status), now)

    def bye(self, now: Instant, reason: str | None = None) -> None:
        """As `Call.bye`. Before we have accepted the call it does nothing; after that it waits for
        the ACK (section 15)."""
        if not self._decided or self.ended:
            return
        if self.unacknowledged(self.request):
            self._bye_waits = True
        else:
            super().bye(now, reason)

    def saved_rejection(self, status: int) -> dict[str, Any]:
        """What `ResumedCall` needs to send the rejection again after a restart."""
        assert self.dialog is not None
        needed = ("via", "from", "to", "call-id", "cseq")
        fields = [(name, value) for name, value in self.request.headers.items() if name in needed]
        request = Request("INVITE", self.request.uri, Headers(fields))
        return {
            "rejected": request.encode().decode("latin-1"),
            "status": status,
            "tag": self.dialog.local.tag,
            "peer": self.transaction.peer.to_json(),
        }

    # What happens

    def _give_up(self, request: Request, now: Instant) -> None:
        """The caller sent CANCEL, or BYE before we had answered (section 15.1.2)."""
        if not self._decided:
            self.reject(487, now)
            self.tell(Cancelled(request))

    def _hung_up(self, request: Request, now: Instant) -> None:
        if self._decided:
            super()._hung_up(request, now)
        else:
            self._give_up(request, now)

    def _on_end(self, acknowledged: bool, now: Instant) -> None:
        self.unregister()
        self.tell(Rejected(acknowledged))

    def _acknowledged(self, request: Request, now: Instant) -> None:
        if request.cseq.number != self.request.cseq.number:
            super()._acknowledged(request, now)
            return
        answer = description(request)
        self.remote_sdp = answer or self.remote_sdp
        self.tell(Established(answer))
        if self._bye_waits:
            self.bye(now)

    def never_acknowledged(self, now: Instant) -> None:
        self.stop_repeating()
        if self._bye_waits:
            self.bye(now)
        else:
            super().never_acknowledged(now)

    def _response(self, status: int) -> Response:
        assert self.dialog is not None
        return self.layers.response(self.request, status, to_tag=self.dialog.local.tag)
