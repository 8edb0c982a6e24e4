"""Answers to challenges (RFC 3261 section 22): a second one is a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ringback.clock import Instant
from ringback.sip.digest import authorize, read_challenge
from ringback.sip.endpoint import Endpoint
from ringback.sip.errors import SipError
from ringback.sip.message import Request, Response
from ringback.sip.transaction import Address

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
        self.refused = False
        """The answer to a challenge was challenged again."""

    def answer(self, request: Request, response: Response) -> Authorization | None:
        """What to send the request again with; None when that would not help."""
        if response.status not in (401, 407) or self._credentials is None:
            return None
        try:
            challenge = read_challenge(response.status, response.headers)
        except SipError:
            challenge = None
        if self._answered and (
            challenge is None or not challenge.stale or self._answered == self.MOST
        ):
            self.refused = True
            return None
        if challenge is None:
            return None
        self._answered += 1
        value = authorize(
            challenge,
            request.method,
            request.uri,
            self._credentials.user,
            self._credentials.password,
            self._token(),
        )
        return challenge.header, value


def exchange(
    endpoint: Endpoint,
    build: Callable[[], Request],
    peer: Callable[[], Address],
    credentials: Credentials | None,
    then: Callable[[Response | None, Instant], None],
    now: Instant,
) -> None:
    """Send a request that is no INVITE, and once more if it is challenged. `build` makes it, each
    time with the next CSeq; `then` gets the final response, None where none came."""
    challenges = Challenges(credentials, endpoint.token)

    def send(at: Instant, authorization: Authorization | None) -> None:
        request = build()
        if authorization is not None:
            request.headers.add(*authorization)

        def on_response(response: Response | None, at: Instant) -> None:
            if response is not None and response.status < 200:
                return
            again = None if response is None else challenges.answer(request, response)
            if again is None:
                then(response, at)
            else:
                send(at, again)

        endpoint.transact(request, peer(), on_response, at)

    send(now, None)
