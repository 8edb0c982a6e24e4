"""Which messages belong to the same transaction or dialog (RFC 3261 sections 8.2.2.2, 12 and
17.2.3). Pure functions of one request."""

from __future__ import annotations

from ringback.sip.dialog import DialogKey
from ringback.sip.errors import SipError
from ringback.sip.message import Request, Response

COOKIE = "z9hG4bK"
"""A branch that begins with this is unique (RFC 3261 section 8.1.1.7)."""

ServerKey = tuple[str, ...]
MergeKey = tuple[str, str, int]


def server_key(request: Request, method: str | None = None) -> ServerKey:
    """Two requests with the same key belong to one transaction (section 17.2.3). The ACK to a
    non-2xx response belongs to the INVITE's. `method` finds the transaction of another method, as
    CANCEL needs it."""
    via = request.via
    method = method or ("INVITE" if request.method == "ACK" else request.method)
    sent_by = f"{via.host.lower()}:{via.port or 5060}"
    branch = via.branch or ""
    if branch[: len(COOKIE)].lower() == COOKIE.lower() and len(branch) > len(COOKIE):
        return branch, sent_by, method
    # RFC 2543: the branch alone does not identify the transaction.
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
    """Two requests with the same key are one request that came on two ways (section 8.2.2.2)."""
    return request.from_.tag or "", request.call_id, request.cseq.number


def dialog_key(request: Request) -> DialogKey | None:
    """The dialog that a request of theirs is within; None for one that is within none."""
    to_tag = request.to.tag
    return None if to_tag is None else (request.call_id, to_tag, request.from_.tag or "")


def answers(response: Response, request: Request) -> bool:
    """Whether a response with the branch and method of a request of ours answers it (section
    17.1.3). What else it copies of the request need not be there, but is no other request's."""
    if response.cseq.number != request.cseq.number:
        return False
    if response.call_id not in ("", request.call_id):
        return False
    try:
        return response.from_.tag in (None, request.from_.tag)
    except SipError:
        return True
