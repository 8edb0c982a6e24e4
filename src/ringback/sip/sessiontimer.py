"""Session timers (RFC 4028): a call that nobody refreshes ends."""

from __future__ import annotations

from collections.abc import Callable

from ringback.clock import Instant
from ringback.sip.errors import SipError
from ringback.sip.message import Request, Response, SipMessage
from ringback.sip.timers import SipTimer, Timers
from ringback.sip.uri import parse_params

INTERVAL = 1800
"""Seconds that we ask for."""
MIN_SE = 90
"""The least that we take, which is the least there is (section 5)."""


def _interval(message: SipMessage) -> tuple[int, str | None] | None:
    """Seconds and refresher of Session-Expires; None where it is missing or bad."""
    value = message.headers.get("session-expires")
    if value is None:
        return None
    seconds, _, params = value.partition(";")
    number = _seconds(seconds)
    try:
        return None if number is None else (number, parse_params(params).get("refresher"))
    except SipError:
        return None


def _seconds(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 9 else None


def too_small(request: Request) -> bool:
    """Whether a request asks for an interval that is to be refused with 422."""
    interval = _interval(request)
    return interval is not None and interval[0] < MIN_SE


class SessionTimer:
    """One call's timer: who refreshes, and when it has run out."""

    def __init__(
        self,
        timers: Timers,
        on_refresh: Callable[[Instant], None],
        on_expired: Callable[[Instant], None],
    ) -> None:
        self._timers = timers
        self._on_refresh = on_refresh
        self._on_expired = on_expired
        self._ask = INTERVAL
        self._min = MIN_SE
        self._ours: bool | None = None
        """Whether we refresh; None until that is agreed."""
        self._running: list[SipTimer] = []

    def ask(self, request: Request) -> None:
        """Put what we want on an INVITE of ours. Once agreed, who refreshes stays (section 7.4)."""
        refresher = {None: "", True: ";refresher=uac", False: ";refresher=uas"}[self._ours]
        request.headers.add("session-expires", f"{self._ask}{refresher}")
        request.headers.add("min-se", self._min)

    def raise_to(self, response: Response) -> bool:
        """Take the Min-SE of a 422; False where that gives nothing to ask for anew."""
        least = _seconds((response.headers.get("min-se") or "").partition(";")[0])
        if least is None or least <= self._ask:
            return False
        self._ask = self._min = least
        return True

    def agreed(self, response: Response, now: Instant) -> None:
        """A 2xx to an INVITE of ours has come: we are the `uac` of it (section 7.2)."""
        interval = _interval(response)
        if interval is None:
            self.stop()
        else:
            self._start(interval[0], interval[1] != "uas", now)

    def answer(self, request: Request, response: Response, now: Instant) -> None:
        """Agree in a 2xx of ours to what their INVITE asks for (section 9, table 2). A peer that
        does not know session timers cannot refresh: a proxy asked, and we do it."""
        interval = _interval(request)
        if interval is None:
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
        self._ask = max(seconds, self._min)
        # The end that refreshes does so at half of it; either ends the call shortly before the
        # interval is over (section 10).
        expires = now + seconds - min(32, seconds / 3)
        self._running = [self._timers.set(expires, self._on_expired)]
        if ours:
            self._running.append(self._timers.set(now + seconds / 2, self._on_refresh))

    def stop(self) -> None:
        for timer in self._running:
            timer.stop()
        self._running = []
        self._ours = None
