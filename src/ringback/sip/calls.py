"""Calls: an INVITE and the dialog that comes of it, from either side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ringback.clock import Instant
from ringback.sip.dialog import Dialog
from ringback.sip.digest import authorize, read_challenge
from ringback.sip.endpoint import ALLOWED, SUPPORTED, Endpoint
from ringback.sip.events import (
    Accepted,
    Answer,
    Cancelled,
    Closed,
    Established,
    Event,
    Expired,
    Failed,
    HungUp,
    Offered,
    Provisional,
    Refreshed,
    Rejected,
    Signal,
    signal_of,
)
from ringback.sip.message import Headers, Request, Response, parse
from ringback.sip.sessiontimer import MIN_SE, SessionTimer, too_small
from ringback.sip.timers import LIFETIME, T1, T2, Timer
from ringback.sip.transaction import Address, ClientInvite, Server, ServerInvite
from ringback.sip.uri import NameAddr


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: str


class Call:
    """What both sides of a call have in common, once it has a dialog."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self.dialog: Dialog | None = None
        self.local_sdp = b""
        """Our last description, sent again with a session refresh."""
        self.ended = False
        self._timer = SessionTimer(endpoint.timers, self._refresh_due, self._expired)
        self._reinvite: ServerInvite | None = None
        self._reinvite_request: Request | None = None
        self._inviting = False
        self._accepted: _Repeater | None = None

    # Verbs

    def bye(self, now: Instant, reason: str | None = None) -> None:
        """End the call."""
        if self.dialog is None or self.ended:
            return
        self._end()
        request = self.dialog.request("BYE")
        if reason is not None:
            request.headers.add("reason", reason)
        self._send(request, lambda response: self._tell(Closed()), now)

    def info(self, digit: str, now: Instant) -> None:
        """Send a key by INFO."""
        if self.dialog is None or self.ended:
            return
        request = self.dialog.request("INFO")
        request.headers.add("content-type", "application/dtmf-relay")
        request.body = f"Signal={digit}\r\nDuration=160\r\n".encode()
        self._send(request, lambda response: None, now)

    def reoffer(self, sdp: bytes, now: Instant) -> None:
        """Send a re-INVITE with an offer; `Answer` brings the answer, if it is taken."""
        self.local_sdp = sdp
        self._invite_again(now, self._reoffered)

    def refresh(self, now: Instant) -> None:
        """Ask the far end whether it is still there, by a re-INVITE that changes nothing;
        `Refreshed` brings the result."""
        self._invite_again(now, self._refreshed)

    def accept_offer(self, sdp: bytes, now: Instant) -> None:
        """Answer a re-INVITE: with our answer to its offer, or with our offer if it had none."""
        transaction, request = self._reinvite, self._reinvite_request
        if transaction is None or request is None or self.dialog is None:
            return
        self._reinvite = None
        self.local_sdp = sdp
        response = self._endpoint.response(request, 200, to_tag=self.dialog.local.tag)
        self._dress(response, sdp)
        self._timer.answer(request, response, now)
        transaction.send_response(response, now)
        self._repeat(response.encode(), transaction.peer, request.cseq.number, now)

    def refuse_offer(self, status: int, now: Instant) -> None:
        transaction, request = self._reinvite, self._reinvite_request
        if transaction is None or request is None:
            return
        self._reinvite = None
        transaction.send_response(self._endpoint.response(request, status), now)

    # What arrives within the dialog

    def receive_request(self, request: Request, transaction: Server, now: Instant) -> None:
        status = 200
        event: Event | None = None
        if request.method == "BYE":
            self._end()
            event = HungUp(request)
        elif request.method == "INFO" and request.body:
            digit = signal_of(request)
            if digit is None:
                status = 415
            else:
                event = Signal(digit)
        if request.method == "OPTIONS":
            response = self._endpoint.options_response(request)
        else:
            response = self._endpoint.response(request, status)
        if status == 415:
            response.headers.add("accept", "application/dtmf-relay, application/dtmf")
        transaction.send_response(response, now)
        if event is not None:
            self._tell(event)

    def receive_reinvite(self, request: Request, transaction: ServerInvite, now: Instant) -> None:
        assert self.dialog is not None
        status = None
        if self.ended:
            status = 481
        elif self._inviting:
            status = 491  # glare (section 14.2)
        elif self._reinvite is not None:
            status = 500
        if status is None and too_small(request):
            response = self._endpoint.response(request, 422)
            response.headers.add("min-se", MIN_SE)
            transaction.send_response(response, now)
            return
        if status is not None:
            response = self._endpoint.response(request, status)
            if status == 500:
                response.headers.add("retry-after", 1)
            transaction.send_response(response, now)
            return
        self.dialog.refresh_target(request)
        self._reinvite, self._reinvite_request = transaction, request
        self._tell(Offered(request.body))

    def receive_ack(self, request: Request, now: Instant) -> None:
        if self._accepted is None or request.cseq.number != self._accepted.cseq:
            return
        self._accepted.stop()
        self._accepted = None
        self._acknowledged(request)

    def _acknowledged(self, request: Request) -> None:
        """The ACK to a 2xx of ours."""
        if request.body:
            self._tell(Answer(request.body))

    # Within

    def _send(
        self, request: Request, then: Callable[[Response | None], None], now: Instant
    ) -> None:
        assert self.dialog is not None

        def on_response(response: Response | None, at: Instant) -> None:
            if response is None or response.status >= 200:
                then(response)

        self._endpoint.transact(request, self.dialog.destination(), on_response, now)

    def _invite_again(self, now: Instant, then: Callable[[Response | None, Instant], None]) -> None:
        if self.dialog is None or self.ended or self._inviting or self._reinvite is not None:
            return
        dialog = self.dialog
        request = dialog.request("INVITE")
        self._dress(request, self.local_sdp)
        self._timer.ask(request)
        self._endpoint.stamp(request, self._endpoint.new_branch())
        peer = dialog.destination()
        self._inviting = True

        def on_response(response: Response | None, at: Instant) -> None:
            if response is not None and response.status < 200:
                return
            if response is not None and response.status < 300:
                dialog.refresh_target(response)
                ack = dialog.request("ACK", request.cseq.number)
                self._endpoint.stamp(ack, self._endpoint.new_branch())
                self._endpoint.send(ack.encode(), dialog.destination())
                self._timer.agreed(response, at)
            if self._inviting:
                self._inviting = False
                then(response, at)

        self._endpoint.invite_transaction(request, peer, on_response).start(now)

    def _refreshed(self, response: Response | None, now: Instant) -> None:
        gone = response is None or response.status in (408, 481)
        self._tell(Refreshed(not gone))

    def _reoffered(self, response: Response | None, now: Instant) -> None:
        if response is not None and response.status < 300:
            self._tell(Answer(response.body))

    def _refresh_due(self, now: Instant) -> None:
        self._invite_again(now, self._refreshed)

    def _expired(self, now: Instant) -> None:
        if not self.ended:
            self.bye(now)
            self._tell(Expired())

    def _dress(self, message: Request | Response, sdp: bytes) -> None:
        """The headers that every INVITE and every 2xx to one has."""
        message.headers.add("contact", self._endpoint.contact())
        message.headers.add("allow", ", ".join(ALLOWED))
        message.headers.add("supported", ", ".join(SUPPORTED))
        if sdp:
            message.headers.add("content-type", "application/sdp")
            message.body = sdp

    def _repeat(self, response: bytes, peer: Address, cseq: int, now: Instant) -> None:
        """Send a 2xx again until its ACK comes (section 13.3.1.4)."""
        self._accepted = _Repeater(self._endpoint, response, peer, cseq, self._never_acknowledged)
        self._accepted.start(now)

    def _never_acknowledged(self, now: Instant) -> None:
        if not self.ended:
            self.bye(now)
            self._tell(Expired())

    def _register(self) -> None:
        assert self.dialog is not None
        self._endpoint.dialogs[self.dialog.key] = self

    def _end(self) -> None:
        """The call is over; the dialog is kept for as long as messages of it may come."""
        self.ended = True
        self._timer.stop()
        if self._accepted is not None:
            self._accepted.stop()
        if self.dialog is not None:
            key = self.dialog.key
            self._endpoint.dialogs.pop(key, None)

    def _tell(self, event: Event) -> None:
        self._endpoint.tell(self, event)


