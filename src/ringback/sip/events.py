"""What a user agent tells of its calls."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringback.sip.errors import SipError
from ringback.sip.message import Request, Response, SipMessage
from ringback.sip.uri import parse_params


@dataclass(frozen=True, slots=True)
class Provisional:
    """A 1xx to our INVITE; 100 too."""

    response: Response


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The first 2xx to our INVITE; its ACK has been sent, unless the INVITE had no offer: then
    `OutgoingCall.acknowledge` sends it. `crossed`: the 2xx came although we had cancelled, and BYE
    has been sent too."""

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
    """The answer to an offer of ours within the call; after a refresh only where it differs from
    the last description of theirs."""

    body: bytes


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """`Call.reoffer` came to nothing: all stays as it was. No `status`: no answer came."""

    status: int | None


@dataclass(frozen=True, slots=True)
class Signal:
    """A key, sent by INFO."""

    digit: str


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What became of `Call.refresh` or of a refresh of the session timer's. Not `alive`: it was
    answered 481 or 408 or not at all, and a BYE is due (section 12.2.1.2). That is also told when
    a re-INVITE with an offer has met such an end, or an INFO 481."""

    alive: bool
    status: int | None = None
    """The answer; None when none came."""


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


CallEvent = (
    Provisional
    | Succeeded
    | Failed
    | Cancelled
    | Rejected
    | Established
    | Offered
    | Answer
    | OfferRefused
    | Signal
    | Refreshed
    | HungUp
    | Expired
    | Closed
)


def q850_cause(message: SipMessage | None) -> int | None:
    """The Q.850 cause in a Reason header (RFC 3326), where there is one."""
    if message is None:
        return None
    try:
        for value in message.headers.all("reason"):
            protocol, _, params = value.partition(";")
            cause = parse_params(params).get("cause") or ""
            if protocol.strip().upper() == "Q.850" and re.fullmatch("[0-9]{1,3}", cause):
                return int(cause)
    except SipError:
        return None
    return None


# Blanks only, no line ends: else a body of empty lines is searched from each of them to its end.
_RELAY = re.compile(r"^[ \t]*Signal[ \t]*=[ \t]*([0-9*#A-Da-d]|1[0-5])[ \t]*\r?$", re.MULTILINE)


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
