"""A call of ours: the client's side of an INVITE (RFC 3261 sections 9.1 and 13.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ringback.clock import Instant
from ringback.sip.authentication import Challenges, Credentials
from ringback.sip.call import Call, Core
from ringback.sip.client_transaction import InviteClientTransaction
from ringback.sip.dialog import Dialog
from ringback.sip.events import Failed, Provisional, Succeeded
from ringback.sip.hop import Hop
from ringback.sip.message import Headers, Request, Response
from ringback.sip.uri import NameAddr

MOST_FORKS = 16
"""So many phones that answered one INVITE are told that another was first."""
MOST_TRIES = 4
"""INVITEs of one call: the first, after a challenge, after a stale nonce, after 422."""
NEXT_TRY = "a"
"""The branch of each further INVITE is one letter longer, and its CSeq one higher: so those that
`resume` may have to cancel are known from the first."""


class OutgoingCall(Call):
    """Has its identifiers before anything is sent."""

    owns_call_id = True

    def __init__(
        self,
        core: Core,
        uri: str,
        peer: Hop,
        *,
        sender: NameAddr,
        sdp: bytes,
        headers: Sequence[tuple[str, str]] = (),
        credentials: Credentials | None = None,
        acknowledges_later: bool = False,
    ) -> None:
        """`sender` goes into From; its tag is made here. Without an `sdp` the far end makes the
        offer, and `acknowledge` brings the answer. `headers` go into the INVITE as they are.

        `acknowledges_later`: a 2xx is repeated by the far end until `acknowledge`, so that what
        was not stored before a crash is met again after it."""
        super().__init__(core, credentials)
        self.peer = peer
        self.local_sdp = sdp
        self._uri = uri
        self._sender = sender.with_tag(self.layers.token())
        self._extra = tuple(headers)
        self._call_id = (
            f"{self.layers.token()}{self.layers.token()}@{self.layers.transport.public.host}"
        )
        self._branch = self.layers.transactions.new_branch()
        self._cseq = 1
        self._acknowledges_later = acknowledges_later or not sdp
        self._challenges = Challenges(credentials, self.layers.token)
        self._request = self._invite()
        self._interval_raised = False
        self._provisional = False
        self._cancelled = False
        self._final = False
        self._acks: dict[str, tuple[bytes, Hop] | None] = {}
        """By the tag of who answered: our ACK, sent again with each repeated 2xx; None while it
        waits for `acknowledge`."""
        self._transaction: InviteClientTransaction | None = None

    def saved(self) -> dict[str, Any]:
        """What `ResumedCall` needs to end the call after a restart. It looks for further tries
        only if there are credentials: that a 422, to a request for half an hour, made one is not
        worth a stray CANCEL to every peer."""
        if self.dialog is not None:
            return {"dialog": self.dialog.to_json()}
        invite = Request("INVITE", self._uri, _only_identity(self._request.headers))
        return {
            "invite": invite.encode().decode("latin-1"),
            "peer": self.peer.to_json(),
            "challengeable": self.credentials is not None,
        }

    def send(self, now: Instant) -> None:
        """Send the INVITE."""
        if self._cancelled:
            return
        self._transaction = self.layers.transactions.invite(
            self._request, self.peer, self._on_response
        )
        self._transaction.start(now)

    def cancel(self, now: Instant) -> None:
        """Give the call up. CANCEL waits for a provisional answer (section 9.1); a 2xx that
        crosses it is acknowledged and ended. Before `send` nothing is sent and nothing told."""
        if self._cancelled or self._final:
            return
        self._cancelled = True
        if self._transaction is None:
            self._final = self.ended = True
        elif self._provisional:
            self._send_cancel(now)

    def acknowledge(self, sdp: bytes, now: Instant) -> None:
        """Send the ACK that waits: with the answer to the offer of a 2xx to an INVITE that had
        none, else without an `sdp`."""
        for tag in [tag for tag, ack in self._acks.items() if ack is None]:
            assert self.dialog is not None
            self.local_sdp = sdp or self.local_sdp
            self._acknowledge(self.dialog, tag, sdp)

    def bye(self, now: Instant, reason: str | None = None) -> None:
        self.acknowledge(b"", now)  # a 2xx gets its ACK even so
        super().bye(now, reason)

    def _send_cancel(self, now: Instant) -> None:
        assert self._transaction is not None
        self.layers.transactions.cancel(self._request, self.peer, now)
        self._transaction.expect_final(now)

    def _invite(self) -> Request:
        headers = Headers()
        headers.add("max-forwards", 70)
        headers.add("from", self._sender)
        headers.add("to", f"<{self._uri}>")
        headers.add("call-id", self._call_id)
        headers.add("cseq", f"{self._cseq} INVITE")
        for name, value in self._extra:
            headers.add(name, value)
        request = Request("INVITE", self._uri, headers)
        authorization = self._challenges.authorization(request)
        if authorization is not None:
            headers.add(*authorization)
        self.dress(request, self.local_sdp)
        self.session_timer.ask(request)
        self.layers.transport.stamp(request, self.peer, self._branch)
        return request

    # Answers

    def _on_response(self, response: Response | None, now: Instant) -> None:
        if response is None:
            self._fail(None)
        elif response.status < 200:
            self._on_provisional(response, now)
        elif response.status < 300:
            self._on_accepted(response, now)
        elif not self._try_again(response, now):
            self._fail(response)

    def _on_provisional(self, response: Response, now: Instant) -> None:
        if not self._provisional:
            self._provisional = True
            if self._cancelled:
                self._send_cancel(now)
        self.tell(Provisional(response))

    def _on_accepted(self, response: Response, now: Instant) -> None:
        tag = response.to.tag or ""
        if tag in self._acks:
            self._acknowledge_again(tag)
            return
        if len(self._acks) == MOST_FORKS:
            return
        dialog = Dialog.of_response(self._request, response, self.peer)
        if self._final:
            self._acknowledge(dialog, tag)
            self._end_fork(dialog, now)
            return
        self._final = True
        self.dialog = dialog
        self.remote_sdp = response.body
        self.register()
        if self._acknowledges_later:
            self._acks[tag] = None
        else:
            self._acknowledge(dialog, tag)
        self.session_timer.agreed(response, now)
        self.tell(Succeeded(response, self._cancelled))
        if self._cancelled:
            self.bye(now)

    def _acknowledge(self, dialog: Dialog, tag: str, sdp: bytes = b"") -> None:
        """The ACK to a 2xx is ours to send, each time that it comes (section 13.2.2.4)."""
        ack = dialog.request("ACK", self._cseq)
        for name, value in self._request.headers.items():
            if name in ("authorization", "proxy-authorization"):
                ack.headers.add(name, value)
        if sdp:
            ack.headers.add("content-type", "application/sdp")
            ack.body = sdp
        hop = dialog.destination()
        self.layers.transport.stamp(ack, hop, self.layers.transactions.new_branch())
        self._acks[tag] = ack.encode(), hop
        self._acknowledge_again(tag)

    def _acknowledge_again(self, tag: str) -> None:
        ack = self._acks[tag]
        if ack is not None:
            self.layers.transport.send(*ack)

    def _end_fork(self, dialog: Dialog, now: Instant) -> None:
        """Another phone answered too, after the first: BYE (section 13.2.2.4)."""
        fork = Call(self._core, self.credentials)
        fork.dialog = dialog
        fork.register()
        fork.bye(now)

    def _try_again(self, response: Response, now: Instant) -> bool:
        """Whether the answer asked for the same once more with something added, and got it."""
        if self._cancelled:
            return False
        if not self._challenges.met(response) and not self._raise_interval(response):
            return False
        self._cseq += 1
        self._branch += NEXT_TRY
        self._provisional = False
        self._request = self._invite()
        self.send(now)
        return True

    def _raise_interval(self, response: Response) -> bool:
        """422: once more with the interval that the far end wants (RFC 4028 section 7.3)."""
        if response.status != 422 or self._interval_raised:
            return False
        self._interval_raised = True
        return self.session_timer.raise_to(response)

    def _fail(self, response: Response | None) -> None:
        if self._final:
            return
        self._final = self.ended = True
        self.tell(Failed(response, self._challenges.refused))


def _only_identity(headers: Headers) -> Headers:
    """What CANCEL and ACK need of an INVITE."""
    needed = ("via", "from", "to", "call-id", "cseq", "max-forwards", "route")
    return Headers((name, value) for name, value in headers.items() if name in needed)
