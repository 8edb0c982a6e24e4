"""A call that we make (RFC 3261 section 13.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ringback.clock import Instant
from ringback.sip.authentication import Credentials
from ringback.sip.bodies import description
from ringback.sip.call import Call, Core
from ringback.sip.dialog import Dialog
from ringback.sip.events import Failed, Provisional, Succeeded
from ringback.sip.headers import Headers
from ringback.sip.hop import Hop
from ringback.sip.invitation import Invitation, InviteState
from ringback.sip.message import Request, Response
from ringback.sip.uri import NameAddr


class OutgoingCall(Call):
    """A call that we make. Its identifiers exist before anything is sent."""

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
        offer, and `acknowledge` sends our answer. `headers` go into the INVITE as they are.

        `acknowledges_later`: the ACK waits for `acknowledge`. Until then the far end repeats its
        2xx, so that an answer that was not stored before a crash arrives again after it.
        """
        super().__init__(core, credentials)
        token, public = self.layers.token, self.layers.transport.public
        self.peer = peer
        self.local_sdp = sdp
        self._uri = uri
        self._sender = sender.with_tag(token())
        self._extra = tuple(headers)
        self._call_id = f"{token()}{token()}@{public.host}"
        self._cseq = 0
        self._acknowledges_later = acknowledges_later or not sdp
        self._invitation = Invitation(self, self)

    def saved(self) -> dict[str, Any]:
        """What `ResumedCall` needs to end the call after a restart. It cancels further tries only
        if there are credentials: a 422 to a request for half an hour is rare, and not worth a stray
        CANCEL to every peer."""
        if self.dialog is not None:
            return {"dialog": self.dialog.to_json()}
        invite = Request("INVITE", self._uri, _only_identity(self._invitation.request.headers))
        return {
            "invite": invite.encode().decode("latin-1"),
            "peer": self.peer.to_json(),
            "challengeable": self.credentials is not None,
        }

    def send(self, now: Instant) -> None:
        """Send the INVITE."""
        self._invitation.send(now)

    def cancel(self, now: Instant) -> None:
        """Give the call up. CANCEL waits for a provisional response (section 9.1); if a 2xx crosses
        it, that is acknowledged and ended. Before `send`, nothing is sent and nothing reported."""
        self._invitation.cancel(now)
        if self._invitation.state is InviteState.OVER:
            self.ended = True

    def acknowledge(self, sdp: bytes, now: Instant) -> None:
        """Send the ACK, if it is due: with `sdp` as our answer if the 2xx made the offer, otherwise
        without."""
        if self._invitation.state is InviteState.ACCEPTED:
            self.local_sdp = sdp or self.local_sdp
            self._invitation.acknowledge(sdp, now)

    def bye(self, now: Instant, reason: str | None = None) -> None:
        self.acknowledge(b"", now)  # a 2xx gets its ACK in any case
        super().bye(now, reason)

    # See `Inviter`

    def write(self) -> Request:
        self._cseq += 1
        headers = Headers()
        headers.add("max-forwards", 70)
        headers.add("from", self._sender)
        headers.add("to", f"<{self._uri}>")
        headers.add("call-id", self._call_id)
        headers.add("cseq", f"{self._cseq} INVITE")
        for name, value in self._extra:
            headers.add(name, value)
        request = Request("INVITE", self._uri, headers)
        self.add_headers(request, self.local_sdp)
        self.session_timer.ask(request)
        return request

    def hop(self) -> Hop:
        return self.peer

    def dialog_of(self, invite: Request, response: Response) -> Dialog:
        return Dialog.of_response(invite, response, self.peer)

    def on_provisional(self, response: Response, now: Instant) -> None:
        self.tell(Provisional(response))

    def on_success(
        self, response: Response, dialog: Dialog, now: Instant, *, crossed: bool
    ) -> None:
        self.dialog = dialog
        self.remote_sdp = description(response)
        self.register()
        if not self._acknowledges_later:
            self.acknowledge(b"", now)
        self.session_timer.agreed(response, now)
        self.tell(Succeeded(response, crossed))
        if crossed:
            self.bye(now)

    def on_failure(self, response: Response | None, now: Instant) -> None:
        self.ended = True
        self.tell(Failed(response, self._invitation.challenged_twice))

    def on_fork(self, dialog: Dialog, now: Instant) -> None:
        self.end_other(dialog, now)


def _only_identity(headers: Headers) -> Headers:
    """What CANCEL and ACK need of an INVITE."""
    needed = ("via", "from", "to", "call-id", "cseq", "max-forwards", "route")
    return Headers((name, value) for name, value in headers.items() if name in needed)
