"""Which messages belong together, and where responses go (RFC 3261 sections 8.2.2.2, 17.2.3 and
18.2, RFC 3581). Pure functions of one request."""

from __future__ import annotations

from ringback.sip.hop import Hop
from ringback.sip.message import Request
from ringback.sip.uri import Via, unbracketed

COOKIE = "z9hG4bK"
"""What a branch begins with that is unique, as RFC 3261 has it."""

ServerKey = tuple[str, ...]
MergeKey = tuple[str, str, int]


def server_key(request: Request, method: str | None = None) -> ServerKey:
    """What makes two requests one transaction (section 17.2.3). The ACK to a response that is no
    2xx is of the INVITE's; `method` finds another one's, as a CANCEL has to."""
    via = request.via
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    sent_by = f"{via.host.lower()}:{via.port or 5060}"
    branch = via.branch or ""
    if branch.startswith(COOKIE) and branch != COOKIE:
        return branch, sent_by, method
    # RFC 2543: the branch alone says nothing.
    return (
        branch,
        request.uri,
        request.from_.tag or "",
        request.call_id,
        str(request.cseq.number),
        sent_by,
        method,
    )


def merge_key(request: Request) -> MergeKey:
    """What a request that came over two ways has in common (section 8.2.2.2)."""
    return request.from_.tag or "", request.call_id, request.cseq.number


def seen_from(via: Via, source: Hop) -> Via:
    """A topmost Via with where its request came from (section 18.2.1, RFC 3581)."""
    params = dict(via.params)
    if "rport" in params:
        params["rport"] = str(source.port)
        params["received"] = source.host
    elif unbracketed(via.host) != source.host:
        params["received"] = source.host
    return Via(via.transport, via.host, via.port, params)


def note_source(request: Request, source: Hop) -> None:
    """Write where a request came from into its topmost Via."""
    via = request.via
    seen = seen_from(via, source)
    if seen == via:
        return
    vias = request.headers.all("via")
    request.headers.remove("via")
    for value in [*reversed(vias[1:]), str(seen)]:
        request.headers.prepend("via", value)


def response_address(via: Via, source: Hop) -> Hop:
    """Where responses to a request with this topmost Via go (section 18.2.2, RFC 3581 section
    4): never anywhere but to the host that it came from."""
    if "rport" in via.params or not 0 < (via.port or 5060) <= 65535:
        return source
    return Hop(source.transport, source.host, via.port or 5060)
