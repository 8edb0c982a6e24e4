"""Keys by INFO. No standard has them (RFC 6086 section 1); the customs are `Signal=5` as
application/dtmf-relay, the bare key as application/dtmf, and `Signal=5` as application/dtmf. Both
bodies are taken in both types."""

from __future__ import annotations

import re

from ringback.sip.message import Request
from ringback.sip.screening import Refusal

RELAY, PLAIN = "application/dtmf-relay", "application/dtmf"
KEYS = "0123456789*#ABCD"
"""By their numbers, of which a body may have one in place of the key (RFC 4733 section 3.2)."""

_LINE_END = re.compile("[\r\n]+")
_BLANK = " \t\v\f\0"
_SIGNAL = re.compile(r"signal\s*[=:]\s*(?P<key>[^\s;,]*).*", re.IGNORECASE)
_OPTIONAL = re.compile(r";\s*handling\s*=\s*\"?optional\b", re.IGNORECASE)


def key_of(request: Request) -> str | None:
    """The key in an INFO, if there is one."""
    if request.content_type not in (RELAY, PLAIN) or not _is_plain(request):
        return None
    lines = [
        line.strip(_BLANK)
        for line in _LINE_END.split(request.body.decode("ascii", "replace"))
        if line.strip(_BLANK)
    ]
    for line in lines:
        signal = _SIGNAL.fullmatch(line)
        if signal is not None:
            return _key(signal["key"])
    return _key(lines[0]) if len(lines) == 1 else None


def refusal_of(request: Request) -> Refusal | None:
    """Why an INFO is not taken; None where it holds a key, or nothing that has to be
    understood."""
    if key_of(request) is not None:
        return None
    if request.headers.get("info-package") is not None:
        return Refusal(469, (("recv-info", ""),), "Bad Info Package")  # RFC 6086 section 4.2.2
    if not request.body or _OPTIONAL.search(request.headers.get("content-disposition") or ""):
        return None
    if request.content_type in (RELAY, PLAIN) and _is_plain(request):
        return Refusal(400, reason="No Key")
    accept = ("accept", f"{RELAY}, {PLAIN}"), ("accept-encoding", "identity")
    return Refusal(415, accept)


def written(key: str, form: str) -> bytes:
    """The body with a key, in one of the two types."""
    return (f"Signal={key}\r\nDuration=160\r\n" if form == RELAY else key).encode()


def _key(text: str) -> str | None:
    text = text.strip(_BLANK).strip('"').upper()
    if text in ("10", "11", "12", "13", "14", "15"):
        return KEYS[int(text)]
    return text if len(text) == 1 and text in KEYS else None


def _is_plain(request: Request) -> bool:
    encoding = request.headers.get("content-encoding") or "identity"
    return encoding.strip().lower() == "identity"
