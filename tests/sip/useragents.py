"""User agents in memory, on virtual time: one beside a peer that the test plays, or several on a
network that loses, doubles and reorders."""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from tests.sip.oddities import made_odd_by_chance

from ringback.clock import Instant
from ringback.sip.calls import Call, Credentials, IncomingCall, OutgoingCall
from ringback.sip.events import CallEvent
from ringback.sip.headers import Headers
from ringback.sip.hop import Hop
from ringback.sip.message import Request, Response, SipMessage, parse, respond
from ringback.sip.uri import NameAddr
from ringback.sip.useragent import UserAgent

US = Hop("udp", "192.0.2.1", 5060)
PEER = Hop("udp", "192.0.2.2", 5070)
OFFER = b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\n"
ANSWER = b"v=0\r\no=- 2 1 IN IP4 192.0.2.1\r\n"
E = TypeVar("E", bound=CallEvent)


def kind(message: SipMessage) -> str:
    """`INVITE`, or `200 INVITE`."""
    if isinstance(message, Request):
        return message.method
    assert isinstance(message, Response)
    return f"{message.status} {message.cseq.method}"


def kinds(messages: Sequence[SipMessage]) -> list[str]:
    return [kind(message) for message in messages]


def request(
    method: str = "INVITE",
    *,
    uri: str = "sip:100@192.0.2.1",
    branch: str = "z9hG4bKinvite",
    via: str | None = None,
    to_tag: str | None = None,
    from_tag: str = "theirs",
    call_id: str = "call-1",
    cseq: int = 1,
    contact: str | None = "<sip:peer@192.0.2.2:5070>",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Request:
    """A request as the peer sends it."""
    fields = Headers()
    fields.add("via", via or f"SIP/2.0/UDP 192.0.2.2:5070;branch={branch}")
    fields.add("max-forwards", 70)
    fields.add("from", f"<sip:peer@192.0.2.2>;tag={from_tag}")
    fields.add("to", "<sip:100@192.0.2.1>" + (f";tag={to_tag}" if to_tag else ""))
    fields.add("call-id", call_id)
    fields.add("cseq", f"{cseq} {method}")
    if contact is not None:
        fields.add("contact", contact)
    for name, value in headers:
        fields.add(name, value)
    if body and fields.get("content-type") is None:
        fields.add("content-type", "application/sdp")
    return Request(method, uri, fields, body)


def reply(
    to: Request | Response,
    status: int,
    *,
    tag: str = "theirs",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
    contact: str | None = "<sip:peer@192.0.2.2:5070>",
) -> Response:
    """A response as the peer sends it."""
    assert isinstance(to, Request)
    response = respond(to, status, to_tag=tag)
    if contact is not None and to.method == "INVITE" and status < 300:
        response.headers.add("contact", contact)
    for name, value in headers:
        response.headers.add(name, value)
    if body:
        response.headers.add("content-type", "application/sdp")
        response.body = body
    return response


def idle(agent: UserAgent) -> bool:
    """Nothing is kept: no transaction, no dialog, no timer."""
    kept = agent.layers.transactions
    live = kept._clients or kept._servers or kept._begun or agent._dialogs
    return not live and len(agent.layers.timers) == 0


class Alone:
    """One user agent, and a peer that the test plays."""

    def __init__(
        self,
        *,
        seed: int = 1,
        known: Callable[[Hop], bool] = lambda source: True,
        agent: UserAgent | None = None,
    ) -> None:
        self.agent = agent or UserAgent(US, random.Random(seed), known=known)
        self.now: Instant = 0.0
        self.peers: list[Hop] = []
        """Where the messages last returned went."""

    def out(self) -> list[Request | Response]:
        """What it has to send."""
        sent = self.agent.datagrams()
        self.peers = [peer for _, peer in sent]
        return [parse(data) for data, _ in sent]

    def give(self, message: SipMessage | bytes, source: Hop = PEER) -> list[Request | Response]:
        """Let it receive something; what it sends at once."""
        data = message if isinstance(message, bytes) else message.encode()
        self.agent.receive(data, source, self.now)
        return self.out()

    def run(self, until: Instant) -> list[tuple[Instant, Request | Response]]:
        """Let time pass; what is sent, and when."""
        sent: list[tuple[Instant, Request | Response]] = []
        while (due := self.agent.next_timer()) is not None and due <= until:
            self.now = due
            self.agent.run_timers(due)
            sent += [(due, message) for message in self.out()]
        self.now = until
        return sent

    def sent(self) -> Request:
        """The one message that it has to send, a request."""
        (message,) = self.out()
        assert isinstance(message, Request)
        return message

    def next_sent(self) -> Request | Response:
        """Let time pass until something is sent."""
        while not (sent := self.out()):
            due = self.agent.next_timer()
            assert due is not None, "nothing will be sent any more"
            self.now = due
            self.agent.run_timers(due)
        (message,) = sent
        return message

    def times(self, until: Instant) -> list[tuple[Instant, str]]:
        return [(at, kind(message)) for at, message in self.run(until)]

    def events(self) -> list[CallEvent]:
        told = []
        while (pair := self.agent.next_event()) is not None:
            told.append(pair[1])
        return told

    def only(self, which: type[E]) -> E:
        """The one event that there is, which is of this class."""
        events = self.events()
        assert len(events) == 1, events
        assert isinstance(events[0], which), events
        return events[0]

    def idle(self) -> bool:
        return idle(self.agent)

    # Calls

    def call(
        self,
        *,
        sdp: bytes = OFFER,
        credentials: Credentials | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        acknowledges_later: bool = False,
    ) -> OutgoingCall:
        return OutgoingCall(
            self.agent,
            "sip:200@192.0.2.2:5070",
            PEER,
            sender=NameAddr.parse('"Us" <sip:us@192.0.2.1>'),
            sdp=sdp,
            headers=headers,
            credentials=credentials,
            acknowledges_later=acknowledges_later,
        )

    def dial(
        self, *, sdp: bytes = OFFER, credentials: Credentials | None = None
    ) -> tuple[OutgoingCall, Request]:
        """A call of ours and its INVITE."""
        call = self.call(sdp=sdp, credentials=credentials)
        call.send(self.now)
        (invite,) = self.out()
        assert isinstance(invite, Request)
        return call, invite

    def answered(
        self,
        *,
        credentials: Credentials | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        contact: str = "<sip:peer@192.0.2.2:5070>",
    ) -> tuple[OutgoingCall, Request]:
        """A call of ours that has been answered."""
        call, invite = self.dial(credentials=credentials)
        out = self.give(reply(invite, 200, body=ANSWER, headers=headers, contact=contact))
        assert [kind(message) for message in out] == ["ACK"]
        self.events()
        return call, invite

    def incoming(self, invite: Request | None = None) -> IncomingCall:
        """A call of theirs that has just come."""
        assert self.give(invite or request(body=OFFER)) == []
        call = self.agent.next_call()
        assert call is not None
        return call

    def taken(self, invite: Request | None = None) -> tuple[IncomingCall, Response]:
        """A call of theirs that we have answered, and that they have acknowledged."""
        call = self.incoming(invite)
        call.accept(ANSWER, self.now)
        (response,) = self.out()
        assert isinstance(response, Response)
        assert self.give(within("ACK", response, branch="z9hG4bKack")) == []
        self.events()
        return call, response


def within(
    method: str,
    response: Response,
    *,
    cseq: int = 1,
    branch: str = "z9hG4bKwithin",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Request:
    """A request of the caller's within the dialog that our response made."""
    return request(
        method,
        uri="sip:192.0.2.1",
        branch=branch,
        to_tag=response.to.tag,
        call_id=response.call_id,
        from_tag=response.from_.tag or "",
        cseq=cseq,
        headers=headers,
        body=body,
    )


def from_callee(
    method: str,
    invite: Request,
    *,
    cseq: int = 1,
    tag: str = "theirs",
    branch: str = "z9hG4bKcallee",
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
) -> Request:
    """A request of the far end's within a dialog that our INVITE made."""
    made = request(
        method,
        uri="sip:192.0.2.1",
        branch=branch,
        call_id=invite.call_id,
        cseq=cseq,
        headers=headers,
        body=body,
    )
    made.headers.set("from", f"<sip:200@192.0.2.2:5070>;tag={tag}")
    made.headers.set("to", str(invite.from_))
    return made


class Side:
    """A user agent on a network."""

    def __init__(self, network: Network, address: Hop, seed: int) -> None:
        self.network = network
        self.address = address
        self.agent = UserAgent(address, random.Random(seed))
        self.calls: list[IncomingCall] = []
        self.events: list[tuple[Instant, Call, CallEvent]] = []
        self.on_call: Callable[[IncomingCall], None] = lambda call: None
        self.on_event: Callable[[Call, CallEvent], None] = lambda call, event: None

    def told(self, call: Call) -> list[str]:
        return [type(event).__name__ for _, of, event in self.events if of is call]

    def hand_on(self) -> None:
        while (call := self.agent.next_call()) is not None:
            self.calls.append(call)
            self.on_call(call)
        while (told := self.agent.next_event()) is not None:
            self.events.append((self.network.now, *told))
            self.on_event(*told)


class Network:
    """Carries datagrams between sides, badly if asked to."""

    def __init__(
        self,
        *,
        seed: int = 1,
        loss: float = 0.0,
        doubled: float = 0.0,
        jitter: float = 0.0,
        latency: float = 0.01,
        odd: float = 0.0,
    ) -> None:
        """`odd`: how many of the messages have something in them that nobody needs."""
        self.now: Instant = 0.0
        self._chance = random.Random(seed)
        self._loss, self._doubled, self._jitter, self._latency = loss, doubled, jitter, latency
        self._odd = odd
        self._sides: dict[Hop, Side] = {}
        self._under_way: list[tuple[Instant, int, bytes, Hop, Hop]] = []
        self._numbers = itertools.count()
        self.carried: list[tuple[Instant, Hop, str]] = []
        """When, from whom and what, lost ones too."""

    def side(self, address: Hop, seed: int) -> Side:
        self._sides[address] = Side(self, address, seed)
        return self._sides[address]

    def _collect(self) -> None:
        for side in self._sides.values():
            side.hand_on()
            for data, peer in side.agent.datagrams():
                self.carried.append((self.now, side.address, kind(parse(data))))
                if self._chance.random() < self._odd:
                    data = made_odd_by_chance(data, self._chance)
                copies = 2 if self._chance.random() < self._doubled else 1
                for _ in range(copies):
                    if self._chance.random() >= self._loss:
                        at = self.now + self._latency + self._chance.random() * self._jitter
                        entry = at, next(self._numbers), data, side.address, peer
                        heapq.heappush(self._under_way, entry)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        self._collect()
        while (due := self._next()) is not None and due <= end:
            self.now = due
            while self._under_way and self._under_way[0][0] <= due:
                _, _, data, source, peer = heapq.heappop(self._under_way)
                self._sides[peer].agent.receive(data, source, due)
            for side in self._sides.values():
                side.agent.run_timers(due)
            self._collect()
        self.now = end

    def _next(self) -> Instant | None:
        times = [side.agent.next_timer() for side in self._sides.values()]
        times.append(self._under_way[0][0] if self._under_way else None)
        return min((time for time in times if time is not None), default=None)
