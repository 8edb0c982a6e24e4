"""A call from before a restart, which is brought to its end and to nothing else."""

from __future__ import annotations

from typing import Any

from ringback.clock import Instant
from ringback.sip.call import Call
from ringback.sip.dialog import Dialog
from ringback.sip.events import Failed, Rejected
from ringback.sip.hop import Hop
from ringback.sip.message import Headers, Request, Response, parse
from ringback.sip.outgoing import MOST_FORKS, MOST_TRIES, NEXT_TRY

CSEQ_GAP = 100
"""More requests than this were not sent after the dialog was stored."""


class ResumedCall(Call):
    """`resume` takes what `OutgoingCall.saved` or `IncomingCall.saved_rejection` gave."""

    owns_call_id = True

    def resume(self, saved: dict[str, Any], now: Instant) -> None:
        """`Closed`, `Failed` or `Rejected` follows."""
        if "dialog" in saved:
            self.dialog = Dialog.from_json(saved["dialog"])
            self.dialog.local_cseq += CSEQ_GAP
            self.register()
            self.bye(now)
        elif "invite" in saved:
            tries = MOST_TRIES if saved["challengeable"] else 1
            self._resume_invite(_stored(saved["invite"]), tries, Hop.from_json(saved["peer"]), now)
        else:
            self._resume_rejection(saved, now)

    def _resume_rejection(self, saved: dict[str, Any], now: Instant) -> None:
        request = _stored(saved["rejected"])
        transaction = self.layers.transactions.serve_invite(request, Hop.from_json(saved["peer"]))
        transaction.on_end = lambda acknowledged, at: self.tell(Rejected(acknowledged))
        response = self.layers.response(request, saved["status"], to_tag=saved["tag"])
        transaction.send_response(response, now)

    def _resume_invite(self, request: Request, tries: int, peer: Hop, now: Instant) -> None:
        """Which of the tries was the last is not known: each is cancelled. An INVITE that never
        left is answered 481, or not at all."""
        for number in range(tries):
            headers = Headers(request.headers.items())
            branch = f"{request.via.branch}{NEXT_TRY * number}"
            via = str(request.via).replace(f"branch={request.via.branch}", f"branch={branch}")
            headers.set("via", via)
            headers.set("cseq", f"{request.cseq.number + number} INVITE")
            self._cancel(Request("INVITE", request.uri, headers), peer, now)

    def _cancel(self, request: Request, peer: Hop, now: Instant) -> None:
        """CANCEL an INVITE that was sent before the restart; should it answer, ACK and BYE."""
        dialogs: dict[str, Dialog] = {}

        def on_response(response: Response | None, at: Instant) -> None:
            if response is None or response.status >= 300:
                # A challenge ended one try only: the next one's answer is awaited.
                if response is None or response.status not in (401, 407, 422):
                    self._failed(response)
            elif response.status >= 200:
                tag = response.to.tag or ""
                if tag not in dialogs and len(dialogs) < MOST_FORKS:
                    dialogs[tag] = Dialog.of_response(request, response, peer)
                    self._acknowledge(dialogs[tag], request)
                    self._end_answered(dialogs[tag], at)
                elif tag in dialogs:
                    self._acknowledge(dialogs[tag], request)

        transaction = self.layers.transactions.invite(request, peer, on_response)
        transaction.resume()
        self.layers.transactions.cancel(request, peer, now)
        transaction.expect_final(now)

    def _failed(self, response: Response | None) -> None:
        if not self.ended:
            self.ended = True
            self.tell(Failed(response))

    def _acknowledge(self, dialog: Dialog, request: Request) -> None:
        ack = dialog.request("ACK", request.cseq.number)
        hop = dialog.destination()
        self.layers.transport.stamp(ack, hop, self.layers.transactions.new_branch())
        self.layers.transport.send(ack.encode(), hop)

    def _end_answered(self, dialog: Dialog, now: Instant) -> None:
        """The first answer's BYE is this call's; what else answers is ended on its own."""
        call = Call(self._core, self.credentials) if self.ended else self
        call.dialog = dialog
        call.register()
        call.bye(now)


def _stored(text: str) -> Request:
    request = parse(text.encode("latin-1"))
    assert isinstance(request, Request)
    return request
