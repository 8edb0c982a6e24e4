"""What a user agent tells of its calls."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringback.sip.message import Message, Request, Response

_Q850 = re.compile(r"Q\.850\s*;(?:.*;)?\s*cause\s*=\s*([0-9]{1,3})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Provisional:
    """A 1xx to our INVITE; 100 too."""

    response: Response


@dataclass(frozen=True, slots=True)
class Accepted:
    """The first 2xx to our INVITE; its ACK has been sent. `crossed`: it came although we had
    cancelled, and BYE has been sent too."""

    response: Response
    crossed: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """A final answer to our INVITE that is no 2xx; no `response`: none came in time."""

    response: Response | None
    challenged_twice: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The caller of an incoming call gave up; 487 has been sent."""

    request: Request


@dataclass(frozen=True, slots=True)
class Rejected:
    """An incoming call that was rejected is over. `acknowledged`: the ACK came, so the source
    address was not forged."""

    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Established:
    """The ACK to our 2xx came, with the answer of an offerless INVITE in `body`."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Offered:
    """A re-INVITE: `Call.accept_offer` or `Call.refuse_offer` answers it. An empty body asks for
    an offer of ours."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a re-INVITE of ours or, to an offer of ours, in an ACK."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Signal:
    """A key, sent by INFO."""

    digit: str


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of `Call.refresh`: the far end is there, or it is gone."""

    alive: bool


@dataclass(frozen=True, slots=True)
class HungUp:
    """The far end sent BYE."""

    request: Request


@dataclass(frozen=True, slots=True)
class Expired:
    """The session timer ran out (RFC 4028 section 10); BYE has been sent."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Our BYE was answered, or nobody answered it."""


Event = (
    Provisional
    | Accepted
    | Failed
    | Cancelled
    | Rejected
    | Established
    | Offered
    | Answer
    | Signal
    | Refreshed
    | HungUp
    | Expired
    | Closed
)


def q850_cause(message: Message | None) -> int | None:
    """The Q.850 cause in a Reason header (RFC 3326), where there is one."""
    if message is None:
        return None
    for value in message.headers.all("reason"):
        match = _Q850.search(value)
        if match is not None:
            return int(match[1])
    return None


_RELAY = re.compile(r"^\s*Signal\s*=\s*([0-9*#A-Da-d]|1[0-5])\s*$", re.MULTILINE)


def signal_of(request: Request) -> str | None:
    """The key in an INFO with `application/dtmf-relay` or `application/dtmf`."""
    text = request.body.decode("ascii", "replace")
    if request.content_type == "application/dtmf-relay":
        match = _RELAY.search(text)
        key = match[1] if match is not None else ""
    elif request.content_type == "application/dtmf":
        key = text.strip()
    else:
        return None
    if key.isdigit() and len(key) == 2:
        key = "*#ABCD"[int(key) - 10] if 10 <= int(key) <= 15 else ""
    return key.upper() if len(key) == 1 and key.upper() in "0123456789*#ABCD" else None
