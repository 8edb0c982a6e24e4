"""Keeping a registration up (RFC 3261 section 10.2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from urllib.parse import unquote

from ringback.clock import Instant
from ringback.sip.correspondence import Correspondence
from ringback.sip.message import Response
from ringback.sip.timers import SipTimer
from ringback.sip.uri import NameAddr, unbracketed

RETRY = 30.0
"""Seconds from a failure to the next try, unless Retry-After asks for more."""
LONGEST_RETRY = 3600.0
SHORTEST, LONGEST = 30, 86_400
"""Seconds. If a registrar grants less or more than this, we reckon with the bound."""
_PASSING = (408, *range(500, 600))
"""Failures of the server itself: they do not mean that our registration has been refused."""


class Registration:
    """Registers, refreshes after half of the time granted, and tries again after a failure. A
    failure of the server itself does not end a registration that was granted before."""

    def __init__(
        self,
        server: Correspondence,
        on_change: Callable[[bool, Response | None], None],
        *,
        seconds: int = 300,
    ) -> None:
        """`on_change` is called after each try with whether we are registered, and with the answer
        (None: there was none). `seconds` is the time that we ask for."""
        self._server = server
        self._on_change = on_change
        self._seconds = seconds
        self._next: SipTimer | None = None
        self._raised = False
        self._until = -math.inf
        """When the last time granted runs out."""
        self._stopped = True

    def start(self, now: Instant) -> None:
        self._stopped = False
        self._register(now)

    def stop(self, now: Instant) -> None:
        """Take the registration back; `on_change` is not called any more."""
        if not self._stopped:
            self.leave()
            self._ask(0, lambda response, at: None, now)

    def leave(self) -> None:
        """Stop keeping the registration up, and leave what was granted to a successor, who
        registers anew; `on_change` is not called any more."""
        self._stopped = True
        if self._next is not None:
            self._next.stop()

    def _register(self, now: Instant) -> None:
        self._ask(self._seconds, self._answered, now)

    def _ask(
        self, seconds: int, then: Callable[[Response | None, Instant], None], now: Instant
    ) -> None:
        headers = [("expires", str(seconds))]
        self._server.ask("REGISTER", self._server.sender, then, now, headers)

    def _answered(self, response: Response | None, now: Instant) -> None:
        if self._stopped:
            return
        if response is not None and response.status == 423 and self._raise(response):
            self._register(now)
            return
        if response is not None and response.status < 300:
            self._raised = False
            granted = self._granted(response)
            self._until = now + granted
            pause = granted / 2
        else:
            pause = min(max(RETRY, float(_number(response, "retry-after") or 0)), LONGEST_RETRY)
            if response is not None and response.status not in _PASSING:
                self._until = now  # refused: the time granted before is void
        self._next = self._server.layers.timers.set(now + pause, self._register)
        self._on_change(now < self._until, response)

    def _raise(self, response: Response) -> bool:
        """After 423: try once more with the Min-Expires that the registrar wants (section
        10.2.8)."""
        least = _number(response, "min-expires")
        if least is None or not self._seconds < least <= LONGEST or self._raised:
            return False
        self._seconds = least
        self._raised = True
        return True

    def _granted(self, response: Response) -> int:
        """The seconds granted: of our own binding if it says, otherwise of the answer, otherwise
        what we asked for."""
        told = (self._of_binding(response), _number(response, "expires"), self._seconds)
        granted = next(seconds for seconds in told if seconds is not None)
        return min(max(granted, SHORTEST), LONGEST)

    def _of_binding(self, response: Response) -> int | None:
        """The answer names every binding of the account (section 10.3), other phones' too. Ours
        has our user; where several have it, our address, unless a registrar has put another in
        place of it that lies before a NAT. Of what is still in question the shortest counts."""
        bindings = response.headers.readable("contact", NameAddr.parse)
        own = [each for each in bindings if unquote(each.uri.user or "") == self._server.user]
        here = [each for each in own if self._is_here(each)]
        seconds = (_seconds(each.params.get("expires")) for each in here or own)
        return min((each for each in seconds if each is not None), default=None)

    def _is_here(self, binding: NameAddr) -> bool:
        uri, public = binding.uri, self._server.layers.transport.public
        return (unbracketed(uri.host), uri.port or 5060) == (public.host, public.port)


def _number(response: Response | None, header: str) -> int | None:
    return None if response is None else _seconds(response.headers.get(header))


def _seconds(text: str | None) -> int | None:
    """The number at the beginning of the text: in Retry-After a comment may follow it."""
    digits = (text or "").strip().partition(";")[0].partition("(")[0].strip()
    valid = digits.isascii() and digits.isdigit() and len(digits) <= 9
    return int(digits) if valid else None
