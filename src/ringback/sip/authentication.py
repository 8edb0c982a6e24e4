"""Answers to challenges (RFC 3261 section 22): a second one is a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringback.clock import Instant
from ringback.sip.digest import Challenge, authorize, read_challenge
from ringback.sip.errors import SipError
from ringback.sip.hop import Hop
from ringback.sip.layers import Layers
from ringback.sip.message import Request, Response

Authorization = tuple[str, str]
"""A header."""


@dataclass(frozen=True, slots=True)
class Credentials:
    user: str
    password: str


class Challenges:
    """The challenges to one request: one is answered, and one more that says that only the nonce
    was stale."""

    MOST = 2

    def __init__(self, credentials: Credentials | None, token: Callable[[], str]) -> None:
        self._credentials = credentials
        self._token = token
        self._answered = 0
        self._last: Challenge | None = None
        self._uses = 0
        """Of its nonce."""
        self.refused = False
        """The answer to a challenge was challenged again."""

    def met(self, response: Response) -> bool:
        """Whether it is a challenge that can be met, so that the request is worth sending again
        with its `authorization`."""
        if response.status not in (401, 407) or self._credentials is None:
            return False
        try:
            challenge = read_challenge(response.status, response.headers)
        except SipError:
            challenge = None
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
        """What the request is sent with: an answer to the last challenge, whose nonce is counted
        on where it is sent again for another reason (RFC 7616 section 3.4). None before one."""
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
    """Send a request that is no INVITE, and once more if it is challenged. `build` makes it, each
    time with the next CSeq; `then` gets the final response, None where none came."""
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