class _Repeater:
    """Retransmissions of a 2xx."""

    def __init__(
        self,
        endpoint: Endpoint,
        response: bytes,
        peer: Address,
        cseq: int,
        never: Callable[[Instant], None],
    ) -> None:
        self._endpoint = endpoint
        self._response = response
        self._peer = peer
        self.cseq = cseq
        self._never = never
        self._pause = T1
        self._timers: list[Timer] = []

    def start(self, now: Instant) -> None:
        self._timers = [self._endpoint.timers.set(now + LIFETIME, self._give_up)]
        self._again(now)

    def _again(self, now: Instant) -> None:
        del self._timers[1:]
        self._timers.append(self._endpoint.timers.set(now + self._pause, self._resend))

    def _resend(self, now: Instant) -> None:
        self._endpoint.send(self._response, self._peer)
        self._pause = min(2 * self._pause, T2)
        self._again(now)

    def _give_up(self, now: Instant) -> None:
        self.stop()
        self._never(now)

    def stop(self) -> None:
        for timer in self._timers:
            timer.stop()


class OutgoingCall(Call):
    """A call of ours. It has its identifiers before anything is sent."""

    def __init__(
        self,
        endpoint: Endpoint,
        uri: str,
        peer: Address,
        *,
        sender: NameAddr,
        sdp: bytes,
        headers: Sequence[tuple[str, str]] = (),
        credentials: Credentials | None = None,
    ) -> None:
        """`sender` goes into From; its tag is made here."""
        super().__init__(endpoint)
        self.peer = peer
        self.local_sdp = sdp
        self._uri = uri
        self._sender = sender.with_tag(endpoint.token())
        self._extra = tuple(headers)
        self._credentials = credentials
        self._call_id = f"{endpoint.token()}{endpoint.token()}@{endpoint.public[0]}"
        self._branch = endpoint.new_branch()
        self._cseq = 1
        self._request = self._invite()
        self._challenged = False
        self._interval_raised = False
        self._provisional = False
        self._cancelled = False
        self._final = False
        self._acks: dict[str, tuple[bytes, Address]] = {}
        """By the tag of who answered: our ACK, sent again with each repeated 2xx."""
        self._transaction: ClientInvite | None = None

    def saved(self) -> dict[str, Any]:
        """What `resume` needs to end the call after a restart. After an answer to a challenge
        the branch has one letter more and the CSeq is one higher, so both are known here."""
        if self.dialog is not None:
            return {"dialog": self.dialog.to_json()}
        return {
            "invite": self._first().encode().decode("latin-1"),
            "peer": list(self.peer),
            "challengeable": self._credentials is not None,
        }

    def _first(self) -> Request:
        """The INVITE without its body, as CANCEL and ACK need it."""
        headers = Headers(
            (name, value)
            for name, value in self._request.headers.items()
            if name in ("via", "from", "to", "call-id", "cseq", "max-forwards", "route")
        )
        return Request("INVITE", self._uri, headers)

    def send(self, now: Instant) -> None:
        """Send the INVITE."""
        self._transaction = self._endpoint.invite_transaction(
            self._request, self.peer, self._on_response
        )
        self._transaction.start(now)

    def cancel(self, now: Instant) -> None:
        """Give the call up. CANCEL waits for a provisional answer (section 9.1); a 2xx that
        crosses it is acknowledged and ended."""
        if self._cancelled or self._final:
            return
        self._cancelled = True
        if self._provisional:
            self._send_cancel(now)

    def _send_cancel(self, now: Instant) -> None:
        assert self._transaction is not None
        self._endpoint.cancel(self._request, self.peer, now)
        self._endpoint.timers.set(now + LIFETIME, self._transaction.give_up)

    def _invite(self, authorization: tuple[str, str] | None = None) -> Request:
        headers = Headers()
        headers.add("max-forwards", 70)
        headers.add("from", self._sender)
        headers.add("to", f"<{self._uri}>")
        headers.add("call-id", self._call_id)
        headers.add("cseq", f"{self._cseq} INVITE")
        for name, value in self._extra:
            headers.add(name, value)
        if authorization is not None:
            headers.add(*authorization)
        request = Request("INVITE", self._uri, headers)
        self._dress(request, self.local_sdp)
        self._timer.ask(request)
        self._endpoint.stamp(request, self._branch)
        return request

    def _on_response(self, response: Response | None, now: Instant) -> None:
        if response is None:
            self._fail(None)
        elif response.status < 200:
            self._on_provisional(response, now)
        elif response.status < 300:
            self._on_accepted(response, now)
        elif not self._tried_again(response, now):
            self._fail(response)

    def _tried_again(self, response: Response, now: Instant) -> bool:
        """Whether the answer asked for the same once more with something added, and got it."""
        if response.status in (401, 407):
            return self._answer_challenge(response, now)
        return response.status == 422 and self._raise_interval(response, now)

    def _on_provisional(self, response: Response, now: Instant) -> None:
        if not self._provisional:
            self._provisional = True
            if self._cancelled:
                self._send_cancel(now)
        self._tell(Provisional(response))

    def _on_accepted(self, response: Response, now: Instant) -> None:
        tag = response.to.tag or ""
        if tag in self._acks:
            self._endpoint.send(*self._acks[tag])
            return
        dialog = Dialog.of_response(self._request, response, self.peer)
        self._acknowledge(dialog, tag)
        if self._final:
            self._end_fork(dialog, now)
            return
        self._final = True
        self.dialog = dialog
        self._register()
        self._timer.agreed(response, now)
        self._tell(Accepted(response, self._cancelled))
        if self._cancelled:
            self.bye(now)

    def _acknowledge(self, dialog: Dialog, tag: str) -> None:
        """The ACK to a 2xx is ours to send, each time that it comes (section 13.2.2.4)."""
        ack = dialog.request("ACK", self._request.cseq.number)
        for name, value in self._request.headers.items():
            if name in ("authorization", "proxy-authorization"):
                ack.headers.add(name, value)
        self._endpoint.stamp(ack, self._endpoint.new_branch())
        self._acks[tag] = ack.encode(), dialog.destination()
        self._endpoint.send(*self._acks[tag])

    def _end_fork(self, dialog: Dialog, now: Instant) -> None:
        """Another branch of a fork answered too: BYE."""
        request = dialog.request("BYE")
        self._endpoint.transact(request, dialog.destination(), lambda response, at: None, now)

    def _answer_challenge(self, response: Response, now: Instant) -> bool:
        challenge = read_challenge(response.status, response.headers)
        if challenge is None or self._credentials is None or self._cancelled:
            return False
        if self._challenged and not challenge.stale:
            self._fail(response, challenged_twice=True)
            return True
        self._challenged = True
        value = authorize(
            challenge,
            "INVITE",
            self._uri,
            self._credentials.user,
            self._credentials.password,
            self._endpoint.token(),
        )
        self._again((challenge.header, value), now)
        return True

    def _raise_interval(self, response: Response, now: Instant) -> bool:
        """422: once more with the interval that the far end wants (RFC 4028 section 7.3)."""
        if self._interval_raised or self._cancelled or not self._timer.raise_to(response):
            return False
        self._interval_raised = True
        self._again(None, now)
        return True

    def _again(self, authorization: tuple[str, str] | None, now: Instant) -> None:
        self._cseq += 1
        self._branch += "a"
        self._request = self._invite(authorization)
        self._provisional = False
        self.send(now)

    def _fail(self, response: Response | None, *, challenged_twice: bool = False) -> None:
        if self._final:
            return
        self._final = True
        self.ended = True
        self._tell(Failed(response, challenged_twice))


