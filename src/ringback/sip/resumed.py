"""A call from before a restart, which is only brought to its end."""

from __future__ import annotations

from typing import Any

from ringback.clock import Instant
from ringback.sip.call import Call
from ringback.sip.dialog import Dialog
from ringback.sip.events import Failed, Rejected
from ringback.sip.headers import Headers
from ringback.sip.hop import Hop
from ringback.sip.invitation import MOST_TRIES, NEXT_TRY, Invitation
from ringback.sip.message import Request, Response, parse

CSEQ_GAP = 100
"""After the dialog was stored, fewer requests than this were sent."""


class ResumedCall(Call):
    """A call from before a restart: `resume` takes what `OutgoingCall.saved` or
    `IncomingCall.saved_rejection` returned."""

    owns_call_id = True

    def resume(self, saved: dict[str, Any], now: Instant) -> None:
        """Bring the call to its end; `Closed`, `Failed` or `Rejected` follows."""
        if "dialog" in saved:
            self.dialog = Dialog.from_json(saved["dialog"])
            self.dialog.local_cseq += CSEQ_GAP
            self.register()
            self.bye(now)
        elif "invite" in saved:
            self._cancel(saved, now)
        else:
            self._reject_again(saved, now)

    def _reject_again(self, saved: dict[str, Any], now: Instant) -> None:
        request, hop = _stored(saved["rejected"]), Hop.from_json(saved["peer"])
        transaction = self.layers.transactions.serve_invite(request, hop, begins_call=True)
        transaction.on_end = lambda acknowledged, at: self.tell(Rejected(acknowledged))
        response = self.layers.response(request, saved["status"], to_tag=saved["tag"])
        transaction.send_response(response, now)

    def _cancel(self, saved: dict[str, Any], now: Instant) -> None:
        """Cancel every try, since it is not known which was the last. For an INVITE that never
        left, the answer is 481, or none comes."""
        first, hop = _stored(saved["invite"]), Hop.from_json(saved["peer"])
        for number in range(MOST_TRIES if saved["challengeable"] else 1):
            _SentInvite(self, _further(first, number), hop).invitation.resume(now)

    def failed(self, response: Response | None) -> None:
        """One try failed."""
        # A challenge ended one try only: wait for the answer to the next.
        challenged = response is not None and response.status in (401, 407, 422)
        if not challenged and not self.ended:
            self.ended = True
            self.tell(Failed(response))

    def answered(self, dialog: Dialog, now: Instant) -> None:
        """The first answer makes this call's dialog; any other gets a BYE of its own."""
        if self.ended:
            self.end_other(dialog, now)
            return
        self.dialog = dialog
        self.register()
        self.bye(now)


class _SentInvite:
    """An INVITE that was sent before the restart. See `Inviter`."""

    def __init__(self, call: ResumedCall, invite: Request, hop: Hop) -> None:
        self._call = call
        self._invite = invite
        self._hop = hop
        self.invitation = Invitation(call, self)

    def write(self) -> Request:
        return self._invite

    def hop(self) -> Hop:
        return self._hop

    def dialog_of(self, invite: Request, response: Response) -> Dialog:
        return Dialog.of_response(invite, response, self._hop)

    def on_provisional(self, response: Response, now: Instant) -> None:
        """Nothing to do: the INVITE is cancelled in any case."""

    def on_success(
        self, response: Response, dialog: Dialog, now: Instant, *, crossed: bool
    ) -> None:
        self.invitation.acknowledge(b"", now)
        self._call.answered(dialog, now)

    def on_failure(self, response: Response | None, now: Instant) -> None:
        self._call.failed(response)

    def on_fork(self, dialog: Dialog, now: Instant) -> None:
        self._call.answered(dialog, now)


def _stored(text: str) -> Request:
    request = parse(text.encode("latin-1"))
    assert isinstance(request, Request)
    return request


def _further(first: Request, number: int) -> Request:
    """The headers that identify a further try; see `NEXT_TRY`."""
    headers = Headers(first.headers.items())
    branch = f"branch={first.via.branch}"
    headers.set("via", str(first.via).replace(branch, branch + NEXT_TRY * number))
    headers.set("cseq", f"{first.cseq.number + number} INVITE")
    return Request("INVITE", first.uri, headers)
