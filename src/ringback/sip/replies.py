"""Replies to requests for which nothing is kept (RFC 3261 sections 8.2 and 11.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from ringback.sip.hop import Hop
from ringback.sip.layers import Layers
from ringback.sip.message import Broken, Request, Response, respond
from ringback.sip.screening import Refusal, add_abilities
from ringback.sip.transport import response_hop, seen_from


class Replies:
    """Stateless replies (section 8.2.7): whoever sends many requests fills nothing here. The same
    request gets the same reply each time, so that it need not be remembered."""

    def __init__(self, layers: Layers, on_refused: Callable[[Hop, int, str], None]) -> None:
        """`on_refused` is called for each call that is refused because its INVITE is malformed or
        asks for what we cannot do; it gets the source, the status, and the reason as printable
        text."""
        self._layers = layers
        self._on_refused = on_refused
        self._secret = layers.chance.getrandbits(128).to_bytes(16, "big")

    def refuse(
        self, request: Request, refusal: Refusal, source: Hop, *, tag: str | None = None
    ) -> None:
        """Send a final response; `tag` is its To tag where that says more than any other."""
        self._send(request, self._response(request, refusal, tag), source)

    def tell_abilities(self, request: Request, source: Hop) -> None:
        """Answer OPTIONS."""
        response = self._response(request, Refusal(200))
        add_abilities(response)
        self._send(request, response, source)

    def refuse_broken(self, broken: Broken, source: Hop) -> None:
        """Refuse a request that could not be read. An ACK has no response."""
        if broken.method == "INVITE":
            self._on_refused(source, broken.status, f"{broken.status}, {broken.reason}")
        if broken.method != "ACK":
            via = seen_from(broken.via, source)
            response = broken.response(via, self._tag(str(via)))
            self._layers.transport.send(response.encode(), response_hop(via, source))

    def report(self, request: Request, refusal: Refusal, source: Hop) -> None:
        """Report a call that is refused; other requests are refused every day."""
        if request.method == "INVITE" and request.to.tag is None:
            response = self._response(request, refusal)
            more = "".join(f", {name} {value[:60]!r}" for name, value in refusal.headers)
            why = f"{response.status} {response.reason}{more}"
            self._on_refused(source, response.status, why)

    def _send(self, request: Request, response: Response, source: Hop) -> None:
        self._layers.transport.send(response.encode(), response_hop(request.via, source))

    def _response(self, request: Request, refusal: Refusal, tag: str | None = None) -> Response:
        tag = tag or self._tag(request.call_id, request.from_.tag or "", str(request.via.branch))
        response = respond(request, refusal.status, refusal.reason, to_tag=tag)
        for name, value in refusal.headers:
            response.headers.add(name, value)
        return response

    def _tag(self, *what: str) -> str:
        data = "\0".join(what).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(data, key=self._secret, digest_size=8).hexdigest()