class IncomingCall(Call):
    """A call of theirs."""

    def __init__(
        self, endpoint: Endpoint, request: Request, transaction: ServerInvite, source: Address
    ) -> None:
        super().__init__(endpoint)
        self.request = request
        self.transaction = transaction
        self.source = source
        self.dialog = Dialog.of_request(request, endpoint.token(), source)
        self._cancelled = False
        self._done = False
        transaction.on_end = self._on_end
        transaction.on_cancel = self._receive_cancel
        self._register()

    def ring(self, now: Instant) -> None:
        """180."""
        self._respond(180, now)

    def progress(self, sdp: bytes, now: Instant) -> None:
        """183 with a description: early media."""
        self._respond(183, now, sdp)

    def accept(self, sdp: bytes, now: Instant) -> None:
        """200 OK with our answer, or our offer where the INVITE had none."""
        if self._done:
            return
        self._done = True
        assert self.dialog is not None
        self.local_sdp = sdp
        response = self._response(200)
        self._dress(response, sdp)
        self._timer.answer(self.request, response, now)
        self.transaction.send_response(response, now)
        self._repeat(response.encode(), self.transaction.peer, self.request.cseq.number, now)

    def reject(self, status: int, now: Instant) -> None:
        """End the call without an answer; `Rejected` follows."""
        if self._done:
            return
        self._done = True
        self.ended = True
        self.transaction.send_response(self._response(status), now)

    def saved_rejection(self, status: int) -> dict[str, Any]:
        """What `resume` needs to send the rejection again after a restart."""
        request = Request(
            "INVITE",
            self.request.uri,
            Headers(
                (name, value)
                for name, value in self.request.headers.items()
                if name in ("via", "from", "to", "call-id", "cseq", "contact")
            ),
        )
        return {
            "rejected": request.encode().decode("latin-1"),
            "status": status,
            "tag": self.dialog.local.tag if self.dialog is not None else None,
            "peer": list(self.transaction.peer),
        }

    def _receive_cancel(self, request: Request, now: Instant) -> None:
        if self._done:
            return
        self._cancelled = True
        self.reject(487, now)
        self._tell(Cancelled(request))

    def _on_end(self, acknowledged: bool, now: Instant) -> None:
        if self.dialog is not None:
            self._endpoint.dialogs.pop(self.dialog.key, None)
        self._tell(Rejected(acknowledged))

    def _acknowledged(self, request: Request) -> None:
        self._tell(Established(request.body))

    def _response(self, status: int) -> Response:
        assert self.dialog is not None
        return self._endpoint.response(self.request, status, to_tag=self.dialog.local.tag)

    def _respond(self, status: int, now: Instant, sdp: bytes = b"") -> None:
        if self._done:
            return
        response = self._response(status)
        if sdp:
            self._dress(response, sdp)
        else:
            response.headers.add("contact", self._endpoint.contact())
        self.transaction.send_response(response, now)


