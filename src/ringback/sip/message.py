"""SIP messages (RFC 3261 section 7).

Reading splits a datagram into lines and judges only what its use hangs on (section 8.2.2): a line
that is no header is passed over, and the value of a header is read when somebody asks for it, and
then kept. Where money or safety depends on it, reading is strict: Via, Call-ID, CSeq and the tags
of a request must be there, once and readable; the method in CSeq must be the request's; and the
body must be as long as Content-Length says, except in what ends a call or takes up an answer.
"""

from __future__ import annotations

import functools
import re

from ringback.sip.errors import SipError
from ringback.sip.headers import Headers, read_headers, split_values
from ringback.sip.uri import TOKEN, UNREADABLE, CSeq, NameAddr, SipUri, Via

LONGEST_HEAD = 16 * 1024
"""Bytes of the start line and the headers together."""
MOST_HEADERS = 128

_METHOD = re.compile(TOKEN)
_STATUS_LINE = re.compile(
    r"(?P<version>SIP/[0-9.]+)[ \t]+(?P<status>[0-9]{3})(?:[ \t]+(?P<reason>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_WITHOUT_BODY = ("ACK", "BYE", "CANCEL")
"""Of these only what they belong to is needed. An ACK may have a body, but its arrival counts."""
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

    def _value(self, name: str) -> str:
        value = self.headers.get(name)
        if value is None:
            raise SipError(f"{name} is missing")
        return value

    @property
    def via(self) -> Via:
        """The topmost. Raises SipError."""
        return self.headers.parsed("via", lambda: Via.parse(split_values(self._value("via"))[0]))

    @property
    def from_(self) -> NameAddr:
        """As `NameAddr.read`. Raises SipError."""
        return self.headers.parsed("from", lambda: NameAddr.read(self._value("from")))

    @property
    def to(self) -> NameAddr:
        """As `NameAddr.read`. Raises SipError."""
        return self.headers.parsed("to", lambda: NameAddr.read(self._value("to")))

    @property
    def cseq(self) -> CSeq:
        """Raises SipError."""
        return self.headers.parsed("cseq", lambda: CSeq.parse(self._value("cseq")))

    @property
    def call_id(self) -> str:
        return self.headers.get("call-id") or ""

    @property
    def contact(self) -> NameAddr | None:
        """The first that requests can be sent to, if there is one."""
        contacts = self.headers.parsed("contact", lambda: self.headers.readable("contact", _hop))
        return contacts[0] if contacts else None

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
        in_brackets = self.uri.startswith("<") and self.uri.endswith(">")
        return SipUri.parse(self.uri[1:-1] if in_brackets else self.uri)

    def _start_line(self) -> str:
        return f"{self.method} {self.uri} SIP/2.0"


class Response(SipMessage):
    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str, headers: Headers, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = reason

    @property
    def to(self) -> NameAddr:
        """As in a request; but whatever is wrong with it, our ACK needs it as it came."""
        try:
            return super().to
        except SipError:
            return NameAddr(UNREADABLE, text=self.headers.get("to") or "")

    @property
    def answers_invite(self) -> bool:
        """Whether it is a 2xx to an INVITE: the call is answered, and charged."""
        return 200 <= self.status < 300 and self.cseq.method == "INVITE"

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
        for value in self._headers.all("via")[1:]:
            headers.add("via", value)
        for name in ("from", "to", "call-id", "cseq"):
            copied = self._headers.get(name)
            if copied is not None:
                headers.add(name, _tagged(copied, to_tag) if name == "to" else copied)
        return Response(self.status, _REASONS.get(self.status, "Bad Request"), headers)


def _tagged(to: str, tag: str) -> str:
    try:
        address = NameAddr.read(to)
    except SipError:
        return to
    return str(address.with_tag(tag)) if address.tag is None else to


def parse(datagram: bytes) -> Request | Response:
    """Read one message. Raises SipError; Broken where the request can still be answered."""
    data = datagram.lstrip(b"\r\n")
    head, blank, body = data.partition(b"\r\n\r\n")
    fault = None if blank else SipError("no blank line after the headers")
    lines = head[:LONGEST_HEAD].decode("utf-8", "surrogateescape").split("\r\n")
    if len(head) > LONGEST_HEAD:
        fault = SipError("the headers are too long", 413)
        lines.pop()
    if len(lines) > MOST_HEADERS + 1:
        fault = SipError("too many headers", 413)
    if not lines:
        raise SipError("a first line without end")
    headers = read_headers(lines[1 : MOST_HEADERS + 1])
    status = _STATUS_LINE.fullmatch(lines[0])
    if status is not None:
        return _read_response(status, headers, b"" if fault else body)
    return _read_request(lines[0], headers, body, fault)


def _read_response(status: re.Match[str], headers: Headers, body: bytes) -> Response:
    """Of what a response copies from its request only Via and CSeq are needed: they say whose it
    is. Raises SipError."""
    # The reason is shown to people, in logs and at terminals: no control characters.
    reason = "".join(filter(str.isprintable, status["reason"] or ""))
    response = Response(int(status["status"]), reason, headers)
    if status["version"].upper() != "SIP/2.0" or not 100 <= response.status <= 699:
        raise SipError("bad status line")
    _ = response.via, response.cseq
    try:
        response.body = _within_length(headers, body)
    except SipError:
        if not response.answers_invite:  # section 18.3
            raise
    return response


def _read_request(line: str, headers: Headers, body: bytes, fault: SipError | None) -> Request:
    method, _, rest = line.replace("\t", " ").strip(" ").partition(" ")
    uri, _, version = rest.rpartition(" ")
    version = version.upper()
    if not version.startswith("SIP/"):
        raise SipError("neither a request nor a response")
    request = Request(method, uri.strip(" "), headers)
    try:
        if not _METHOD.fullmatch(method) or not request.uri:
            raise SipError("bad request line")
        if method not in _WITHOUT_BODY and version != "SIP/2.0":
            raise SipError(f"version {version[:20]!r}", 505)
        if method not in _WITHOUT_BODY and fault is not None:
            raise fault
        headers.check()
        _ = request.via, request.from_, request.to
        if request.cseq.method != method:
            raise SipError("CSeq has another method than the request")
        request.body = _request_body(method, headers, b"" if fault else body)
    except SipError as error:
        raise _broken(error, method, headers) from error
    return request


def _request_body(method: str, headers: Headers, body: bytes) -> bytes:
    try:
        return _within_length(headers, body)
    except SipError:
        if method not in _WITHOUT_BODY:
            raise
        return b""


def _broken(error: SipError, method: str, headers: Headers) -> SipError:
    """`error` as a Broken, if the request says where its answer goes; otherwise as it is."""
    try:
        via = SipMessage(headers).via
    except SipError:
        return error
    return Broken(error, method, via, headers)


def _within_length(headers: Headers, body: bytes) -> bytes:
    """As much of `body` as Content-Length says. Raises SipError."""
    lengths = {value for name, value in headers.items() if name == "content-length"}
    if not lengths:
        return body
    length = lengths.pop()
    if lengths or not length.isascii() or not length.isdigit() or len(length) > 9:
        raise SipError("bad Content-Length")
    if int(length) > len(body):
        raise SipError("the body is shorter than its Content-Length")
    # In a datagram, what follows is padding (RFC 3261 section 18.3).
    return body[: int(length)]


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
