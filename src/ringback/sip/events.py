"""The events of calls, as a user agent reports them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ringback.sip.message import Request, Response, SipMessage
from ringback.sip.uri import parse_params


@dataclass(frozen=True, slots=True)
class Provisional:
    """A 1xx to our INVITE, 100 included."""

    response: Response


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The first 2xx to our INVITE. Its ACK has been sent, unless `OutgoingCall.acknowledge` is to
    send it. `crossed`: the 2xx came after we had cancelled, and BYE has been sent too."""

    response: Response
    crossed: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """Our INVITE failed: with a final response other than 2xx, or, if there is no `response`,
    because none came in time."""

    response: Response | None
    challenged_twice: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The caller of an incoming call gave up; 487 has been sent."""

    request: Request


@dataclass(frozen=True, slots=True)
class Rejected:
    """An incoming call that was rejected is over. `acknowledged`: the ACK came, which proves that
    the source address was not forged."""

    acknowledged: bool


@dataclass(frozen=True, slots=True)
class Established:
    """The ACK to our 2xx came. If the INVITE had no offer, `body` is the answer to ours."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Offered:
    """A re-INVITE came; `Call.accept_offer` or `Call.refuse_offer` answers it. With an empty body
    the far end asks us for an offer."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """The far end answered an offer that we made within the call. After a refresh, this is reported
    only if the answer differs from their last description."""

    body: bytes


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """`Call.reoffer` failed; everything stays as it was. No `status`: no answer came."""

    status: int | None


@dataclass(frozen=True, slots=True)
class Signal:
    """The far end pressed a key and sent it by INFO."""

    digit: str


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The result of `Call.refresh`, or of a refresh by the session timer. Not `alive`: the answer
    was 481 or 408, or none came, and we owe a BYE (section 12.2.1.2). The same is reported if a
    re-INVITE with an offer ends so, or if an INFO is answered with 481."""

    alive: bool
    status: int | None = None
    """The status of the answer; None if none came."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The far end sent BYE."""

    request: Request


@dataclass(frozen=True, slots=True)
class Expired:
    """The session timer ran out (RFC 4028 section 10); BYE has been sent."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Our BYE was answered, or no answer to it came in time."""


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
    """The Q.850 cause in a Reason header (RFC 3326), if there is one."""
    if message is None:
        return None
    causes = message.headers.readable("reason", _q850)
    return next((cause for cause in causes if cause is not None), None)


def _q850(reason: str) -> int | None:
    """Raises SipError."""
    protocol, _, params = reason.partition(";")
    cause = parse_params(params).get("cause") or ""
    known = protocol.strip().upper() == "Q.850" and re.fullmatch("[0-9]{1,3}", cause)
    return int(cause) if known else None
