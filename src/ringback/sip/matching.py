"""Which messages belong to one transaction (RFC 3261 sections 8.2.2.2 and 17.2.3). Pure functions
of one request."""

from __future__ import annotations

from ringback.sip.message import Request

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
