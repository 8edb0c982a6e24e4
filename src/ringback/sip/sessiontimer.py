"""Session timers (RFC 4028): a call that nobody refreshes ends."""

from __future__ import annotations

from collections.abc import Callable

from ringback.clock import Instant
from ringback.sip.errors import SipError
from ringback.sip.message import Request, Response, SipMessage
from ringback.sip.timers import SipTimer, Timers
from ringback.sip.uri import parse_params

INTERVAL = 1800
"""The interval that we ask for, in seconds."""
MIN_SE = 90
"""The shortest interval that we accept, in seconds; the RFC allows none shorter (section 5)."""


def _interval(message: SipMessage) -> tuple[int, str | None] | None:
    """The seconds and the refresher in Session-Expires; None if it is missing or malformed."""
    value = message.headers.get("session-expires")
    if value is None:
        return None
    seconds, _, params = value.partition(";")
    number = _seconds(seconds)
    if number is None:
        return None
    try:
        refresher = parse_params(params).get("refresher")
    except SipError:
        refresher = None
    # The values of parameters have no case (RFC 3261 section 7.3.1).
    return number, None if refresher is None else refresher.lower()


def _seconds(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def too_small(request: Request) -> bool:
    """Whether a request asks for an interval so short that 422 must refuse it."""
    interval = _interval(request)
    return interval is not None and interval[0] < MIN_SE


class SessionTimer:
    """The timer of one call: which end refreshes, and when the interval is over."""

    def __init__(
        self,
        timers: Timers,
        on_refresh: Callable[[Instant], None],
        on_expired: Callable[[Instant], None],
    ) -> None:
        self._timers = timers
        self._on_refresh = on_refresh
        self._on_expired = on_expired
        self._requested = INTERVAL
        self._min_se = MIN_SE
        self._ours: bool | None = None
        """Whether we refresh; None until that is agreed."""
        self._running: list[SipTimer] = []

    def ask(self, request: Request) -> None:
        """Put the interval that we want on an INVITE of ours. Once it is agreed which end
        refreshes, that stays (section 7.4)."""
        refresher = {None: "", True: ";refresher=uac", False: ";refresher=uas"}[self._ours]
        request.headers.add("session-expires", f"{self._requested}{refresher}")
        request.headers.add("min-se", self._min_se)

    def raise_to(self, response: Response) -> bool:
        """Take over the Min-SE of a 422; False if it gives no reason to ask again."""
        least = _seconds((response.headers.get("min-se") or "").partition(";")[0])
        if least is None or least <= self._requested:
            return False
        self._requested = self._min_se = least
        return True

    def agreed(self, response: Response, now: Instant) -> None:
        """A 2xx to an INVITE of ours has come. In it, we are the `uac` (section 7.2)."""
        interval = _interval(response)
        if interval is None:
            self.stop()
        else:
            self._start(interval[0], interval[1] != "uas", now)

    def answer(self, request: Request, response: Response, now: Instant) -> None:
        """Put on our 2xx what we agree to of their INVITE's request (section 9, table 2). A peer
        that does not know session timers cannot refresh: then a proxy asked, and we refresh."""
        interval = _interval(request)
        if interval is None or interval[0] < MIN_SE:
            self.stop()
            return
        seconds, asked = interval
        theirs = "timer" in request.headers.tokens("supported") and asked != "uas"
        response.headers.add("session-expires", f"{seconds};refresher={'uac' if theirs else 'uas'}")
        if theirs:
            response.headers.add("require", "timer")
        self._start(seconds, not theirs, now)

    def _start(self, seconds: int, ours: bool, now: Instant) -> None:
        self.stop()
        self._ours = ours
        seconds = max(seconds, MIN_SE)
        self._requested = max(seconds, self._min_se)
        # The end that refreshes does so after half of the interval. Either end ends the call
        # shortly before the interval is over (section 10).
        expires = now + seconds - min(32, seconds / 3)
        self._running = [self._timers.set(expires, self._on_expired)]
        if ours:
            self._running.append(self._timers.set(now + seconds / 2, self._on_refresh))

    def stop(self) -> None:
        for timer in self._running:
            timer.stop()
        self._running = []
        self._ours = None
