"""Dialogs: the state that the two ends of a call share (RFC 3261 section 12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeGuard

from ringback.sip.errors import SipError
from ringback.sip.headers import Headers
from ringback.sip.hop import Hop
from ringback.sip.message import Request, Response
from ringback.sip.uri import NameAddr, SipUri, sip_uri, unbracketed

_HIGHEST_CSEQ = 2**30
"""Stands for the number of our last request where it is not known: none may be lower."""

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
            response.to if response.to.text else request.to,
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
            str(_target(contact or request.from_, peer)),
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
        first = _readable(routes[0]) if routes else None
        if first is not None and "lr" not in first.uri.params:
            # A strict router expects itself in the Request-URI, and the target as the last route.
            uri = str(first.uri)
            routes = [*routes[1:], f"<{self.target}>"]
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
        next_hop = _readable(self.routes[0] if self.routes else f"<{self.target}>")
        if next_hop is None or not self.peer.reaches(next_hop.uri.host):
            return self.peer
        uri = next_hop.uri
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
        """What was stored. What names the dialog must be there; without the rest a BYE can be made
        all the same, and the far end may take it. Raises ValueError, LookupError or TypeError."""
        names = [document[name] for name in ("call_id", "local", "remote")]
        if not all(map(_is_line, names)):
            raise ValueError("no text for a header")
        call_id, local, remote = names
        target, routes = document.get("target"), document.get("routes")
        addressed = _readable(f"<{target}>") if isinstance(target, str) else None
        try:
            peer = Hop.from_json(document["peer"])
        except (ValueError, LookupError, TypeError):
            if addressed is None:
                raise
            peer = Hop("udp", unbracketed(addressed.uri.host), addressed.uri.port or 5060)
        cseq = document.get("cseq")
        return cls(
            call_id,
            NameAddr.read(local),
            NameAddr.read(remote),
            str(addressed.uri if addressed is not None else _uri_of(peer)),
            [each for each in routes if _is_line(each)] if isinstance(routes, list) else [],
            peer,
            cseq if isinstance(cseq, int) and 0 <= cseq < _HIGHEST_CSEQ else _HIGHEST_CSEQ,
        )


def _readable(text: str) -> NameAddr | None:
    try:
        return NameAddr.parse(text)
    except SipError:
        return None


def _target(address: NameAddr, peer: Hop) -> SipUri:
    """Where requests are addressed to: an address that can be read, else whoever sent it."""
    return address.uri if address.uri.is_telephone else _uri_of(peer)


def _uri_of(peer: Hop) -> SipUri:
    return SipUri.parse(sip_uri(None, peer.host, peer.port))


def _is_line(stored: object) -> TypeGuard[str]:
    """Whether it is a text that can stand in a header."""
    return isinstance(stored, str) and bool(stored) and "\r\n" not in stored
