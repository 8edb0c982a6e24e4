"""Bodies (RFC 3261 section 7.4, RFC 5621): the session description, among what else comes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ringback.sip.errors import SipError
from ringback.sip.headers import Headers, read_headers
from ringback.sip.message import SipMessage
from ringback.sip.uri import parse_params

MOST_PARTS = 16
"""Of one multipart; what follows is passed over."""
DEEPEST = 3
"""Multiparts within each other."""


def description(message: SipMessage) -> bytes:
    """The session description of a message, be it a part of a multipart (RFC 5621 section 4.2);
    empty where it has none."""
    return _description(message.headers, message.body, DEEPEST)


def is_strange(message: SipMessage) -> bool:
    """Whether there is no session description in a body that the sender wants to be understood
    (RFC 3261 section 20.11)."""
    return not description(message) and _is_required(message.headers, message.body, DEEPEST)


def _description(headers: Headers, content: bytes, depth: int) -> bytes:
    kind, params = _words(headers, "content-type")
    if kind.startswith("multipart/"):
        if not depth:
            return b""
        parts = _parts(content, params.get("boundary"))
        found = [text for part in parts if (text := _description(*part, depth - 1))]
        # Of alternatives the last is the best (RFC 2046 section 5.1.4).
        return found[-1 if kind == "multipart/alternative" else 0] if found else b""
    encoding, disposition = (
        _words(headers, name)[0] for name in ("content-encoding", "content-disposition")
    )
    # An early session is one of its own (RFC 3959).
    if encoding not in ("", "identity") or disposition == "early-session" or not content.strip():
        return b""
    return content if kind == "application/sdp" or content.lstrip().startswith(b"v=") else b""


def _is_required(headers: Headers, content: bytes, depth: int) -> bool:
    kind, params = _words(headers, "content-type")
    if _words(headers, "content-disposition")[1].get("handling") == "optional":
        return False
    if kind.startswith("multipart/") and depth:
        parts = _parts(content, params.get("boundary"))
        return any(_is_required(*part, depth - 1) for part in parts)
    return bool(content.strip())


def _words(headers: Headers, name: str) -> tuple[str, dict[str, str]]:
    """A value and its parameters; neither has a case, except a boundary."""
    value, _, text = (headers.get(name) or "").partition(";")
    try:
        params = parse_params(text)
    except SipError:
        params = {}
    return value.strip().lower(), {
        name: each if name == "boundary" else each.lower()
        for name, each in params.items()
        if each is not None
    }


def _parts(content: bytes, boundary: str | None) -> Iterator[tuple[Headers, bytes]]:
    """The parts of a multipart (RFC 2046 section 5.1.1)."""
    if not boundary:
        return
    marker = re.escape(boundary.encode("utf-8", "surrogateescape"))
    start: int | None = None
    found = re.finditer(rb"(?:^|\r?\n)--%s(--)?[ \t]*+(?=\r?\n|$)" % marker, content)
    for _, delimiter in zip(range(MOST_PARTS + 1), found, strict=False):
        if start is not None:
            head, _, body = content[start : delimiter.start()].partition(b"\r\n\r\n")
            lines = head.decode("utf-8", "surrogateescape").split("\r\n")
            yield read_headers(lines[1:]), body
        if delimiter[1]:
            return
        start = delimiter.end()
