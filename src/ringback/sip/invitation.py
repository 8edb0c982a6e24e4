"""An INVITE of ours, whether it begins a call or changes one (RFC 3261 sections 9.1, 13.2 and 14).

Theory of operation. An invitation is everything it takes to get an answer: further tries after a
challenge, after 422 (a longer session interval, RFC 4028) and, within a dialog, after 491 (both
ends sent an INVITE at once); the CANCEL, which waits for a provisional response; and the ACK to a
2xx, which we must send again whenever the 2xx comes again. `machine` explains how to read the
table.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol

from ringback.clock import Instant
from ringback.sip.authentication import Challenges
from ringback.sip.client_transaction import InviteClientTransaction
from ringback.sip.dialog import Dialog
from ringback.sip.hop import Hop
from ringback.sip.machine import Machine, Table
from ringback.sip.message import Request, Response
from ringback.sip.timers import SipTimer
from ringback.sip.usage import InviteUsage

MOST_FORKS = 16
"""Phones that answer one INVITE and whose answers we acknowledge."""
MOST_CLASHES = 5
"""How often our INVITE is sent again because it met one of theirs."""
MOST_TRIES = 4
"""INVITEs that may be sent to begin one call: the first, one after a challenge, one after a stale
nonce, one after 422."""
NEXT_TRY = "a"
"""Each further try has a branch that is one letter longer and a CSeq that is one higher. So all
tries that must be cancelled after a restart can be worked out from the first."""


class InviteState(Enum):
    PREPARED = auto()
    CALLING = auto()
    PROCEEDING = auto()
    CLASHED = auto()
    """Both ends sent an INVITE at once; ours will be sent again."""
    CANCEL_WAITS = auto()
    """CANCEL waits for a provisional response (section 9.1)."""
    GIVEN_UP = auto()
    """There will be no further try; a 2xx is still acknowledged."""
    ACCEPTED = auto()
    """A 2xx came; we have not sent its ACK yet."""
    ACKNOWLEDGED = auto()
    OVER = auto()


S = InviteState

INVITATION: Table[InviteState] = {
    (S.PREPARED, "send"): (S.CALLING, ("transmit",)),
    (S.PREPARED, "cancel"): (S.OVER, ()),
    (S.PREPARED, "resume"): (S.GIVEN_UP, ("take_up", "send_cancel")),
    (S.CALLING, "1xx"): (S.PROCEEDING, ("tell_provisional",)),
    (S.CALLING, "2xx"): (S.ACCEPTED, ("tell_success",)),
    (S.CALLING, "try again"): (S.CALLING, ("prepare", "transmit")),
    (S.CALLING, "clash"): (S.CLASHED, ("wait",)),
    (S.CALLING, "failure"): (S.OVER, ("tell_failure",)),
    (S.CALLING, "cancel"): (S.CANCEL_WAITS, ()),
    (S.CALLING, "abandon"): (S.GIVEN_UP, ()),
    (S.PROCEEDING, "1xx"): (S.PROCEEDING, ("tell_provisional",)),
    (S.PROCEEDING, "2xx"): (S.ACCEPTED, ("tell_success",)),
    (S.PROCEEDING, "try again"): (S.CALLING, ("prepare", "transmit")),
    (S.PROCEEDING, "clash"): (S.CLASHED, ("wait",)),
    (S.PROCEEDING, "failure"): (S.OVER, ("tell_failure",)),
    (S.PROCEEDING, "cancel"): (S.GIVEN_UP, ("send_cancel",)),
    (S.PROCEEDING, "abandon"): (S.GIVEN_UP, ()),
    (S.CLASHED, "waited"): (S.CALLING, ("prepare", "transmit")),
    (S.CLASHED, "abandon"): (S.OVER, ("stop_waiting",)),
    (S.CANCEL_WAITS, "1xx"): (S.GIVEN_UP, ("send_cancel", "tell_provisional")),
    (S.CANCEL_WAITS, "2xx"): (S.ACCEPTED, ("tell_crossing",)),
    (S.CANCEL_WAITS, "failure"): (S.OVER, ("tell_failure",)),
    (S.GIVEN_UP, "1xx"): (S.GIVEN_UP, ("tell_provisional",)),
    (S.GIVEN_UP, "2xx"): (S.ACCEPTED, ("tell_crossing",)),
    (S.GIVEN_UP, "failure"): (S.OVER, ("tell_failure",)),
    (S.ACCEPTED, "2xx"): (S.ACCEPTED, ("take_again",)),
    (S.ACCEPTED, "acknowledge"): (S.ACKNOWLEDGED, ("send_ack",)),
    (S.ACKNOWLEDGED, "2xx"): (S.ACKNOWLEDGED, ("take_again",)),
}


class Inviter(Protocol):
    """The owner of an invitation: a call, or a re-INVITE within one."""

    def write(self) -> Request:
        """Make the INVITE for the first try and for each further one, without Via and
        Authorization. An INVITE that was stored keeps its Via."""

    def hop(self) -> Hop:
        """Where to send the INVITE."""

    def dialog_of(self, invite: Request, response: Response) -> Dialog:
        """The dialog that a 2xx to the INVITE makes, or in which the INVITE was sent."""

    def on_provisional(self, response: Response, now: Instant) -> None: ...

    def on_success(
        self, response: Response, dialog: Dialog, now: Instant, *, crossed: bool
    ) -> None:
        """The first 2xx came: `Invitation.acknowledge` is now due. `crossed`: we had given the
        invitation up before it came."""

    def on_failure(self, response: Response | None, now: Instant) -> None:
        """The invitation failed. No response: none came in time."""

    def on_fork(self, dialog: Dialog, now: Instant) -> None:
        """Another phone answered after the first; its ACK has been sent."""


class Invitation(Machine[InviteState]):
    """One INVITE, with all its tries."""

    table = INVITATION

    def __init__(self, usage: InviteUsage, inviter: Inviter) -> None:
        self.state = InviteState.PREPARED
        self._usage = usage
        self._inviter = inviter
        self._layers = usage.layers
        self._within = usage.dialog is not None
        """The INVITE changes a call that exists already."""
        self._challenges = Challenges(usage.credentials, usage.layers.token)
        self._interval_raised = False
        self._clashes = 0
        self._waiting: SipTimer | None = None
        self._branch = usage.layers.transactions.new_branch()
        self._transaction: InviteClientTransaction | None = None
        self._response: Response | None = None
        self._dialog: Dialog | None = None
        self._answer = b""
        self._acks: dict[str, tuple[bytes, Hop] | None] = {}
        """Our ACKs by the tag of the phone that answered; None while the ACK is still due."""
        self._prepare()

    @property
    def under_way(self) -> bool:
        """Whether a final response is still awaited, and we have not given up."""
        return self.state in (InviteState.CALLING, InviteState.PROCEEDING)

    @property
    def challenged_twice(self) -> bool:
        """Our answer to a challenge was challenged again."""
        return self._challenges.refused

    # Wishes of the user

    def send(self, now: Instant) -> None:
        self.feed("send", now)

    def cancel(self, now: Instant) -> None:
        """Give up with CANCEL; a 2xx may cross it."""
        self.feed("cancel", now)

    def abandon(self, now: Instant) -> None:
        """Give up without CANCEL, since the call ends anyway."""
        self.feed("abandon", now)

    def resume(self, now: Instant) -> None:
        """CANCEL an INVITE that was sent before a restart."""
        self.feed("resume", now)

    def acknowledge(self, answer: bytes, now: Instant) -> None:
        """Send the ACK, if it is due, with `answer` as its body if the 2xx made the offer."""
        self._answer = answer
        self.feed("acknowledge", now)

    # What arrives

    def _on_response(self, response: Response | None, now: Instant) -> None:
        self._response = response
        self.feed(self._kind(response), now)

    def _kind(self, response: Response | None) -> str:
        if response is None:
            return "failure"
        if response.status < 300:
            return "1xx" if response.status < 200 else "2xx"
        if not self.under_way:
            return "failure"
        if self._challenges.met(response) or self._raises_interval(response):
            return "try again"
        clash = response.status == 491 and self._within and self._clashes < MOST_CLASHES
        return "clash" if clash else "failure"

    def _raises_interval(self, response: Response) -> bool:
        """After 422: try once more with the interval that the far end wants (RFC 4028 section
        7.3)."""
        if response.status != 422 or self._interval_raised:
            return False
        self._interval_raised = True
        return self._usage.session_timer.raise_to(response)

    # Actions

    def prepare(self, now: Instant) -> None:
        """Make another try."""
        self._branch += NEXT_TRY
        self._prepare()

    def _prepare(self) -> None:
        self.request, self._hop = self._inviter.write(), self._inviter.hop()
        if self.request.headers.get("via") is None:
            authorization = self._challenges.authorization(self.request)
            if authorization is not None:
                self.request.headers.add(*authorization)
            self._layers.transport.stamp(self.request, self._hop, self._branch)

    def transmit(self, now: Instant) -> None:
        transaction = self._open_transaction()
        transaction.start(now)
        if self._within:
            # A provisional response, perhaps a proxy's, does not show that the far end is there.
            transaction.expect_final(now)

    def take_up(self, now: Instant) -> None:
        self._open_transaction().resume()

    def _open_transaction(self) -> InviteClientTransaction:
        transactions = self._layers.transactions
        self._transaction = transactions.invite(self.request, self._hop, self._on_response)
        return self._transaction

    def send_cancel(self, now: Instant) -> None:
        assert self._transaction is not None
        self._layers.transactions.cancel(self.request, self._hop, now)
        self._transaction.expect_final(now)

    def wait(self, now: Instant) -> None:
        """Wait for a while whose length differs between the two ends (section 14.1)."""
        self._clashes += 1
        owned = self._usage.owns_call_id
        units = self._layers.chance.randint(0, 190 if owned else 200)
        pause = units / 100 + (2.1 if owned else 0)
        self._waiting = self._layers.timers.set(now + pause, lambda due: self.feed("waited", due))

    def stop_waiting(self, now: Instant) -> None:
        assert self._waiting is not None
        self._waiting.stop()

    def tell_provisional(self, now: Instant) -> None:
        assert self._response is not None
        self._inviter.on_provisional(self._response, now)

    def tell_success(self, now: Instant) -> None:
        self._succeed(now, crossed=False)

    def tell_crossing(self, now: Instant) -> None:
        self._succeed(now, crossed=True)

    def _succeed(self, now: Instant, *, crossed: bool) -> None:
        assert self._response is not None
        self._acks[self._answerer(self._response)] = None
        self._dialog = self._inviter.dialog_of(self.request, self._response)
        self._inviter.on_success(self._response, self._dialog, now, crossed=crossed)

    def tell_failure(self, now: Instant) -> None:
        self._inviter.on_failure(self._response, now)

    def send_ack(self, now: Instant) -> None:
        assert self._dialog is not None
        (answerer,) = (tag for tag, ack in self._acks.items() if ack is None)
        self._acknowledge(self._dialog, answerer, self._answer)

    def take_again(self, now: Instant) -> None:
        """The 2xx came again, or another phone's 2xx came (section 13.2.2.4)."""
        assert self._response is not None
        answerer = self._answerer(self._response)
        if answerer not in self._acks:
            if len(self._acks) < MOST_FORKS:
                dialog = self._inviter.dialog_of(self.request, self._response)
                self._acknowledge(dialog, answerer, b"")
                self._inviter.on_fork(dialog, now)
            return
        ack = self._acks[answerer]
        if ack is not None:
            self._layers.transport.send(*ack)

    def _answerer(self, response: Response) -> str:
        """The tag of the phone that answered; within a dialog only one can answer."""
        return "" if self._within else response.to.tag or ""

    def _acknowledge(self, dialog: Dialog, answerer: str, answer: bytes) -> None:
        ack = dialog.request("ACK", self.request.cseq.number)
        for name, value in self.request.headers.items():
            if name in ("authorization", "proxy-authorization"):
                ack.headers.add(name, value)
        if answer:
            ack.headers.add("content-type", "application/sdp")
            ack.body = answer
        hop = dialog.destination()
        self._layers.transport.stamp(ack, hop, self._layers.transactions.new_branch())
        self._acks[answerer] = ack.encode(), hop
        self._layers.transport.send(ack.encode(), hop)
