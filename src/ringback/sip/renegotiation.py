"""re-INVITEs within a call, ours and theirs (RFC 3261 section 14)."""

from __future__ import annotations

from ringback.clock import Instant
from ringback.sip.bodies import description
from ringback.sip.dialog import Dialog
from ringback.sip.events import Answer, Offered, OfferRefused, Refreshed
from ringback.sip.hop import Hop
from ringback.sip.invitation import Invitation
from ringback.sip.message import Request, Response
from ringback.sip.server_transaction import InviteServerTransaction
from ringback.sip.usage import InviteUsage

GONE = (None, 408, 481)
"""Statuses (None: no answer) that mean that the far end no longer has the call (section
12.2.1.2)."""


class Renegotiation:
    """At most one re-INVITE of ours and one of theirs at a time."""

    def __init__(self, call: InviteUsage) -> None:
        self._call = call
        self._ours: _Reinvite | None = None
        self._theirs: tuple[Request, InviteServerTransaction] | None = None

    # Ours

    def offer(self, sdp: bytes, now: Instant) -> None:
        call = self._call
        if call.dialog is None or call.ended:
            return
        if self._ours is not None or self._theirs is not None:
            call.tell(OfferRefused(491))
            return
        self._ours = _Reinvite(call, self, sdp, refresh=False)
        self._ours.invitation.send(now)

    def refresh(self, now: Instant) -> None:
        call = self._call
        if call.dialog is None or call.ended:
            return
        if self._theirs is not None:
            call.tell(Refreshed(True))  # it has just asked something itself, so it is there
        elif self._ours is not None:
            self._ours.refresh = True
        else:
            self._ours = _Reinvite(call, self, None, refresh=True)
            self._ours.invitation.send(now)

    def finished(self) -> None:
        """Our re-INVITE has its final response."""
        self._ours = None

    # Theirs

    def receive(self, request: Request, transaction: InviteServerTransaction, now: Instant) -> None:
        call = self._call
        assert call.dialog is not None
        status = None
        if call.ended:
            status = 481
        elif self._ours is not None and self._ours.invitation.under_way:
            status = 491  # section 14.2
        elif self._theirs is not None or not call.established:
            status = 500
        if status is not None:
            response = call.layers.response(request, status)
            if status == 500:
                response.headers.add("retry-after", 1)
            transaction.send_response(response, now)
            return
        self._theirs = request, transaction
        call.tell(Offered(description(request)))

    def accept(self, sdp: bytes, now: Instant) -> None:
        if self._theirs is None or self._call.dialog is None:
            return
        request, transaction = self._theirs
        self._theirs = None
        self._call.dialog.refresh_target(request)
        self._call.accept_invite(request, transaction, sdp, now)

    def refuse(self, status: int, now: Instant) -> None:
        if self._theirs is None:
            return
        request, transaction = self._theirs
        self._theirs = None
        transaction.send_response(self._call.layers.response(request, status), now)

    def stop(self, now: Instant) -> None:
        """The call has ended: a re-INVITE of theirs that waits is answered with 487 (section
        15.1.2)."""
        self.refuse(487, now)
        if self._ours is not None:
            self._ours.invitation.abandon(now)


class _Reinvite:
    """One re-INVITE of ours. See `Inviter`."""

    def __init__(
        self, call: InviteUsage, owner: Renegotiation, offer: bytes | None, *, refresh: bool
    ) -> None:
        """Without an `offer`, our last description is offered again."""
        self._call = call
        self._owner = owner
        self._offer = offer
        self.refresh = refresh
        """Whether to report if the far end is still there."""
        self.invitation = Invitation(call, self)

    @property
    def _dialog(self) -> Dialog:
        assert self._call.dialog is not None
        return self._call.dialog

    def write(self) -> Request:
        request = self._dialog.request("INVITE")
        self._call.add_headers(
            request, self._call.local_sdp if self._offer is None else self._offer
        )
        self._call.session_timer.ask(request)
        return request

    def hop(self) -> Hop:
        return self._dialog.destination()

    def dialog_of(self, invite: Request, response: Response) -> Dialog:
        self._dialog.refresh_target(response)
        return self._dialog

    def on_provisional(self, response: Response, now: Instant) -> None:
        """Nothing to do: it does not show that the far end is there."""

    def on_success(
        self, response: Response, dialog: Dialog, now: Instant, *, crossed: bool
    ) -> None:
        self.invitation.acknowledge(b"", now)
        if crossed:
            return  # the call has ended
        self._owner.finished()
        call = self._call
        call.session_timer.agreed(response, now)
        answer = description(response)
        changed = answer not in (b"", call.remote_sdp)
        call.remote_sdp = answer or call.remote_sdp
        if self._offer is not None:
            call.local_sdp = self._offer
        if self._offer is not None or changed:
            call.tell(Answer(answer))
        if self.refresh:
            call.tell(Refreshed(True, response.status))

    def on_failure(self, response: Response | None, now: Instant) -> None:
        if self._call.ended:
            return
        self._owner.finished()
        status = None if response is None else response.status
        if self._offer is not None:
            self._call.tell(OfferRefused(status))
        if self.refresh or status in GONE:
            self._call.tell(Refreshed(status not in GONE, status))

    def on_fork(self, dialog: Dialog, now: Instant) -> None:
        """Cannot happen within a dialog."""
