"""Answers to digest challenges (RFC 3261 section 22); a second challenge means that we are
refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringback.clock import Instant
from ringback.sip.digest import Challenge, authorize, read_challenge
from ringback.sip.hop import Hop
from ringback.sip.layers import Layers
from ringback.sip.message import Request, Response

Authorization = tuple[str, str]
"""A header: its name and its value."""


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: str


class Challenges:
    """The challenges to one request. The first is answered, and a second only if it says that
    nothing but the nonce was stale."""

    MOST = 2

    def __init__(self, credentials: Credentials | None, token: Callable[[], str]) -> None:
        self._credentials = credentials
        self._token = token
        self._answered = 0
        self._last: Challenge | None = None
        self._uses = 0
        """How often the nonce of the last challenge has been used."""
        self.refused = False
        """Our answer to a challenge was challenged again."""

    def met(self, response: Response) -> bool:
        """Whether this response is a challenge that we can meet, so that the request is worth
        sending again with its `authorization`."""
        if response.status not in (401, 407) or self._credentials is None:
            return False
        challenge = read_challenge(response.status, response.headers)
        if self._answered and (
            challenge is None or not challenge.stale or self._answered == self.MOST
        ):
            self.refused = True
            return False
        if challenge is None:
            return False
        self._answered += 1
        self._last, self._uses = challenge, 0
        return True

    def authorization(self, request: Request) -> Authorization | None:
        """The header that answers the last challenge; None if there was no challenge. Where the
        request is sent again for another reason, the count of the nonce's uses goes up (RFC 7616
        section 3.4)."""
        if self._last is None or self._credentials is None:
            return None
        self._uses += 1
        value = authorize(
            self._last,
            request.method,
            request.uri,
            self._credentials.user,
            self._credentials.password,
            self._token(),
            self._uses,
        )
        return self._last.header, value


def exchange(
    layers: Layers,
    build: Callable[[], Request],
    peer: Callable[[], Hop],
    credentials: Credentials | None,
    then: Callable[[Response | None, Instant], None],
    now: Instant,
) -> None:
    """Send a request other than INVITE, and once more if it is challenged. `build` makes it, each
    time with the next CSeq; `then` gets the final response, or None if none came."""
    challenges = Challenges(credentials, layers.token)

    def send(at: Instant) -> None:
        request = build()
        authorization = challenges.authorization(request)
        if authorization is not None:
            request.headers.add(*authorization)

        def on_response(response: Response | None, at: Instant) -> None:
            if response is not None and response.status < 200:
                return
            if response is not None and challenges.met(response):
                send(at)
            else:
                then(response, at)

        layers.transactions.request(request, peer(), on_response, at)

    send(now)
