"""What incoming and outgoing calls have in common once there is a dialog."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from ringback.clock import Instant
from ringback.sip.authentication import Credentials, exchange
from ringback.sip.bodies import description
from ringback.sip.dialog import Dialog, DialogKey
from ringback.sip.events import (
    Answer,
    CallEvent,
    Closed,
    Expired,
    HungUp,
    Refreshed,
    Signal,
)
from ringback.sip.keys import PLAIN, RELAY, key_of, refusal_of, written
from ringback.sip.layers import Layers
from ringback.sip.message import Request, Response
from ringback.sip.renegotiation import Renegotiation
from ringback.sip.screening import add_abilities
from ringback.sip.server_transaction import InviteServerTransaction, ServerTransaction
from ringback.sip.usage import InviteUsage

MOST_DIGITS = 100
"""Keys that wait to be sent. If the far end is slower than that, further keys are dropped."""


class Core(Protocol):
    """What calls need of their user agent."""

    layers: Layers

    def tell(self, call: Call, event: CallEvent) -> None:
        """Something happened to a call."""

    def enter(self, key: DialogKey, call: Call) -> None:
        """From now on, requests within this dialog go to this call."""

    def leave(self, key: DialogKey) -> None:
        """From now on, requests within this dialog go to no call."""


class Call(InviteUsage):
    """A call. Its verbs return at once; their results arrive as events."""

    def __init__(self, core: Core, credentials: Credentials | None = None) -> None:
        super().__init__(core.layers, credentials)
        self._core = core
        self._renegotiation = Renegotiation(self)
        self._key: DialogKey | None = None
        self._digits: deque[str] = deque()
        self._digit_form = RELAY

    # Verbs

    def bye(self, now: Instant, reason: str | None = None) -> None:
        """End the call; `Closed` follows. `reason` is the value of a Reason header."""
        if self.dialog is None or self.ended:
            return
        self._end(now)
        dialog = self.dialog

        def build() -> Request:
            request = dialog.request("BYE")
            if reason is not None:
                request.headers.add("reason", reason)
            return request

        def closed(response: Response | None, at: Instant) -> None:
            self.unregister()
            self.tell(Closed())

        exchange(self.layers, build, dialog.destination, self.credentials, closed, now)

    def info(self, digit: str, now: Instant) -> None:
        """Send a key by INFO. The next key waits for the answer to this one: the network may change
        their order, and the far end refuses a CSeq lower than the last one."""
        if self.dialog is None or self.ended or len(self._digits) >= MOST_DIGITS:
            return
        self._digits.append(digit)
        if len(self._digits) == 1:
            self._send_digit(now)

    def reoffer(self, sdp: bytes, now: Instant) -> None:
        """Send a re-INVITE with an offer; `Answer` or `OfferRefused` follows."""
        self._renegotiation.offer(sdp, now)

    def refresh(self, now: Instant) -> None:
        """Ask the far end whether it is still there, by a re-INVITE that changes nothing;
        `Refreshed` brings the result."""
        self._renegotiation.refresh(now)

    def accept_offer(self, sdp: bytes, now: Instant) -> None:
        """Answer a re-INVITE: with our answer to its offer, or with our offer if it had none."""
        self._renegotiation.accept(sdp, now)

    def refuse_offer(self, status: int, now: Instant) -> None:
        """Answer a re-INVITE with 488 or the like; everything stays as it was (section 14.2)."""
        self._renegotiation.refuse(status, now)

    # What arrives within the dialog

    def receive_request(
        self, request: Request, transaction: ServerTransaction, now: Instant
    ) -> None:
        """Any request but INVITE and ACK."""
        if self.ended:
            # Their BYE crossed ours: that is no fault.
            status = 200 if request.method == "BYE" else 481
            transaction.send_response(self.layers.response(request, status), now)
        elif request.method == "BYE":
            transaction.send_response(self.layers.response(request, 200), now)
            self._hung_up(request, now)
        elif request.method == "INFO":
            self._receive_info(request, transaction, now)
        else:
            response = self.layers.response(request, 200)
            add_abilities(response)
            transaction.send_response(response, now)

    def receive_reinvite(
        self, request: Request, transaction: InviteServerTransaction, now: Instant
    ) -> None:
        self._renegotiation.receive(request, transaction, now)

    def receive_ack(self, request: Request, now: Instant) -> None:
        if self.is_acknowledged(request):
            self._acknowledged(request, now)

    def _acknowledged(self, request: Request, now: Instant) -> None:
        """The first ACK to a 2xx of ours. A body answers the offer that the 2xx made."""
        answer = description(request)
        if answer and not self.ended:
            self.remote_sdp = answer
            self.tell(Answer(answer))

    def _hung_up(self, request: Request, now: Instant) -> None:
        self._end(now)
        self.unregister()
        self.tell(HungUp(request))

    def _receive_info(self, request: Request, transaction: ServerTransaction, now: Instant) -> None:
        key, refused = key_of(request), refusal_of(request)
        response = self.layers.response(request, 200 if refused is None else refused.status)
        if refused is not None:
            response.reason = refused.reason or response.reason
            for name, value in refused.headers:
                response.headers.add(name, value)
        transaction.send_response(response, now)
        if key is not None:
            self.tell(Signal(key))

    # For the parts that a call is made of

    def tell(self, event: CallEvent) -> None:
        self._core.tell(self, event)

    def end_other(self, dialog: Dialog, now: Instant) -> None:
        """BYE for another phone that answered our INVITE after the first (section 13.2.2.4)."""
        other = Call(self._core, self.credentials)
        other.dialog = dialog
        other.register()
        other.bye(now)

    def register(self) -> None:
        """From now on, requests within the dialog go to this call."""
        assert self.dialog is not None
        self._key = self.dialog.key
        self._core.enter(self._key, self)

    def unregister(self) -> None:
        if self._key is not None:
            self._core.leave(self._key)
            self._key = None

    # Within

    def _send_digit(self, now: Instant) -> None:
        assert self.dialog is not None
        dialog, form, digit = self.dialog, self._digit_form, self._digits[0]

        def build() -> Request:
            request = dialog.request("INFO")
            request.headers.add("content-type", form)
            request.body = written(digit, form)
            return request

        def answered(response: Response | None, at: Instant) -> None:
            if self.ended:
                return
            status = None if response is None else response.status
            if status == 415 and form == RELAY:
                self._digit_form = PLAIN  # and this key is sent again
            else:
                self._digits.popleft()
            if status == 481:
                self._digits.clear()
                self.tell(Refreshed(False, status))
            elif self._digits:
                self._send_digit(at)

        exchange(self.layers, build, dialog.destination, self.credentials, answered, now)

    def expired(self, now: Instant) -> None:
        """The session timer has run out, or the ACK to a 2xx never came."""
        if not self.ended:
            self.bye(now)
            self.tell(Expired())

    def _end(self, now: Instant) -> None:
        """The call is over. Its dialog goes on until our BYE, if there is one, is answered."""
        self.ended = True
        self.session_timer.stop()
        self._renegotiation.stop(now)
        self._digits.clear()
        self.stop_repeating()
