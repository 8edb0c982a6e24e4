"""The user agent core: it matches what arrives to transactions, dialogs and calls, and answers
what belongs to none (RFC 3261 sections 8, 17 and 18).

No sockets and no clock: `receive` and `run_timers` take bytes and the time; `datagrams` and
`events` hand out what is to be sent and what happened; `next_timer` says when to come back.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ringback.clock import Instant
from ringback.sip.dialog import DialogKey, sip_uri
from ringback.sip.errors import SipError
from ringback.sip.events import Event
from ringback.sip.message import Broken, Headers, Request, Response, parse, respond
from ringback.sip.timers import Timers
from ringback.sip.transaction import (
    Address,
    Client,
    ClientInvite,
    Server,
    ServerInvite,
)
from ringback.sip.uri import Via

if TYPE_CHECKING:
    from ringback.sip.calls import Call, IncomingCall

ALLOWED = ("INVITE", "ACK", "CANCEL", "BYE", "INFO", "OPTIONS")
KNOWN = ("REGISTER", "REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH", "PRACK", "UPDATE")
SUPPORTED = ("timer",)
COOKIE = "z9hG4bK"
LONGEST_BODY = 32 * 1024
MOST_TRANSACTIONS = 50_000
"""Server transactions at a time; a request beyond them is not answered."""

ServerKey = tuple[str, ...]


class CallMaker(Protocol):
    """Makes the call of an INVITE that begins one."""

    def __call__(
        self, endpoint: Endpoint, request: Request, transaction: ServerInvite, source: Address
    ) -> IncomingCall: ...


class Endpoint:
    """One SIP user agent at one address."""

    def __init__(
        self,
        public: Address,
        chance: random.Random,
        incoming: CallMaker,
        *,
        known: Callable[[Address], bool] = lambda source: True,
    ) -> None:
        """`public` is the address that goes into Via and Contact. A datagram from a source that
        is not `known` gets no answer at all."""
        self.public = public
        self.chance = chance
        self.timers = Timers()
        self.dialogs: dict[DialogKey, Call] = {}
        self._incoming = incoming
        self._known = known
        self._clients: dict[tuple[str, str], Client | ClientInvite] = {}
        self._servers: dict[ServerKey, Server | ServerInvite] = {}
        self._merged: dict[tuple[str, str, str], ServerKey] = {}
        self._outbox: list[tuple[bytes, Address]] = []
        self._events: deque[tuple[Call, Event]] = deque()
        self._calls: deque[IncomingCall] = deque()

    # In and out

    def receive(self, data: bytes, source: Address, now: Instant) -> None:
        """Take one datagram. Never raises because of what is in it."""
        if not self._known(source):
            return
        if not data.strip(b"\r\n\0 "):
            return  # a keep-alive
        try:
            message = parse(data)
            if isinstance(message, Response):
                self._receive_response(message, source, now)
            else:
                self._receive_request(message, source, now)
        except Broken as error:
            if error.request.method != "ACK":
                self._answer(error.request, error.status, source, reason=None)
        except SipError:
            return  # a response that is wrong, or a request that cannot be answered, is dropped

    def run_timers(self, now: Instant) -> None:
        """Do what is due."""
        self.timers.run(now)

    def next_timer(self) -> Instant | None:
        return self.timers.next()

    def datagrams(self) -> list[tuple[bytes, Address]]:
        """What is to be sent, once."""
        out, self._outbox = self._outbox, []
        return out

    def next_call(self) -> IncomingCall | None:
        """A call that has come in."""
        return self._calls.popleft() if self._calls else None

    def next_event(self) -> tuple[Call, Event] | None:
        return self._events.popleft() if self._events else None

    def send(self, data: bytes, peer: Address) -> None:
        self._outbox.append((data, peer))

    def tell(self, call: Call, event: Event) -> None:
        self._events.append((call, event))

    # For calls

    def token(self) -> str:
        """A random word, for tags and the like: 64 bits, so that nobody guesses one."""
        return f"{self.chance.getrandbits(64):016x}"

    def new_branch(self) -> str:
        return f"{COOKIE}{self.token()}"

    def contact(self, user: str | None = None) -> str:
        return f"<{sip_uri(user, *self.public)}>"

    def stamp(self, request: Request, branch: str) -> None:
        """Put our Via on a request (RFC 3581: with rport)."""
        host, port = self.public
        request.headers.prepend("via", f"SIP/2.0/UDP {host}:{port};branch={branch};rport")

    def transact(
        self,
        request: Request,
        peer: Address,
        on_response: Callable[[Response | None, Instant], None],
        now: Instant,
    ) -> None:
        """Send a request that is no INVITE; `on_response` gets each response, None for none."""
        branch = self.new_branch()
        self.stamp(request, branch)
        self._client(request, branch, peer, on_response).start(now)

    def _client(
        self,
        request: Request,
        branch: str,
        peer: Address,
        on_response: Callable[[Response | None, Instant], None],
    ) -> Client:
        key = (branch, request.method)
        transaction = Client(
            request,
            self.timers,
            self.send,
            peer,
            on_response,
            lambda: self._forget_client(key),
        )
        self._clients[key] = transaction
        return transaction

    def cancel(self, invite: Request, peer: Address, now: Instant) -> None:
        """CANCEL an INVITE: same branch, same numbers (section 9.1)."""
        headers = Headers([("via", invite.headers.all("via")[0])])
        for name, value in invite.headers.items():
            if name in ("route", "max-forwards", "from", "to", "call-id"):
                headers.add(name, value)
        headers.add("cseq", f"{invite.cseq.number} CANCEL")
        request = Request("CANCEL", invite.uri, headers)
        branch = invite.via.branch or ""
        self._client(request, branch, peer, lambda response, at: None).start(now)

    def invite_transaction(
        self,
        request: Request,
        peer: Address,
        on_response: Callable[[Response | None, Instant], None],
    ) -> ClientInvite:
        """A client INVITE transaction for a request that has its Via."""
        key = (request.via.branch or "", "INVITE")
        transaction = ClientInvite(
            request,
            self.timers,
            self.send,
            peer,
            on_response,
            lambda: self._forget_client(key),
        )
        self._clients[key] = transaction
        return transaction

    def server_invite(
        self, request: Request, peer: Address, on_end: Callable[[bool, Instant], None]
    ) -> ServerInvite:
        """A server INVITE transaction."""
        key = _server_key(request)
        merged = _merge_key(request)

        def over() -> None:
            self._servers.pop(key, None)
            self._merged.pop(merged, None)

        transaction = ServerInvite(request, self.timers, self.send, peer, on_end, over)
        self._servers[key] = transaction
        self._merged[merged] = key
        return transaction

    def _forget_client(self, key: tuple[str, str]) -> None:
        self._clients.pop(key, None)

    # Responses

    def _receive_response(self, response: Response, source: Address, now: Instant) -> None:
        if len(response.headers.all("via")) != 1:
            return  # more than one Via: it is not for us (section 8.1.3.3)
        key = (response.via.branch or "", response.cseq.method)
        transaction = self._clients.get(key)
        if transaction is not None:
            transaction.receive(response, now)

    # Requests

    def _receive_request(self, request: Request, source: Address, now: Instant) -> None:
        if request.method == "ACK":
            self._receive_ack(request, now)
            return
        key = _server_key(request)
        existing = self._servers.get(key)
        if existing is not None:
            existing.feed("INVITE" if request.method == "INVITE" else "request", now)
            return
        if len(self._servers) >= MOST_TRANSACTIONS:
            return
        refusal = self._refusal(request)
        if refusal is not None:
            self._answer_in_transaction(request, refusal, source, now)
            return
        dialog = self._dialog_of(request)
        if request.method == "CANCEL":
            self._receive_cancel(request, source, now)
        elif request.to.tag is not None:
            if dialog is None:
                self._refuse(request, 481, source, now)
            else:
                self._within(dialog, request, source, now)
        elif request.method == "INVITE":
            self._receive_invite(request, source, now)
        elif request.method == "OPTIONS":
            self._answer_in_transaction(request, self.options_response(request), source, now)
        else:
            self._refuse(request, 481, source, now)

    def _refusal(self, request: Request) -> Response | None:
        """What is wrong with a request whatever it is for (sections 8.2.1 to 8.2.3)."""
        if request.method not in ALLOWED:
            known = request.method in KNOWN
            return self.response(request, 405 if known else 501, allow=True)
        try:
            _ = request.target
        except SipError as error:
            return self.response(request, error.status)
        if request.method != "CANCEL":
            unsupported = request.headers.tokens("require") - set(SUPPORTED)
            if unsupported:
                response = self.response(request, 420)
                response.headers.add("unsupported", ", ".join(sorted(unsupported)))
                return response
        if len(request.body) > LONGEST_BODY:
            return self.response(request, 413)
        if request.method == "INVITE" and request.body and not _is_plain_sdp(request):
            response = self.response(request, 415)
            response.headers.add("accept", "application/sdp")
            response.headers.add("accept-encoding", "identity")
            return response
        if request.method == "INVITE" and request.contact is None:
            return self.response(request, 400, reason="Missing Contact")
        return None

    def _receive_ack(self, request: Request, now: Instant) -> None:
        key = _server_key(request)
        transaction = self._servers.get(key)
        if transaction is not None:
            transaction.feed("ACK", now)
            return
        call = self._dialog_of(request)
        if call is not None:
            call.receive_ack(request, now)

    def _receive_cancel(self, request: Request, source: Address, now: Instant) -> None:
        """CANCEL is answered for itself, and ends the INVITE if that is still open (9.2)."""
        invite = self._servers.get(_server_key(request, method="INVITE"))
        if not isinstance(invite, ServerInvite):
            self._refuse(request, 481, source, now)
            return
        self._refuse(request, 200, source, now)
        invite.on_cancel(request, now)

    def _receive_invite(self, request: Request, source: Address, now: Instant) -> None:
        if _merge_key(request) in self._merged:
            self._refuse(request, 482, source, now)
            return
        _note_source(request, source)
        peer = _response_address(request, source)
        transaction = self.server_invite(request, peer, lambda acknowledged, at: None)
        self._calls.append(self._incoming(self, request, transaction, source))

    def _within(self, call: Call, request: Request, source: Address, now: Instant) -> None:
        dialog = call.dialog
        assert dialog is not None
        if not dialog.in_order(request):
            self._refuse(request, 500, source, now)
            return
        _note_source(request, source)
        peer = _response_address(request, source)
        if request.method == "INVITE":
            transaction = self.server_invite(request, peer, lambda acknowledged, at: None)
            call.receive_reinvite(request, transaction, now)
            return
        call.receive_request(request, self._server(request, peer), now)

    def _dialog_of(self, request: Request) -> Call | None:
        return self.dialogs.get((request.call_id, request.to.tag or "", request.from_.tag or ""))

    # Answers that belong to no call

    def response(
        self,
        request: Request,
        status: int,
        *,
        reason: str | None = None,
        to_tag: str | None = None,
        allow: bool = False,
    ) -> Response:
        response = respond(request, status, reason, to_tag=to_tag or self.token())
        if allow:
            response.headers.add("allow", ", ".join(ALLOWED))
        return response

    def options_response(self, request: Request) -> Response:
        """What we can do (section 11.2)."""
        response = self.response(request, 200, allow=True)
        response.headers.add("accept", "application/sdp")
        response.headers.add("supported", ", ".join(SUPPORTED))
        return response

    def _refuse(self, request: Request, status: int, source: Address, now: Instant) -> None:
        self._answer_in_transaction(request, self.response(request, status), source, now)

    def _answer_in_transaction(
        self, request: Request, response: Response, source: Address, now: Instant
    ) -> None:
        _note_source(request, source)
        _copy_via(request, response)
        peer = _response_address(request, source)
        transaction: Server | ServerInvite
        if request.method == "INVITE":
            transaction = self.server_invite(request, peer, lambda acknowledged, at: None)
        else:
            transaction = self._server(request, peer)
        transaction.send_response(response, now)

    def _server(self, request: Request, peer: Address) -> Server:
        key = _server_key(request)
        transaction = Server(
            request, self.timers, self.send, peer, lambda: self._forget_server(key)
        )
        self._servers[key] = transaction
        return transaction

    def _forget_server(self, key: ServerKey) -> None:
        self._servers.pop(key, None)

    def _answer(self, request: Request, status: int, source: Address, reason: str | None) -> None:
        """Answer a broken request without keeping anything of it."""
        _note_source(request, source)
        response = self.response(request, status, reason=reason)
        self.send(response.encode(), _response_address(request, source))


def _server_key(request: Request, method: str | None = None) -> ServerKey:
    """What makes two requests one transaction (section 17.2.3)."""
    via = request.via
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    sent_by = f"{via.host.lower()}:{via.port or 5060}"
    if via.branch is not None and via.branch.startswith(COOKIE) and via.branch != COOKIE:
        return via.branch, sent_by, method
    # RFC 2543: no branch to rely on.
    return (
        "2543",
        request.uri,
        request.from_.tag or "",
        request.call_id,
        str(request.cseq.number),
        sent_by,
        method,
    )


def _is_plain_sdp(request: Request) -> bool:
    encoding = request.headers.get("content-encoding")
    return request.content_type == "application/sdp" and encoding in (None, "identity")


def _merge_key(request: Request) -> tuple[str, str, str]:
    """What a request that came over two ways has in common (section 8.2.2.2)."""
    return request.from_.tag or "", request.call_id, str(request.cseq)


def _note_source(request: Request, source: Address) -> None:
    """Write where a request came from into its topmost Via (section 18.2.1, RFC 3581)."""
    via = request.via
    params = dict(via.params)
    if "rport" in params:
        params["rport"] = str(source[1])
        params["received"] = source[0]
    elif via.host != source[0]:
        params["received"] = source[0]
    else:
        return
    vias = request.headers.all("via")
    request.headers.remove("via")
    for value in [*reversed(vias[1:]), str(Via(via.transport, via.host, via.port, params))]:
        request.headers.prepend("via", value)


def _copy_via(request: Request, response: Response) -> None:
    response.headers.remove("via")
    for value in reversed(request.headers.all("via")):
        response.headers.prepend("via", value)


def _response_address(request: Request, source: Address) -> Address:
    """Where responses go (section 18.2.2, RFC 3581 section 4): never anywhere but to the host
    that the request came from."""
    via = request.via
    if "rport" in via.params:
        return source
    return source[0], via.port or 5060
