"""re-INVITEs of a call, ours and theirs (RFC 3261 section 14)."""

from __future__ import annotations

from ringback.clock import Instant
from ringback.sip.authentication import Challenges
from ringback.sip.events import Answer, Offered, OfferRefused, Refreshed
from ringback.sip.hop import Hop
from ringback.sip.message import Request, Response
from ringback.sip.server_transaction import InviteServerTransaction
from ringback.sip.timers import SipTimer
from ringback.sip.usage import InviteUsage

MOST_CLASHES = 5
"""So often a re-INVITE that met one of theirs is sent again."""
GONE = (None, 408, 481)
"""What comes of a request when the far end has no such call any more (section 12.2.1.2)."""


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
        self._ours.send(now)

    def refresh(self, now: Instant) -> None:
        call = self._call
        if call.dialog is None or call.ended:
            return
        if self._theirs is not None:
            call.tell(Refreshed(True))  # it has just asked something itself
        elif self._ours is not None:
            self._ours.refresh = True
        else:
            self._ours = _Reinvite(call, self, None, refresh=True)
            self._ours.send(now)

    def over(self) -> None:
        """Our re-INVITE is done with."""
        self._ours = None

    # Theirs

    def receive(self, request: Request, transaction: InviteServerTransaction, now: Instant) -> None:
        call = self._call
        assert call.dialog is not None
        status = None
        if call.ended:
            status = 481
        elif self._ours is not None and self._ours.under_way:
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
        call.tell(Offered(request.body))

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
        """The call has ended: what they asked is answered with 487 (section 15.1.2)."""
        self.refuse(487, now)
        if self._ours is not None:
            self._ours.stop()


class _Reinvite:
    """One re-INVITE of ours, with what it takes to get an answer: digest, a longer session
    interval, another try after a clash."""

    def __init__(
        self, call: InviteUsage, owner: Renegotiation, offer: bytes | None, *, refresh: bool
    ) -> None:
        """Without an `offer`, what was agreed last is offered again."""
        self._call = call
        self._owner = owner
        self._offer = offer
        self.refresh = refresh
        """Somebody wants to know whether the far end is there."""
        self.under_way = False
        self._challenges = Challenges(call.credentials, call.layers.token)
        self._clashes = 0
        self._interval_raised = False
        self._again: SipTimer | None = None

    def send(self, now: Instant) -> None:
        call = self._call
        if call.ended:
            return
        assert call.dialog is not None
        request = call.dialog.request("INVITE")
        authorization = self._challenges.authorization(request)
        if authorization is not None:
            request.headers.add(*authorization)
        call.dress(request, call.local_sdp if self._offer is None else self._offer)
        call.session_timer.ask(request)
        hop = call.dialog.destination()
        call.layers.transport.stamp(request, hop, call.layers.transactions.new_branch())
        self.under_way = True
        ack: tuple[bytes, Hop] | None = None

        def on_response(response: Response | None, at: Instant) -> None:
            nonlocal ack
            if response is not None and response.status < 200:
                return
            if ack is not None:
                call.layers.transport.send(*ack)  # the 2xx again
                return
            if response is not None and response.status < 300:
                ack = self._acknowledge(request, response)
            self._answered(request, response, at)

        transaction = call.layers.transactions.invite(request, hop, on_response)
        transaction.start(now)
        # A provisional answer, of a proxy for instance, says nothing of the far end.
        transaction.expect_final(now)

    def stop(self) -> None:
        if self._again is not None:
            self._again.stop()

    def _acknowledge(self, request: Request, response: Response) -> tuple[bytes, Hop]:
        dialog = self._call.dialog
        assert dialog is not None
        dialog.refresh_target(response)
        ack = dialog.request("ACK", request.cseq.number)
        for name, value in request.headers.items():
            if name in ("authorization", "proxy-authorization"):
                ack.headers.add(name, value)
        hop, layers = dialog.destination(), self._call.layers
        layers.transport.stamp(ack, hop, layers.transactions.new_branch())
        sent = ack.encode(), hop
        layers.transport.send(*sent)
        return sent

    def _answered(self, request: Request, response: Response | None, now: Instant) -> None:
        self.under_way = False
        if self._call.ended:
            return
        if response is not None and response.status >= 300:
            if self._challenges.met(response) or self._raise_interval(response):
                self.send(now)
                return
            if response.status == 491 and self._clashes < MOST_CLASHES:
                self._clash(now)
                return
        self._owner.over()
        self._tell(response, now)

    def _raise_interval(self, response: Response) -> bool:
        if response.status != 422 or self._interval_raised:
            return False
        self._interval_raised = True
        return self._call.session_timer.raise_to(response)

    def _clash(self, now: Instant) -> None:
        """Both ends asked at once: again after a while that differs (section 14.1)."""
        self._clashes += 1
        units = self._call.layers.chance.randint(0, 190 if self._call.owns_call_id else 200)
        pause = units / 100 + (2.1 if self._call.owns_call_id else 0)
        self._again = self._call.layers.timers.set(now + pause, self.send)

    def _tell(self, response: Response | None, now: Instant) -> None:
        call = self._call
        status = None if response is None else response.status
        if response is not None and response.status < 300:
            call.session_timer.agreed(response, now)
            changed = response.body not in (b"", call.remote_sdp)
            call.remote_sdp = response.body or call.remote_sdp
            if self._offer is not None:
                call.local_sdp = self._offer
            if self._offer is not None or changed:
                call.tell(Answer(response.body))
        elif self._offer is not None:
            call.tell(OfferRefused(status))
        if self.refresh or status in GONE:
            call.tell(Refreshed(status not in GONE, status))
