"""Session timers (RFC 4028): a call that nobody refreshes ends."""

from __future__ import annotations

from collections.abc import Callable

from ringback.clock import Instant
from ringback.sip.message import Message, Request, Response
from ringback.sip.timers import Timer, Timers
from ringback.sip.uri import parse_params

INTERVAL = 1800
MIN_SE = 90


def _interval(message: Message) -> tuple[int, str | None] | None:
    """Seconds and refresher of Session-Expires; None where it is missing or bad."""
    value = message.headers.get("session-expires")
    if value is None:
        return None
    seconds, _, params = value.partition(";")
    if not seconds.strip().isdecimal() or len(seconds.strip()) > 9:
        return None
    return int(seconds), parse_params(params).get("refresher")


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
        self._running: list[Timer] = []

    def ask(self, request: Request) -> None:
        """Put what we want on an INVITE of ours."""
        request.headers.add("session-expires", self._ask)
        request.headers.add("min-se", self._min)

    def raise_to(self, response: Response) -> bool:
        """Take the Min-SE of a 422; False where it gives none."""
        least = response.headers.get("min-se")
        if least is None or not least.strip().isdecimal() or len(least.strip()) > 6:
            return False
        self._min = max(self._min, int(least))
        self._ask = max(self._ask, self._min)
        return True

    def agreed(self, response: Response, now: Instant) -> None:
        """A 2xx to an INVITE of ours has come: we are the `uac` of it (section 7.2)."""
        interval = _interval(response)
        if interval is None:
            self.stop()
        else:
            self._start(interval[0], interval[1] != "uas", now)

    def answer(self, request: Request, response: Response, now: Instant) -> None:
        """Agree in a 2xx of ours to what their INVITE asks for (section 9)."""
        interval = _interval(request)
        if interval is None or "timer" not in request.headers.tokens("supported"):
            self.stop()
            return
        seconds, refresher = interval
        refresher = "uas" if refresher == "uas" else "uac"
        response.headers.add("session-expires", f"{seconds};refresher={refresher}")
        response.headers.add("require", "timer")
        self._start(seconds, refresher == "uas", now)

    def _start(self, seconds: int, ours: bool, now: Instant) -> None:
        self.stop()
        seconds = max(seconds, MIN_SE)
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
