"""The user agent core: it matches what arrives to transactions, dialogs and calls, and answers
what belongs to none (RFC 3261 sections 8, 17 and 18).

No sockets and no clock: `receive` and `run_timers` take bytes and the time; `datagrams` and
`events` hand out what is to be sent and what happened; `next_timer` says when to come back.
"""

from __future__ import annotations

import hashlib
import random
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ringback.clock import Instant
from ringback.sip.client_transaction import ClientTransaction, InviteClientTransaction, OnResponse
from ringback.sip.dialog import DialogKey, sip_uri
from ringback.sip.errors import SipError
from ringback.sip.events import CallEvent
from ringback.sip.hop import Hop
from ringback.sip.matching import (
    COOKIE,
    MergeKey,
    ServerKey,
    merge_key,
    note_source,
    response_address,
    seen_from,
    server_key,
)
from ringback.sip.message import Broken, Headers, Request, Response, parse, respond
from ringback.sip.screening import ALLOWED, SUPPORTED, Refusal, readable, refusal
from ringback.sip.server_transaction import InviteServerTransaction, ServerTransaction
from ringback.sip.timers import Timers
from ringback.sip.transaction import State
from ringback.sip.uri import bracketed

if TYPE_CHECKING:
    from ringback.sip.call import Call
    from ringback.sip.incoming import IncomingCall

MOST_TRANSACTIONS = 20_000
"""Server transactions at a time."""
MOST_INVITES = 5_000
"""Incoming calls that have not been answered or rejected yet."""
MOST_DIALOGS = 50_000
OVERLOADED = Refusal(503, (("retry-after", "5"),))


class CallMaker(Protocol):
    """Makes the call of an INVITE that begins one."""

    def __call__(
        self,
        endpoint: Endpoint,
        request: Request,
        transaction: InviteServerTransaction,
        source: Hop,
    ) -> IncomingCall: ...