class ResumedCall(Call):
    """A call from before a restart, which is brought to its end and to nothing else."""

    CSEQ_GAP = 100
    """More requests than this were not sent after the dialog was stored."""

    def resume(self, saved: dict[str, Any], now: Instant) -> None:
        """`Closed`, `Failed` or `Rejected` follows."""
        if "dialog" in saved:
            self.dialog = Dialog.from_json(saved["dialog"])
            self.dialog.local_cseq += self.CSEQ_GAP
            self.bye(now)
        elif "invite" in saved:
            request = _stored(saved["invite"])
            self._cancel(request, _address(saved["peer"]), now)
            if saved["challengeable"]:
                self._cancel(_answered_challenge(request), _address(saved["peer"]), now)
        else:
            request = _stored(saved["rejected"])
            transaction = self._endpoint.server_invite(
                request,
                _address(saved["peer"]),
                lambda acknowledged, at: self._tell(Rejected(acknowledged)),
            )
            response = self._endpoint.response(request, saved["status"], to_tag=saved["tag"])
            transaction.send_response(response, now)

    def _cancel(self, request: Request, peer: Address, now: Instant) -> None:
        """CANCEL an INVITE that was sent before the restart; should it answer, ACK and BYE."""

        def on_response(response: Response | None, at: Instant) -> None:
            if response is None or response.status >= 300:
                if not self.ended:
                    self.ended = True
                    self._tell(Failed(response))
            elif response.status >= 200:
                dialog = Dialog.of_response(request, response, peer)
                ack = dialog.request("ACK", request.cseq.number)
                self._endpoint.stamp(ack, self._endpoint.new_branch())
                self._endpoint.send(ack.encode(), dialog.destination())
                if not self.ended:
                    self.dialog = dialog
                    self.bye(at)

        transaction = self._endpoint.invite_transaction(request, peer, on_response)
        transaction.resume()
        self._endpoint.cancel(request, peer, now)
        self._endpoint.timers.set(now + LIFETIME, transaction.give_up)


def _answered_challenge(first: Request) -> Request:
    """The INVITE that followed the first one if that was challenged (see `OutgoingCall.saved`)."""
    second = Request("INVITE", first.uri, Headers(first.headers.items()))
    branch = first.via.branch or ""
    second.headers.set("via", str(first.via).replace(branch, f"{branch}a"))
    second.headers.set("cseq", f"{first.cseq.number + 1} INVITE")
    return second


def _stored(text: str) -> Request:
    request = parse(text.encode("latin-1"))
    assert isinstance(request, Request)
    return request


def _address(stored: Sequence[Any]) -> Address:
    host, port = stored
    return str(host), int(port)
