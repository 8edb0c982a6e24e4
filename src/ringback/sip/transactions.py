"""The transaction layer (RFC 3261 section 17): it holds all transactions of a user agent, and finds
the one that a message belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ringback.clock import Instant
from ringback.sip.client_transaction import (
    ClientTransaction,
    InviteClientTransaction,
    OnResponse,
)
from ringback.sip.dialog import DialogKey
from ringback.sip.headers import Headers
from ringback.sip.hop import Hop
from ringback.sip.matching import (
    COOKIE,
    MergeKey,
    ServerKey,
    answers,
    dialog_key,
    merge_key,
    server_key,
)
from ringback.sip.message import Request, Response
from ringback.sip.server_transaction import InviteServerTransaction, ServerTransaction
from ringback.sip.timers import Timers
from ringback.sip.transaction import State
from ringback.sip.transport import Transport

_ClientKey = tuple[str, str]
"""Branch and method (section 17.1.3)."""


def _client_key(message: Request | Response) -> _ClientKey:
    """The values of parameters have no case (section 7.3.1); our branches differ without it."""
    return (message.via.branch or "").lower(), message.cseq.method


class Transactions:
    """The live transactions. Each is removed when it has terminated."""

    def __init__(self, transport: Transport, timers: Timers, token: Callable[[], str]) -> None:
        """`token` gives a random word."""
        self._transport = transport
        self._timers = timers
        self._token = token
        self._clients: dict[_ClientKey, ClientTransaction | InviteClientTransaction] = {}
        self._servers: dict[ServerKey, ServerTransaction | InviteServerTransaction] = {}
        self._begun: dict[MergeKey, ServerKey] = {}
        """The keys of INVITEs that began a call."""
        self._unproven: set[ServerKey] = set()
        """Those of them whose source may be forged: the ACK to a rejection has not come."""
        self._within: Counter[DialogKey] = Counter()
        """How many requests within each dialog we remember."""
        self.within = 0
        """How many within all of them."""

    # Requests of ours

    def new_branch(self) -> str:
        return f"{COOKIE}{self._token()}"

    def request(self, request: Request, hop: Hop, on_response: OnResponse, now: Instant) -> None:
        """Send a request other than INVITE; `on_response` gets each response, or None if none
        came."""
        self._transport.stamp(request, hop, self.new_branch())
        self._client(request, hop, on_response).start(now)

    def cancel(self, invite: Request, hop: Hop, now: Instant) -> None:
        """CANCEL an INVITE, with the same branch and CSeq number (section 9.1)."""
        headers = Headers([("via", invite.headers.all("via")[0])])
        for name, value in invite.headers.items():
            if name in ("route", "max-forwards", "from", "to", "call-id"):
                headers.add(name, value)
        headers.add("cseq", f"{invite.cseq.number} CANCEL")
        request = Request("CANCEL", invite.uri, headers)
        self._client(request, hop, lambda response, at: None).start(now)

    def invite(
        self, request: Request, hop: Hop, on_response: OnResponse
    ) -> InviteClientTransaction:
        """A transaction, not yet started, for an INVITE that already has its Via."""
        key = _client_key(request)
        transaction = InviteClientTransaction(
            request, self._timers, self._transport.send, hop, on_response, self._forgetter(key)
        )
        self._clients[key] = transaction
        return transaction

    def _client(self, request: Request, hop: Hop, on_response: OnResponse) -> ClientTransaction:
        key = _client_key(request)
        transaction = ClientTransaction(
            request, self._timers, self._transport.send, hop, on_response, self._forgetter(key)
        )
        self._clients[key] = transaction
        return transaction

    def _forgetter(self, key: _ClientKey) -> Callable[[], None]:
        return lambda: self._forget_client(key)

    def _forget_client(self, key: _ClientKey) -> None:
        self._clients.pop(key, None)

    def receive_response(self, response: Response, now: Instant) -> None:
        """Give a response to the request that it answers, if we still have that. One that has come
        through somebody else's hands is dropped (section 8.1.3.3)."""
        transaction = self._clients.get(_client_key(response))
        only = len(response.headers.all("via")) == 1
        if transaction is not None and only and answers(response, transaction.request):
            transaction.receive(response, now)

    # Requests of theirs

    @property
    def serving(self) -> int:
        """How many of their requests we remember."""
        return len(self._servers)

    @property
    def begun(self) -> int:
        """How many of those are INVITEs that began a call."""
        return len(self._begun)

    @property
    def unproven(self) -> int:
        """How many of these have a source that is not proven by the ACK to our rejection."""
        return len(self._unproven)

    def serving_within(self, dialog: DialogKey) -> int:
        """How many of those came within this dialog."""
        return self._within[dialog]

    def absorbs(self, request: Request, now: Instant) -> bool:
        """Whether a request has come before. If so, its response is sent again if there is one."""
        transaction = self._servers.get(server_key(request))
        if transaction is None:
            return False
        transaction.feed("INVITE" if request.method == "INVITE" else "request", now)
        return True

    def absorbs_ack(self, request: Request, now: Instant) -> bool:
        """Whether an ACK belongs to a transaction. The ACK to a 2xx belongs to the dialog, even if
        a careless peer, or one that follows RFC 2543, gives it the branch of the INVITE."""
        key = server_key(request)
        transaction = self._servers.get(key)
        if (
            not isinstance(transaction, InviteServerTransaction)
            or transaction.state is State.ACCEPTED
        ):
            return False
        taken = transaction.receive_ack(request, now)
        if taken:
            self._unproven.discard(key)
        return taken

    def merged(self, request: Request) -> bool:
        """Whether this INVITE has come on another way before (section 8.2.2.2)."""
        return merge_key(request) in self._begun

    def cancelled_by(self, request: Request) -> InviteServerTransaction | None:
        """The INVITE that a CANCEL is for (section 9.2)."""
        transaction = self._servers.get(server_key(request, method="INVITE"))
        return transaction if isinstance(transaction, InviteServerTransaction) else None

    def serve(self, request: Request, hop: Hop) -> ServerTransaction:
        """A transaction for a request other than INVITE, whose responses go to `hop`."""
        forget = self._remembered(request)
        transaction = ServerTransaction(self._timers, self._transport.send, hop, forget)
        self._servers[server_key(request)] = transaction
        return transaction

    def serve_invite(
        self, request: Request, hop: Hop, *, begins_call: bool = False
    ) -> InviteServerTransaction:
        key = server_key(request)
        if begins_call:
            self._begun[merge_key(request)] = key
            self._unproven.add(key)
        forget = self._remembered(request)
        transaction = InviteServerTransaction(
            request, self._timers, self._transport.send, hop, forget
        )
        self._servers[key] = transaction
        return transaction

    def _remembered(self, request: Request) -> Callable[[], None]:
        """Count a request; what is returned is called when its transaction is over."""
        key = server_key(request)
        dialog = dialog_key(request)
        if dialog is not None:
            self._within[dialog] += 1
            self.within += 1
        return lambda: self._forget_server(key, dialog)

    def _forget_server(self, key: ServerKey, dialog: DialogKey | None) -> None:
        transaction = self._servers.pop(key, None)
        self._unproven.discard(key)
        if dialog is not None:
            self._within[dialog] -= 1
            self.within -= 1
            if not self._within[dialog]:
                del self._within[dialog]
        if isinstance(transaction, InviteServerTransaction):
            merged = merge_key(transaction.request)
            if self._begun.get(merged) == key:
                del self._begun[merged]
