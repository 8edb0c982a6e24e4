"""Dialogs: the state that the two ends of a call share (RFC 3261 section 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ringback.sip.errors import SipError
from ringback.sip.hop import Hop
from ringback.sip.message import Headers, Request, Response
from ringback.sip.uri import NameAddr, unbracketed

DialogKey = tuple[str, str, str]
"""Call-ID, our tag, their tag."""


@dataclass(slots=True)
class Dialog:
    """One dialog, seen from our end."""

    call_id: str
    local: NameAddr
    remote: NameAddr
    target: str
    """Their Contact: the URI that requests are addressed to."""
    routes: list[str]
    """Route headers' values, as they were received."""
    peer: Hop
    """Where their last message came from. Used when the target names a host and no address."""
    local_cseq: int = 0
    remote_cseq: int | None = None

    @property
    def key(self) -> DialogKey:
        return self.call_id, self.local.tag or "", self.remote.tag or ""

    @classmethod
    def of_response(cls, request: Request, response: Response, peer: Hop) -> Dialog:
        """The dialog that a response to our INVITE makes (section 12.1.2)."""
        contact = response.contact
        return cls(
            request.call_id,
            request.from_,
            response.to,
            str(contact.uri) if contact is not None else request.uri,
            response.headers.all("record-route")[::-1],
            peer,
            request.cseq.number,
        )

    @classmethod
    def of_request(cls, request: Request, tag: str, peer: Hop) -> Dialog:
        """The dialog that our response to their INVITE makes (section 12.1.1)."""
        contact = request.contact
        return cls(
            request.call_id,
            request.to.with_tag(tag),
            request.from_,
            str(contact.uri) if contact is not None else str(request.from_.uri),
            request.headers.all("record-route"),
            peer,
            0,
            request.cseq.number,
        )

    def request(self, method: str, cseq: int | None = None) -> Request:
        """A request within the dialog (section 12.2.1.1). The user agent adds its Via and
        Contact."""
        if cseq is None:
            self.local_cseq += 1
            cseq = self.local_cseq
        headers = Headers()
        uri, routes = self.target, list(self.routes)
        if routes and "lr" not in NameAddr.parse(routes[0]).uri.params:
            # A strict router expects itself in the Request-URI, and the target as the last route.
            uri = str(NameAddr.parse(routes.pop(0)).uri)
            routes.append(f"<{self.target}>")
        for route in routes:
            headers.add("route", route)
        headers.add("max-forwards", 70)
        headers.add("from", self.local)
        headers.add("to", self.remote)
        headers.add("call-id", self.call_id)
        headers.add("cseq", f"{cseq} {method}")
        return Request(method, uri, headers)

    def destination(self) -> Hop:
        """Where the next request is sent: to the address of the first route, or of the target if
        there is no route. If that is a name, is unusable, or is the private address of somebody
        behind a NAT, then to where their last message came from."""
        next_hop = self.routes[0] if self.routes else f"<{self.target}>"
        try:
            uri = NameAddr.parse(next_hop).uri
        except SipError:
            return self.peer
        if not self.peer.reaches(uri.host):
            return self.peer
        return Hop(self.peer.transport, unbracketed(uri.host), uri.port or 5060)

    def in_order(self, request: Request) -> bool:
        """Note a request's CSeq; False if it is lower than an earlier one (section 12.2.2)."""
        number = request.cseq.number
        if self.remote_cseq is not None and number < self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def refresh_target(self, message: Request | Response) -> None:
        """Take over their Contact, which a re-INVITE or its 2xx may change (section 12.2). The
        route set stays."""
        contact = message.contact
        if contact is not None:
            self.target = str(contact.uri)

    def to_json(self) -> dict[str, Any]:
        return {
            "call_id": self.call_id,
            "local": str(self.local),
            "remote": str(self.remote),
            "target": self.target,
            "routes": self.routes,
            "peer": self.peer.to_json(),
            "cseq": self.local_cseq,
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Dialog:
        return cls(
            document["call_id"],
            NameAddr.parse(document["local"]),
            NameAddr.parse(document["remote"]),
            document["target"],
            document["routes"],
            Hop.from_json(document["peer"]),
            document["cseq"],
        )
