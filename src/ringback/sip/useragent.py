"""The user agent core: it finds the dialog or call that a message belongs to, and answers what
belongs to none (RFC 3261 sections 8 and 12).

No sockets and no clock: `receive` and `run_timers` take bytes and the time; `datagrams`,
`next_call` and `next_event` hand out what is to be sent and what happened; `next_timer` says when
to call again.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

from ringback.clock import Instant
from ringback.sip.call import Call
from ringback.sip.dialog import DialogKey
from ringback.sip.errors import SipError
from ringback.sip.events import CallEvent
from ringback.sip.hop import Hop
from ringback.sip.incoming import IncomingCall
from ringback.sip.layers import Layers
from ringback.sip.message import Broken, Request, Response
from ringback.sip.replies import Replies
from ringback.sip.screening import LONGEST_BODY, Refusal, refusal
from ringback.sip.tickets import LONGEST_FACTS, Tickets
from ringback.sip.transport import response_hop

MOST_UNPROVEN = 2_000
"""The most incoming calls at a time whose source may be forged, since the ACK to their rejection
has not come: further ones are rejected without state (spec section 5, "Floods")."""
MOST_BEGUN = 10_000
"""The same with those that were rejected and proven, which are remembered for 5 s more."""
MOST_WITHIN = 20_000
"""The most requests within dialogs that are remembered at a time."""
MOST_WITHIN_ONE = 200
"""The most of these within one dialog, so that no call takes the room of the others."""
BYES = 10
"""So many more BYEs are taken within one dialog, since what they end costs money."""
BUSY = Refusal(486)
LOOPED = Refusal(482)
OVERLOADED = Refusal(503, (("retry-after", "5"),))


class UserAgent:
    """One SIP user agent at one address."""

    def __init__(
        self,
        public: Hop,
        chance: random.Random,
        *,
        known: Callable[[Hop], bool] = lambda source: True,
        facts: Callable[[Request, Hop], bytes | None] = lambda request, source: None,
        on_unreadable: Callable[[Hop], None] = lambda source: None,
        on_refused: Callable[[Hop, int, str], None] = lambda source, status, why: None,
    ) -> None:
        """`public` is our own address, as Via and Contact name it. A datagram whose source is not
        `known` gets no answer and is not even parsed. `facts` are what is to be known of a call
        for which there is no room: it is rejected, and its ACK brings them back (`next_proven`);
        where they are None it gets 503. `on_unreadable` is called for datagrams that cannot be
        answered; `on_refused` for calls that are refused because the INVITE is malformed or asks
        for what we cannot do, with the status and the reason as printable text."""
        self.layers = Layers(public, chance)
        self._known = known
        self._facts = facts
        self._on_unreadable = on_unreadable
        self._transport = self.layers.transport
        self._transactions = self.layers.transactions
        self._replies = Replies(self.layers, on_refused)
        self._tickets = Tickets(chance)
        self._dialogs: dict[DialogKey, Call] = {}
        self._calls: deque[IncomingCall] = deque()
        self._proven: deque[bytes] = deque()
        self._events: deque[tuple[Call, CallEvent]] = deque()

    # In and out

    def receive(self, data: bytes, source: Hop, now: Instant) -> None:
        """Take one datagram. Nothing in it can make this raise."""
        if not self._known(source):
            return
        try:
            message = self._transport.receive(data, source)
        except Broken as broken:
            self._replies.refuse_broken(broken, source)
            return
        except SipError:
            self._on_unreadable(source)
            return
        if isinstance(message, Response):
            self._transactions.receive_response(message, now)
        elif message is not None and message.method == "ACK":
            self._receive_ack(message, source, now)
        elif message is not None:
            self._receive_request(message, source, now)

    def run_timers(self, now: Instant) -> None:
        """Do what is due."""
        self.layers.timers.run(now)

    def next_timer(self) -> Instant | None:
        return self.layers.timers.next()

    def datagrams(self) -> list[tuple[bytes, Hop]]:
        """What is to be sent; each call hands it out once."""
        return self._transport.datagrams()

    def next_call(self) -> IncomingCall | None:
        """A call that has come in, if there is one."""
        return self._calls.popleft() if self._calls else None

    def next_proven(self) -> bytes | None:
        """The facts of a call that was rejected for want of room, if its ACK has come."""
        return self._proven.popleft() if self._proven else None

    def next_event(self) -> tuple[Call, CallEvent] | None:
        return self._events.popleft() if self._events else None

    # For calls

    def tell(self, call: Call, event: CallEvent) -> None:
        """Something happened to a call."""
        self._events.append((call, event))

    def enter(self, key: DialogKey, call: Call) -> None:
        """From now on, requests within this dialog go to this call."""
        self._dialogs[key] = call

    def leave(self, key: DialogKey) -> None:
        self._dialogs.pop(key, None)

    # Requests

    def _receive_request(self, request: Request, source: Hop, now: Instant) -> None:
        if self._transactions.absorbs(request, now):
            return
        refused = refusal(request)
        if refused is not None:
            self._replies.report(request, refused, source)
            self._replies.refuse(request, refused, source)
        elif request.method == "CANCEL":
            self._receive_cancel(request, source, now)
        elif request.to.tag is not None:
            self._receive_within(request, source, now)
        elif request.method == "INVITE":
            self._receive_invite(request, source, now)
        elif request.method == "OPTIONS":
            self._replies.tell_abilities(request, source)
        else:
            self._replies.refuse(request, Refusal(481), source)

    def _receive_ack(self, request: Request, source: Hop, now: Instant) -> None:
        if self._transactions.absorbs_ack(request, now):
            return
        call = self._call_of(request)
        if call is not None:
            call.receive_ack(request, now)
            return
        facts = self._tickets.read(request, now)
        if (
            facts is not None
            and self._tickets.room(source.host, now)
            and self._tickets.take(request, source.host, now)
        ):
            self._proven.append(facts)

    def _receive_cancel(self, request: Request, source: Hop, now: Instant) -> None:
        """Answer the CANCEL itself, and end its INVITE if that is still open (section 9.2)."""
        invite = self._transactions.cancelled_by(request)
        self._replies.refuse(request, Refusal(200 if invite else 481), source)
        if invite is not None:
            invite.on_cancel(request, now)

    def _receive_invite(self, request: Request, source: Hop, now: Instant) -> None:
        if self._transactions.merged(request):
            self._replies.report(request, LOOPED, source)
            self._replies.refuse(request, LOOPED, source)
        elif self._transactions.unproven >= MOST_UNPROVEN or self._transactions.begun >= MOST_BEGUN:
            self._reject_for_want_of_room(request, source, now)
        else:
            if len(request.body) > LONGEST_BODY:
                request.body = b""  # it is not needed
            hop = response_hop(request.via, source)
            transaction = self._transactions.serve_invite(request, hop, begins_call=True)
            transaction.start(now)
            self._calls.append(IncomingCall(self, request, transaction, source))

    def _reject_for_want_of_room(self, request: Request, source: Hop, now: Instant) -> None:
        room = self._tickets.room(source.host, now)
        facts = self._facts(request, source) if room else None
        if facts is None or len(facts) > LONGEST_FACTS:
            self._replies.report(request, OVERLOADED, source)
            self._replies.refuse(request, OVERLOADED, source)
        else:
            ticket = self._tickets.write(facts, request, now)
            self._replies.refuse(request, BUSY, source, tag=ticket)

    def _receive_within(self, request: Request, source: Hop, now: Instant) -> None:
        call = self._call_of(request)
        if call is None or call.dialog is None:
            self._replies.refuse(request, Refusal(481), source)
            return
        if not self._has_room(request, call.dialog.key):
            self._replies.refuse(request, OVERLOADED, source)
            return
        # A BYE ends the call whatever its number: whoever sent it has ended it already.
        if not call.dialog.in_order(request) and request.method != "BYE":
            self._replies.refuse(request, Refusal(500), source)
            return
        hop = response_hop(request.via, source)
        if request.method == "INVITE":
            transaction = self._transactions.serve_invite(request, hop)
            transaction.start(now)
            call.receive_reinvite(request, transaction, now)
        else:
            call.receive_request(request, self._transactions.serve(request, hop), now)

    def _has_room(self, request: Request, dialog: DialogKey) -> bool:
        """Whether a further request within a dialog can be remembered."""
        within = self._transactions.serving_within(dialog)
        if request.method == "BYE":
            return within < MOST_WITHIN_ONE + BYES
        return within < MOST_WITHIN_ONE and self._transactions.within < MOST_WITHIN

    def _call_of(self, request: Request) -> Call | None:
        return self._dialogs.get((request.call_id, request.to.tag or "", request.from_.tag or ""))
