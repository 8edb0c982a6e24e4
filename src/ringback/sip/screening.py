"""What is wrong with a request, whichever call it is for (RFC 3261 section 8.2)."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.sip.errors import SipError
from ringback.sip.matching import COOKIE
from ringback.sip.message import Request, Response
from ringback.sip.sessiontimer import MIN_SE, too_small
from ringback.sip.uri import split_unquoted

ALLOWED = ("INVITE", "ACK", "CANCEL", "BYE", "INFO", "OPTIONS")
KNOWN = ("REGISTER", "REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH", "PRACK", "UPDATE")
"""Methods that exist but are not supported here: they get 405, unknown ones 501."""
SUPPORTED = ("timer",)
LONGEST_BODY = 32 * 1024

_LISTS = frozenset((
    "accept", "contact", "diversion", "history-info", "p-asserted-identity", "p-called-party-id",
    "p-preferred-identity", "privacy", "reason", "record-route", "require", "route", "supported",
))  # fmt: skip
"""Headers that are read as lists later, while a call is handled."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that cannot be accepted."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    reason: str | None = None


def refusal(request: Request) -> Refusal | None:
    """The fault of a request, if it has one, looked for in the order of section 8.2: method,
    headers, extensions, content."""
    allow = ("allow", ", ".join(ALLOWED))
    if request.method not in ALLOWED:
        return Refusal(405 if request.method in KNOWN else 501, (allow,))
    try:
        target = request.target
    except SipError as error:
        return Refusal(error.status)
    if not target.is_telephone:
        return Refusal(416)
    unreadable = _unreadable(request)
    if unreadable is not None:
        return Refusal(400, reason=unreadable)
    if request.method != "CANCEL":  # it is never refused for these (8.2.2.3)
        unsupported = request.headers.tokens("require") - set(SUPPORTED)
        if unsupported:
            return Refusal(420, (("unsupported", ", ".join(sorted(unsupported))),))
    if len(request.body) > LONGEST_BODY:
        return Refusal(413)
    if request.method != "INVITE":
        return None
    if not _takes_sdp(request):
        return Refusal(406)
    if request.body and not _is_plain_sdp(request):
        return Refusal(415, (("accept", "application/sdp"), ("accept-encoding", "identity")))
    if too_small(request):
        return Refusal(422, (("min-se", str(MIN_SE)),))
    return None


def _unreadable(request: Request) -> str | None:
    """The header that a call would fail on later, in words for the reason phrase."""
    for name, value in request.headers.items():
        if '"' in value and name in _LISTS:
            try:
                split_unquoted(value, ",")
            except SipError:
                return f"Bad {name}"
    if request.method == "INVITE":
        try:
            # In RFC 2543 Contact was optional: From stands in for it.
            if request.contact is None and (request.via.branch or "").startswith(COOKIE):
                return "Missing Contact"
            _ = request.record_routes
        except SipError:
            return "Bad Contact or Record-Route"
    return None


def readable(response: Response) -> bool:
    """Whether a response is for us, and everything that a dialog needs of it can be read. Otherwise
    it is dropped, as if the network had lost it (section 8.1.3)."""
    if len(response.headers.all("via")) != 1:
        return False  # section 8.1.3.3
    if response.cseq.method == "INVITE":
        try:
            _ = response.contact, response.record_routes
        except SipError:
            return False
    return True


def add_abilities(response: Response) -> None:
    """Put what we can do on the answer to OPTIONS (section 11.2)."""
    response.headers.add("allow", ", ".join(ALLOWED))
    response.headers.add("accept", "application/sdp")
    response.headers.add("supported", ", ".join(SUPPORTED))


def _takes_sdp(request: Request) -> bool:
    """Whether the far end takes our description; without an Accept header it does (section
    20.1)."""
    accepted = {value.partition(";")[0].strip().lower() for value in request.headers.all("accept")}
    return not accepted or bool(accepted & {"application/sdp", "application/*", "*/*"})


def _is_plain_sdp(request: Request) -> bool:
    encoding = request.headers.get("content-encoding")
    return request.content_type == "application/sdp" and encoding in (None, "identity")