class Endpoint:
    """One SIP user agent at one address."""

    def __init__(
        self,
        public: Hop,
        chance: random.Random,
        incoming: CallMaker,
        *,
        known: Callable[[Hop], bool] = lambda source: True,
        unreadable: Callable[[Hop], None] = lambda source: None,
        refused: Callable[[Hop, str], None] = lambda source, why: None,
    ) -> None:
        """`public` is the way to us that goes into Via and Contact. A datagram from a source that
        is not `known` gets no answer at all: it is not even parsed. `unreadable` is told of those
        that cannot be answered, `refused` of calls that cannot be taken for their form, and why,
        as printable text."""
        self.public = public
        self.chance = chance
        self.timers = Timers()
        self.dialogs: dict[DialogKey, Call] = {}
        self._incoming = incoming
        self._known = known
        self._unreadable = unreadable
        self._refused = refused
        self._clients: dict[tuple[str, str], ClientTransaction | InviteClientTransaction] = {}
        self._servers: dict[ServerKey, ServerTransaction | InviteServerTransaction] = {}
        self._open: dict[MergeKey, ServerKey] = {}
        """The INVITEs that began a call and whose transaction still lives."""
        self._secret = chance.getrandbits(128).to_bytes(16, "big")
        self._outbox: list[tuple[bytes, Hop]] = []
        self._events: deque[tuple[Call, CallEvent]] = deque()
        self._calls: deque[IncomingCall] = deque()

    # In and out

    def receive(self, data: bytes, source: Hop, now: Instant) -> None:
        """Take one datagram. Never raises because of what is in it."""
        if not self._known(source):
            return
        if not data.strip(b"\r\n\0 "):
            return  # a keep-alive
        try:
            message = parse(data)
        except Broken as error:
            if error.method == "INVITE":
                self._refused(source, f"{error.status}, {error.reason}")
            if error.method != "ACK":
                self._answer_broken(error, source)
            return
        except SipError:
            self._unreadable(source)
            return
        if isinstance(message, Response):
            self._receive_response(message, now)
        elif message.method == "ACK":
            self._receive_ack(message, now)
        else:
            self._receive_request(message, source, now)

    def run_timers(self, now: Instant) -> None:
        """Do what is due."""
        self.timers.run(now)

    def next_timer(self) -> Instant | None:
        return self.timers.next()

    def datagrams(self) -> list[tuple[bytes, Hop]]:
        """What is to be sent, once."""
        out, self._outbox = self._outbox, []
        return out

    def next_call(self) -> IncomingCall | None:
        """A call that has come in."""
        return self._calls.popleft() if self._calls else None

    def next_event(self) -> tuple[Call, CallEvent] | None:
        return self._events.popleft() if self._events else None

    def send(self, data: bytes, peer: Hop) -> None:
        self._outbox.append((data, peer))

    def tell(self, call: Call, event: CallEvent) -> None:
        self._events.append((call, event))

    # For calls

    def token(self) -> str:
        """A random word, for tags and the like: 64 bits, so that nobody guesses one."""
        return f"{self.chance.getrandbits(64):016x}"

    def new_branch(self) -> str:
        return f"{COOKIE}{self.token()}"

    def contact(self, user: str | None = None) -> str:
        return f"<{sip_uri(user, self.public.host, self.public.port)}>"

    def stamp(self, request: Request, branch: str | None = None) -> None:
        """Put our Via on a request (RFC 3581: with rport); without a `branch`, with a new one."""
        public, branch = self.public, branch or self.new_branch()
        sent_by = f"{bracketed(public.host)}:{public.port}"
        transport = public.transport.upper()
        request.headers.prepend("via", f"SIP/2.0/{transport} {sent_by};branch={branch};rport")

    def transact(self, request: Request, peer: Hop, on_response: OnResponse, now: Instant) -> None:
        """Send a request that is no INVITE; `on_response` gets each response, None for none."""
        self.stamp(request)
        self._client(request, peer, on_response).start(now)

    def cancel(self, invite: Request, peer: Hop, now: Instant) -> None:
        """CANCEL an INVITE: same branch, same numbers (section 9.1)."""
        headers = Headers([("via", invite.headers.all("via")[0])])
        for name, value in invite.headers.items():
            if name in ("route", "max-forwards", "from", "to", "call-id"):
                headers.add(name, value)
        headers.add("cseq", f"{invite.cseq.number} CANCEL")
        request = Request("CANCEL", invite.uri, headers)
        self._client(request, peer, lambda response, at: None).start(now)

    def _client(self, request: Request, peer: Hop, on_response: OnResponse) -> ClientTransaction:
        key = (request.via.branch or "", request.method)
        over = self._forgetter(key)
        transaction = ClientTransaction(request, self.timers, self.send, peer, on_response, over)
        self._clients[key] = transaction
        return transaction

    def invite_transaction(
        self, request: Request, peer: Hop, on_response: OnResponse
    ) -> InviteClientTransaction:
        """A client INVITE transaction for a request that has its Via."""
        key = (request.via.branch or "", "INVITE")
        over = self._forgetter(key)
        transaction = InviteClientTransaction(
            request, self.timers, self.send, peer, on_response, over
        )
        self._clients[key] = transaction
        return transaction

    def _forgetter(self, key: tuple[str, str]) -> Callable[[], None]:
        return lambda: self._forget_client(key)

    def _forget_client(self, key: tuple[str, str]) -> None:
        self._clients.pop(key, None)

    def server_invite(self, request: Request, peer: Hop) -> InviteServerTransaction:
        """A server INVITE transaction."""
        key = server_key(request)
        transaction = InviteServerTransaction(
            request, self.timers, self.send, peer, lambda: self._forget_server(key)
        )
        self._servers[key] = transaction
        return transaction

    def _server(self, request: Request, peer: Hop) -> ServerTransaction:
        key = server_key(request)
        transaction = ServerTransaction(
            self.timers, self.send, peer, lambda: self._forget_server(key)
        )
        self._servers[key] = transaction
        return transaction

    def _forget_server(self, key: ServerKey) -> None:
        transaction = self._servers.pop(key, None)
        if isinstance(transaction, InviteServerTransaction):
            merged = merge_key(transaction.request)
            if self._open.get(merged) == key:
                del self._open[merged]

    # Responses

    def _receive_response(self, response: Response, now: Instant) -> None:
        if len(response.headers.all("via")) != 1:
            return  # more than one Via: it is not for us (section 8.1.3.3)
        method = response.cseq.method
        transaction = self._clients.get((response.via.branch or "", method))
        if transaction is not None and (method != "INVITE" or readable(response)):
            transaction.receive(response, now)

    # Requests

    def _receive_request(self, request: Request, source: Hop, now: Instant) -> None:
        existing = self._servers.get(server_key(request))
        if existing is not None:
            existing.feed("INVITE" if request.method == "INVITE" else "request", now)
            return
        note_source(request, source)
        if len(self._servers) >= MOST_TRANSACTIONS and not self._ends_call(request):
            self._answer_statelessly(request, OVERLOADED, source)
            return
        refused = refusal(request)
        if refused is not None:
            self._tell_refused(request, refused, source)
            self._refuse(request, refused, source, now)
        elif request.method == "CANCEL":
            self._receive_cancel(request, source, now)
        elif request.to.tag is not None:
            self._receive_within(request, source, now)
        elif request.method == "INVITE":
            self._receive_invite(request, source, now)
        elif request.method == "OPTIONS":
            self._respond(request, self.options_response(request), source, now)
        else:
            self._refuse(request, Refusal(481), source, now)

    def _receive_ack(self, request: Request, now: Instant) -> None:
        transaction = self._servers.get(server_key(request))
        # The ACK to a 2xx belongs to the dialog, though a careless peer, or one of RFC 2543,
        # gives it the INVITE's branch.
        if (
            isinstance(transaction, InviteServerTransaction)
            and transaction.state is not State.ACCEPTED
        ):
            transaction.receive_ack(request, now)
            return
        call = self._call_of(request)
        if call is not None:
            call.receive_ack(request, now)

    def _receive_cancel(self, request: Request, source: Hop, now: Instant) -> None:
        """CANCEL is answered for itself, and ends the INVITE if that is still open (9.2)."""
        invite = self._servers.get(server_key(request, method="INVITE"))
        if not isinstance(invite, InviteServerTransaction):
            self._refuse(request, Refusal(481), source, now)
            return
        self._refuse(request, Refusal(200), source, now)
        invite.on_cancel(request, now)

    def _receive_invite(self, request: Request, source: Hop, now: Instant) -> None:
        merged = merge_key(request)
        if merged in self._open:
            self._refuse(request, Refusal(482), source, now)
            return
        if len(self._open) >= MOST_INVITES or len(self.dialogs) >= MOST_DIALOGS:
            self._tell_refused(request, OVERLOADED, source)
            self._answer_statelessly(request, OVERLOADED, source)
            return
        self._open[merged] = server_key(request)
        transaction = self.server_invite(request, response_address(request.via, source))
        transaction.start(now)
        self._calls.append(self._incoming(self, request, transaction, source))

    def _receive_within(self, request: Request, source: Hop, now: Instant) -> None:
        call = self._call_of(request)
        if call is None or call.dialog is None:
            self._refuse(request, Refusal(481), source, now)
            return
        if not call.dialog.in_order(request):
            self._refuse(request, Refusal(500), source, now)
            return
        peer = response_address(request.via, source)
        if request.method == "INVITE":
            transaction = self.server_invite(request, peer)
            transaction.start(now)
            call.receive_reinvite(request, transaction, now)
        else:
            call.receive_request(request, self._server(request, peer), now)

    def _ends_call(self, request: Request) -> bool:
        """A BYE is taken however much there is to do: the call that it ends costs money. There
        are no more of them than calls."""
        return request.method == "BYE" and self._call_of(request) is not None

    def _call_of(self, request: Request) -> Call | None:
        return self.dialogs.get((request.call_id, request.to.tag or "", request.from_.tag or ""))

    # Answers

    def response(self, request: Request, status: int, *, to_tag: str | None = None) -> Response:
        return respond(request, status, to_tag=to_tag or self.token())

    def options_response(self, request: Request) -> Response:
        """What we can do (section 11.2)."""
        response = self.response(request, 200)
        response.headers.add("allow", ", ".join(ALLOWED))
        response.headers.add("accept", "application/sdp")
        response.headers.add("supported", ", ".join(SUPPORTED))
        return response

    def _refuse(self, request: Request, refused: Refusal, source: Hop, now: Instant) -> None:
        self._respond(request, self._refusal_response(request, refused), source, now)

    def _respond(self, request: Request, response: Response, source: Hop, now: Instant) -> None:
        """Answer, within a transaction, a request that belongs to no call."""
        peer = response_address(request.via, source)
        transaction: ServerTransaction | InviteServerTransaction
        if request.method == "INVITE":
            transaction = self.server_invite(request, peer)
        else:
            transaction = self._server(request, peer)
        transaction.send_response(response, now)

    def _answer_statelessly(self, request: Request, refused: Refusal, source: Hop) -> None:
        """Answer without keeping anything (section 8.2.7): the same request gets the same."""
        response = self._refusal_response(request, refused)
        self.send(response.encode(), response_address(request.via, source))

    def _answer_broken(self, broken: Broken, source: Hop) -> None:
        """Answer what could not be read, without keeping anything."""
        via = seen_from(broken.via, source)
        response = broken.response(via, self._stateless_tag(str(via)))
        self.send(response.encode(), response_address(via, source))

    def _stateless_tag(self, *what: str) -> str:
        data = "\0".join(what).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(data, key=self._secret, digest_size=8).hexdigest()

    def _refusal_response(self, request: Request, refused: Refusal) -> Response:
        tag = self._stateless_tag(request.call_id, request.from_.tag or "", str(request.via.branch))
        response = respond(request, refused.status, refused.reason, to_tag=tag)
        for name, value in refused.headers:
            response.headers.add(name, value)
        return response

    def _tell_refused(self, request: Request, refused: Refusal, source: Hop) -> None:
        """Of a call that does not come about; other requests are refused every day."""
        if request.method == "INVITE" and request.to.tag is None:
            response = self._refusal_response(request, refused)
            more = "".join(f", {name} {value[:60]!r}" for name, value in refused.headers)
            self._refused(source, f"{response.status} {response.reason}{more}")
