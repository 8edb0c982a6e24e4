"""Our requests outside calls: OPTIONS, REGISTER (RFC 3261 sections 10 and 11)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ringback.clock import Instant
from ringback.sip.authentication import Credentials, exchange
from ringback.sip.headers import Headers
from ringback.sip.hop import Hop
from ringback.sip.layers import Layers
from ringback.sip.message import Request, Response
from ringback.sip.screening import ALLOWED


class Correspondence:
    """Our requests to one server: all under one Call-ID, with rising CSeq (section 10.2.4)."""

    def __init__(
        self,
        layers: Layers,
        uri: str,
        peer: Hop,
        *,
        sender: str,
        user: str | None = None,
        credentials: Credentials | None = None,
    ) -> None:
        """`uri` is the server, `sender` our address there, `user` the user part of our Contact."""
        self.layers = layers
        self.peer = peer
        """Where requests are sent. It may be changed when the server's name gets another
        address."""
        self.sender = sender
        self._uri = uri
        self.user = user or ""
        """The user part of our Contact."""
        self._credentials = credentials
        self._call_id = layers.token()
        self._cseq = 0

    def options(self, then: Callable[[Response | None, Instant], None], now: Instant) -> None:
        """Ask the server whether it is there and what it can do; `then` gets its answer, or None if
        none came."""
        self.ask("OPTIONS", self._uri, then, now, [("accept", "application/sdp")])

    def bindings(self, then: Callable[[Response | None, Instant], None], now: Instant) -> None:
        """Ask the server what is registered, which changes nothing (section 10.2.3); `then` as for
        `options`."""
        self.ask("REGISTER", self.sender, then, now, contact=False)

    def ask(
        self,
        method: str,
        to: str,
        then: Callable[[Response | None, Instant], None],
        now: Instant,
        headers: Sequence[tuple[str, str]] = (),
        *,
        contact: bool = True,
    ) -> None:
        """Send a request, and again if it is challenged; `then` gets the final response, or None if
        none came."""
        tag = self.layers.token()

        def build() -> Request:
            self._cseq += 1
            fields = Headers()
            fields.add("max-forwards", 70)
            fields.add("from", f"<{self.sender}>;tag={tag}")
            fields.add("to", f"<{to}>")
            fields.add("call-id", self._call_id)
            fields.add("cseq", f"{self._cseq} {method}")
            if contact:
                fields.add("contact", self.layers.transport.contact(self.user or None))
            fields.add("allow", ", ".join(ALLOWED))
            for name, value in headers:
                fields.add(name, value)
            return Request(method, self._uri, fields)

        exchange(self.layers, build, lambda: self.peer, self._credentials, then, now)
