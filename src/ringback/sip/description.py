"""What a session description says (RFC 4566), as far as a call needs to know.

Read are the m= lines, where their sound is taken (c=), the names of payload types and the
direction. All other lines are passed over, whatever they hold, and so is what is wrong with a
medium that is not ours: a call is never lost for it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Literal, get_args

LONGEST_BYTES = 64 * 1024
MOST_MEDIA = 16
"""Further ones are not read."""
EVENTS = "TELEPHONE-EVENT"
CLOCK = 8000

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
_DIRECTIONS: dict[str, Direction] = {name: name for name in get_args(Direction)}
_STATIC = {0: "PCMU", 8: "PCMA"}
_NO_PAYLOAD_TYPES = range(72, 77)
"""RTCP packets look like these (RFC 3551 section 6)."""

_BLANK = " \t\v\f\0"
_TOKEN = re.compile(r"[!#-'*+\-./0-9A-Z^-~]+")
"""RFC 4566 section 9, and `/`, which stands in a `proto`."""
_PORT = re.compile(r"([0-9]{1,5})(?:/[0-9]+)?")
_NUMBER = re.compile("[0-9]{1,3}")
_IPV4 = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})")
_LABEL = r"[0-9A-Za-z_](?:[0-9A-Za-z_-]{0,61}[0-9A-Za-z_])?"
_HOST_NAME = re.compile(rf"(?:{_LABEL}\.){{0,126}}(?=[^.]*[A-Za-z])({_LABEL})\.?")
_LONGEST_HOST_NAME = 253
_RTPMAP = re.compile(
    r"rtpmap\s*:\s*(?P<type>[0-9]{1,3})\s+(?P<name>[^/\s]+)"
    r"(?:\s*/\s*(?P<clock>[0-9]{1,9})(?![0-9])(?:\s*/\s*(?P<channels>[0-9]{1,9})(?![0-9]))?)?",
    re.IGNORECASE,
)


class SdpError(ValueError):
    """The text is not a session description, or not one that can be used here."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """What the packets of one payload type hold."""

    name: str
    """In capitals."""
    clock: int = CLOCK
    channels: int = 1


@dataclass(slots=True)
class Media:
    """One m= line, with what belongs to it."""

    kind: str
    port: int
    """0: rejected, or no port that there can be."""
    proto: str
    formats: list[str]
    host: str | None
    """An IPv4 address or a host name; empty where none can be read; None where there is none for
    IPv4."""
    direction: Direction
    encodings: dict[int, Encoding] = field(default_factory=dict)

    @property
    def usable(self) -> bool:
        """Whether it is sound that can be sent somewhere."""
        return (
            self.kind.lower() == "audio"
            # AVPF differs in when RTCP is sent, of which nothing here depends (RFC 4585).
            and self.proto.upper() in ("RTP/AVP", "RTP/AVPF")
            and self.port > 0
            and self.host is not None
        )

    def payload_types(self) -> dict[int, Encoding]:
        """The payload types that can be told apart from RTCP and are known, in their order."""
        found: dict[int, Encoding] = {}
        for text in self.formats:
            if not _NUMBER.fullmatch(text):
                continue
            number = int(text)
            encoding = self.encodings.get(number) or _static(number)
            if encoding is not None and number <= 127 and number not in _NO_PAYLOAD_TYPES:
                found[number] = encoding
        return found

    def rejected(self) -> str:
        """The m= line that rejects it, without its end (RFC 3264 section 6). What cannot stand in
        a line is replaced: only its place counts."""
        kind = self.kind if _TOKEN.fullmatch(self.kind) else "audio"
        proto = self.proto if _TOKEN.fullmatch(self.proto) else "RTP/AVP"
        formats = [text for text in self.formats if _TOKEN.fullmatch(text)]
        return f"m={kind} 0 {proto} {' '.join(formats) or '0'}"


def parse(body: bytes) -> list[Media]:
    """The media, in their order. Raises SdpError for what is no session description."""
    if len(body) > LONGEST_BYTES:
        raise SdpError("the session description is too long")
    # Names may be in another charset (RFC 4566 section 5), but not the fields that are read here.
    text = body.decode("utf-8", "replace")
    medias: list[Media] = []
    session = Media("", 0, "", [], "", "sendrecv")
    """What holds for every medium that does not say otherwise."""
    known = False
    for line in text.replace("\r", "\n").split("\n"):
        name, equals, value = line.strip(_BLANK).partition("=")
        if not equals:
            continue
        current = medias[-1] if medias else session
        match name.strip(_BLANK):
            case "v":
                known = known or value.strip(_BLANK) == "0"
            case "m" if len(medias) <= MOST_MEDIA:
                medias.append(_media(value, session))
            case "c" if (host := _host(value)) != "":
                current.host = host
            case "a":
                _attribute(current, value.strip(_BLANK))
    if not known and not medias:
        raise SdpError("a session description begins with v=0")
    return medias


def _media(value: str, session: Media) -> Media:
    words = [*value.split(), "", "", ""]
    kind, port, proto = words[:3]
    match = _PORT.fullmatch(port)
    number = 0 if match is None else int(match[1])
    return Media(
        kind,
        number if number <= 65535 else 0,
        proto,
        words[3:-3],
        session.host,
        session.direction,
        dict(session.encodings),
    )


def _host(value: str) -> str | None:
    """See `Media.host`. Network and address type are passed over where the address speaks for
    itself."""
    words = value.split()
    if not words or words[-1].upper() in ("IN", "IP4", "IP6"):
        return ""
    upper = [word.upper() for word in words[:-1]]
    family = next((place for place, word in enumerate(upper) if word in ("IP4", "IP6")), -1)
    address = (words[family + 1] if family >= 0 else words[-1]).partition("/")[0]
    ipv4 = _IPV4.fullmatch(address)
    if ipv4 is not None:
        parts = [int(part) for part in ipv4.groups()]
        # Written anew without zeros in front, which a socket would take for octal numbers.
        return ".".join(map(str, parts)) if max(parts) <= 255 else ""
    if ":" in address:
        return _mapped(address)
    named = len(address) <= _LONGEST_HOST_NAME and _HOST_NAME.fullmatch(address)
    return address if named else ""


def _mapped(address: str) -> str | None:
    """The IPv4 address that an IPv6 address stands for (RFC 4291 section 2.5.5.2)."""
    try:
        mapped = ipaddress.IPv6Address(address).ipv4_mapped
    except ValueError:
        return ""
    return None if mapped is None else str(mapped)


def _attribute(media: Media, value: str) -> None:
    direction = _DIRECTIONS.get(value.lower())
    if direction is not None:
        media.direction = direction
        return
    match = _RTPMAP.match(value)
    if match is not None:
        media.encodings[int(match["type"])] = Encoding(
            match["name"].upper(), int(match["clock"] or CLOCK), int(match["channels"] or 1)
        )


def _static(payload_type: int) -> Encoding | None:
    """What a number means that is not named (RFC 3551 section 6)."""
    name = _STATIC.get(payload_type)
    return None if name is None else Encoding(name)
