"""What is wrong with a request, whichever call it is for (RFC 3261 section 8.2)."""

from __future__ import annotations

from dataclasses import dataclass

from ringback.sip.bodies import is_strange
from ringback.sip.errors import SipError
from ringback.sip.message import Request, Response
from ringback.sip.sessiontimer import MIN_SE, too_small

ALLOWED = ("INVITE", "ACK", "CANCEL", "BYE", "INFO", "OPTIONS")
KNOWN = ("REGISTER", "REFER", "SUBSCRIBE", "NOTIFY", "MESSAGE", "PUBLISH", "PRACK", "UPDATE")
"""Methods that exist but are not supported here: they get 405, unknown ones 501."""
SUPPORTED = ("timer",)
LONGEST_BODY = 32 * 1024


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to a request that cannot be accepted."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    reason: str | None = None


def refusal(request: Request) -> Refusal | None:
    """The fault of a request, if it has one, looked for in the order of section 8.2: method,
    target, extensions, content. Only what is needed is judged: of a CANCEL or BYE nothing but what
    it belongs to; the target where there is no dialog; what a call would be about where there is
    one, since a call that comes in is rejected anyway."""
    if request.method not in ALLOWED:
        allow = ("allow", ", ".join(ALLOWED))
        return Refusal(405 if request.method in KNOWN else 501, (allow,))
    if request.method in ("BYE", "CANCEL"):
        return None
    within = request.to.tag is not None
    wrong = None if within else _wrong_target(request)
    if wrong is not None:
        return wrong
    unsupported = request.headers.tokens("require") - set(SUPPORTED)
    if unsupported:
        return Refusal(420, (("unsupported", ", ".join(sorted(unsupported))),))
    if within and len(request.body) > LONGEST_BODY:
        return Refusal(413)
    if request.method != "INVITE" or not within:
        return None
    if is_strange(request):
        return Refusal(415, (("accept", "application/sdp"), ("accept-encoding", "identity")))
    if too_small(request):
        return Refusal(422, (("min-se", str(MIN_SE)),))
    return None


def _wrong_target(request: Request) -> Refusal | None:
    try:
        target = request.target
    except SipError as error:
        return Refusal(error.status, reason="Bad Request-URI")
    return None if target.is_telephone else Refusal(416)


def add_abilities(response: Response) -> None:
    """Put what we can do on the answer to OPTIONS (section 11.2)."""
    response.headers.add("allow", ", ".join(ALLOWED))
    response.headers.add("accept", "application/sdp")
    response.headers.add("supported", ", ".join(SUPPORTED))
