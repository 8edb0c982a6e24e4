"""The transport layer (RFC 3261 section 18, RFC 3581): what a message says of the way that it goes,
and of the way that it came."""

from __future__ import annotations

from ringback.sip.hop import Hop
from ringback.sip.message import Request, Response, parse
from ringback.sip.uri import Via, bracketed, sip_uri, unbracketed


class Transport:
    """A user agent's door to the network. An adapter at the edge carries the bytes."""

    def __init__(self, public: Hop) -> None:
        self.public = public
        """Our own address, as Via and Contact name it."""
        self._outbox: list[tuple[bytes, Hop]] = []

    def receive(self, datagram: bytes, source: Hop) -> Request | Response | None:
        """Read the message in a datagram; None for a keep-alive. The Via of a request then says
        where the request came from. Raises SipError, or Broken if the request can still be
        answered."""
        if not datagram.strip(b"\r\n\0 "):
            return None
        message = parse(datagram)
        if isinstance(message, Request) and message.method != "ACK":  # an ACK has no response
            _note_source(message, source)
        return message

    def send(self, data: bytes, hop: Hop) -> None:
        self._outbox.append((data, hop))

    def datagrams(self) -> list[tuple[bytes, Hop]]:
        """What is to be sent; each call hands it out once."""
        out, self._outbox = self._outbox, []
        return out

    def stamp(self, request: Request, hop: Hop, branch: str) -> None:
        """Put our Via on a request that goes to `hop` (RFC 3581: with rport)."""
        sent_by = f"{bracketed(self.public.host)}:{self.public.port}"
        via = f"SIP/2.0/{hop.transport.upper()} {sent_by};branch={branch};rport"
        request.headers.prepend("via", via)

    def contact(self, user: str | None = None) -> str:
        return f"<{sip_uri(user, self.public.host, self.public.port)}>"


def seen_from(via: Via, source: Hop) -> Via:
    """The topmost Via of a request, with the source of the request in it (section 18.2.1, RFC
    3581)."""
    if "rport" in via.params:
        return via.with_params({"rport": str(source.port), "received": source.host})
    if unbracketed(via.host) != source.host or "received" in via.params:
        return via.with_params({"received": source.host})
    return via


def _note_source(request: Request, source: Hop) -> None:
    via = request.via
    seen = seen_from(via, source)
    if seen == via:
        return
    vias = request.headers.all("via")
    request.headers.remove("via")
    for value in [*reversed(vias[1:]), str(seen)]:
        request.headers.prepend("via", value)


def response_hop(via: Via, source: Hop) -> Hop:
    """Where responses to a request with this topmost Via go (section 18.2.2, RFC 3581 section 4):
    always to the host that the request came from."""
    if "rport" in via.params or not 0 < (via.port or 5060) <= 65535:
        return source
    return Hop(source.transport, source.host, via.port or 5060)
