"""SIP messages (RFC 3261 section 7).

Reading splits a datagram into lines and checks only what every element relies on; the value of a
header is parsed when somebody asks for it, and then kept. Where money depends on it, reading is
strict: a header that may stand only once must stand once, the method in CSeq must be the request's,
and the body must be as long as Content-Length says.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import TypeVar

from ringback.sip.errors import SipError
from ringback.sip.uri import TOKEN, CSeq, NameAddr, SipUri, Via, split_unquoted

LONGEST_HEAD = 16 * 1024
"""Bytes of the start line and the headers together."""
MOST_HEADERS = 128

_REQUEST_LINE = re.compile(rf"(?P<method>{TOKEN}) (?P<uri>[^\s]+) (?P<version>[^\s]+)")
_STATUS_LINE = re.compile(r"(?P<version>SIP/[0-9.]+) (?P<status>[0-9]{3}) (?P<reason>.*)")
_NAME = re.compile(rf"({TOKEN})\s*:\s*")
_COMPACT = {
    "i": "call-id", "m": "contact", "e": "content-encoding", "l": "content-length",
    "c": "content-type", "f": "from", "s": "subject", "k": "supported", "t": "to", "v": "via",
    "x": "session-expires", "r": "refer-to", "o": "event", "u": "allow-events",
}  # fmt: skip
_ONCE = frozenset(
    ("call-id", "content-length", "content-type", "cseq", "expires", "from", "max-forwards", "to",
     "session-expires", "min-se")
)  # fmt: skip
_NEEDED = ("via", "from", "to", "call-id", "cseq")
_REASONS = {
    100: "Trying", 180: "Ringing", 183: "Session Progress", 200: "OK", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    406: "Not Acceptable", 408: "Request Timeout", 413: "Request Entity Too Large",
    415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension",
    422: "Session Interval Too Small", 480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist", 482: "Loop Detected", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending",
    500: "Server Internal Error", 501: "Not Implemented", 503: "Service Unavailable",
    505: "Version Not Supported", 603: "Decline",
}  # fmt: skip

T = TypeVar("T")


class Headers:
    """Header fields in their order. Names are case-insensitive and in their long form."""

    __slots__ = ("_fields", "_parsed")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = [(name.lower(), value) for name, value in fields]
        self._parsed: dict[str, object] = {}

    def get(self, name: str) -> str | None:
        """The first value, unparsed."""
        for field, value in self._fields:
            if field == name:
                return value
        return None

    def all(self, name: str) -> list[str]:
        """Every value of a header that may have several, split at commas."""
        return [
            part.strip()
            for field, value in self._fields
            if field == name
            for part in split_unquoted(value, ",")
            if part.strip()
        ]

    def tokens(self, name: str) -> set[str]:
        """The values of a list of words, such as Supported."""
        return {value.lower() for value in self.all(name)}

    def parsed(self, name: str, parse: Callable[[str], T]) -> list[T]:
        """Every value of a header, parsed once. Raises SipError."""
        if name not in self._parsed:
            self._parsed[name] = [parse(value) for value in self.all(name)]
        return self._parsed[name]  # type: ignore[return-value]

    def add(self, name: str, value: object) -> None:
        self._fields.append((name.lower(), str(value)))
        self._parsed.pop(name.lower(), None)

    def set(self, name: str, value: object) -> None:
        """Replace all values that there are."""
        self.remove(name)
        self.add(name, value)

    def prepend(self, name: str, value: object) -> None:
        self._fields.insert(0, (name.lower(), str(value)))
        self._parsed.pop(name.lower(), None)

    def remove(self, name: str) -> None:
        self._fields = [field for field in self._fields if field[0] != name.lower()]
        self._parsed.pop(name.lower(), None)

    def items(self) -> list[tuple[str, str]]:
        return list(self._fields)

    def check(self) -> None:
        """Check that every needed header is there, and those that may stand once stand once. Raises
        SipError."""
        names = [name for name, _ in self._fields]
        for name in _ONCE.intersection(names):
            if names.count(name) > 1:
                raise SipError(f"{name} stands twice")
        for name in _NEEDED:
            if name not in names:
                raise SipError(f"{name} is missing")


def _hop(text: str) -> NameAddr:
    """An address that requests can be sent to. Raises SipError."""
    address = NameAddr.parse(text)
    if not address.uri.is_telephone:
        raise SipError(f"nothing can be sent to {text[:60]!r}")
    return address


class SipMessage:
    """What requests and responses have in common."""

    __slots__ = ("body", "headers")

    def __init__(self, headers: Headers, body: bytes = b"") -> None:
        self.headers = headers
        self.body = body

    def _first(self, name: str, parse: Callable[[str], T]) -> T:
        values = self.headers.parsed(name, parse)
        if not values:
            raise SipError(f"{name} is missing")
        return values[0]

    def _only(self, name: str, parse: Callable[[str], T]) -> T:
        values = self.headers.parsed(name, parse)
        if len(values) != 1:
            raise SipError(f"{name} has two values" if values else f"{name} is missing")
        return values[0]

    @property
    def via(self) -> Via:
        return self._first("via", Via.parse)

    @property
    def from_(self) -> NameAddr:
        return self._only("from", NameAddr.parse)

    @property
    def to(self) -> NameAddr:
        return self._only("to", NameAddr.parse)

    @property
    def cseq(self) -> CSeq:
        return self._only("cseq", CSeq.parse)

    @property
    def call_id(self) -> str:
        return self.headers.get("call-id") or ""

    @property
    def contact(self) -> NameAddr | None:
        contacts = self.headers.parsed("contact", _hop)
        return contacts[0] if contacts else None

    @property
    def record_routes(self) -> list[NameAddr]:
        return self.headers.parsed("record-route", _hop)

    @property
    def content_type(self) -> str:
        return (self.headers.get("content-type") or "").partition(";")[0].strip().lower()

    def _start_line(self) -> str:
        raise NotImplementedError

    def encode(self) -> bytes:
        """The message as bytes, with its Content-Length."""
        lines = [self._start_line()]
        lines += [
            f"{_written(name)}: {value}"
            for name, value in self.headers.items()
            if name != "content-length"
        ]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


class Request(SipMessage):
    __slots__ = ("method", "uri")

    def __init__(self, method: str, uri: str, headers: Headers, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.method = method
        self.uri = uri

    @property
    def target(self) -> SipUri:
        """The Request-URI, parsed. Raises SipError."""
        return SipUri.parse(self.uri)

    def _start_line(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"


class Response(SipMessage):
    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str, headers: Headers, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = reason

    def _start_line(self) -> str:
        return f"SIP/2.0 {self.status} {self.reason}"


class Broken(SipError):
    """A request that is wrong, but can be answered, since its topmost Via can be read."""

    def __init__(self, error: SipError, method: str, via: Via, headers: Headers) -> None:
        super().__init__(error.reason, error.status)
        self.method = method
        self.via = via
        self._headers = headers

    def response(self, via: Via, to_tag: str) -> Response:
        """The refusal, with `via` as its topmost Via. The other headers are copied once and
        unparsed, since they may be what is wrong."""
        headers = Headers([("via", str(via))])
        fields = self._headers.items()
        vias = [value for name, value in fields if name == "via"]
        below = vias[0][len(_split_first(vias[0])) + 1 :].strip()
        for value in [below, *vias[1:]] if below else vias[1:]:
            headers.add("via", value)
        for name in ("from", "to", "call-id", "cseq"):
            copied = self._headers.get(name)
            if copied is not None:
                headers.add(name, _tagged(copied, to_tag) if name == "to" else copied)
        return Response(self.status, _REASONS.get(self.status, "Bad Request"), headers)


def _split_first(value: str) -> str:
    """The first of the values of a field. Raises SipError."""
    return split_unquoted(value, ",")[0]


def _tagged(to: str, tag: str) -> str:
    try:
        address = NameAddr.parse(to)
    except SipError:
        return to
    return str(address.with_tag(tag)) if address.tag is None else to


def parse(datagram: bytes) -> Request | Response:
    """Read one message. Raises SipError; Broken where the request can still be answered."""
    data = datagram.lstrip(b"\r\n")
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        raise SipError("no blank line after the headers")
    lines = head[:LONGEST_HEAD].decode("utf-8", "surrogateescape").split("\r\n")
    if len(head) > LONGEST_HEAD:
        raise _too_much("the headers are too long", lines[:-1])
    if len(lines) > MOST_HEADERS + 1:
        raise _too_much("too many headers", lines)
    headers = _read_headers(lines)
    status = _STATUS_LINE.fullmatch(lines[0])
    if status is not None:
        # The reason is shown to people, in logs and at terminals: no control characters.
        reason = "".join(filter(str.isprintable, status["reason"]))
        response = Response(int(status["status"]), reason, headers)
        if status["version"] != "SIP/2.0" or not 100 <= response.status <= 699:
            raise SipError("bad status line")
        headers.check()
        _read_common(response, body)
        return response
    return _read_request(lines[0], headers, body)


def _too_much(reason: str, lines: list[str]) -> SipError:
    """The error for a message that is too long to be read to its end."""
    error = SipError(reason, 413)
    request = _REQUEST_LINE.fullmatch(lines[0]) if lines else None
    if request is None:
        return error
    return _broken(error, request["method"], _read_headers(lines[: MOST_HEADERS + 1]))


def _read_headers(lines: list[str]) -> Headers:
    fields: list[tuple[str, str]] = []
    for line in lines[1:]:
        if line[:1] in (" ", "\t"):
            if not fields:
                raise SipError("white space before the first header")
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {line.strip()}".strip())
            continue
        match = _NAME.match(line)
        if match is None:
            raise SipError(f"bad header line {line[:40]!r}")
        name = match[1].lower()
        fields.append((_COMPACT.get(name, name), line[match.end() :].strip()))
    return Headers(fields)


def _read_request(line: str, headers: Headers, body: bytes) -> Request:
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        words = line.split()
        if not words or not words[-1].startswith("SIP/"):
            raise SipError("neither a request nor a response")
        raise _broken(SipError("bad request line"), words[0], headers)
    request = Request(match["method"], match["uri"], headers)
    try:
        if match["version"].upper() != "SIP/2.0":
            raise SipError(f"version {match['version'][:20]!r}", 505)
        headers.check()
        _read_common(request, body)
        if request.cseq.method != request.method:
            raise SipError("CSeq has another method than the request")
        if "<" in request.uri or ">" in request.uri:
            raise SipError("the Request-URI stands in <>")
    except SipError as error:
        raise _broken(error, request.method, headers) from error
    return request


def _broken(error: SipError, method: str, headers: Headers) -> SipError:
    """`error` as a Broken, if the request says where its answer goes; otherwise as it is."""
    try:
        via = Via.parse(_split_first(headers.get("via") or ""))
    except SipError:
        return error
    return Broken(error, method, via, headers)


def _read_common(message: SipMessage, body: bytes) -> None:
    _ = message.via, message.from_, message.to, message.cseq
    length = message.headers.get("content-length")
    if length is not None:
        if not length.isascii() or not length.isdigit() or len(length) > 9:
            raise SipError("bad Content-Length")
        if int(length) > len(body):
            raise SipError("the body is shorter than its Content-Length")
        # In a datagram, what follows is padding (RFC 3261 section 18.3).
        body = body[: int(length)]
    message.body = body


def respond(
    request: Request, status: int, reason: str | None = None, *, to_tag: str | None = None
) -> Response:
    """A response, with the headers copied that RFC 3261 section 8.2.6.2 names."""
    headers = Headers()
    for name in ("via", "from", "to", "call-id", "cseq"):
        for field, value in request.headers.items():
            if field == name:
                headers.add(name, value)
    if to_tag is not None and status != 100 and request.to.tag is None:
        headers.set("to", request.to.with_tag(to_tag))
    if 100 < status < 300:
        for field, value in request.headers.items():
            if field == "record-route":
                headers.add(field, value)
    return Response(status, reason or _REASONS.get(status, "Unknown"), headers)


_WRITTEN = {
    "call-id": "Call-ID",
    "cseq": "CSeq",
    "www-authenticate": "WWW-Authenticate",
    "min-se": "Min-SE",
}


@functools.lru_cache(maxsize=256)
def _written(name: str) -> str:
    return _WRITTEN.get(name) or "-".join(word.capitalize() for word in name.split("-"))
