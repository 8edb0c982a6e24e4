"""Session descriptions: offer and answer for telephone audio (RFC 4566, RFC 3264, RFC 4733).

Supported are RTP/AVP over IPv4 with A-law, µ-law and telephone-event. Other media are rejected with
port 0; their order and number are kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8}
_STATIC = {0: "PCMU", 8: "PCMA"}
_OUR_DTMF = 101
LONGEST_BYTES = 16 * 1024
MOST_MEDIA = 16

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]
_MIRRORED: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
_IPV4 = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")
_NOWHERE = "0.0.0.0"
_MEDIA = re.compile(
    r"(?P<kind>\S+) (?P<port>[0-9]{1,5})(?:/[0-9]+)? (?P<proto>\S+) (?P<formats>.+)"
)
_RTPMAP = re.compile(r"rtpmap:([0-9]{1,3}) ([^/\s]+)/([0-9]+)")


class SdpError(ValueError):
    """The text is not a session description, or not one that can be used here."""


@dataclass(slots=True)
class _Media:
    kind: str
    port: int
    proto: str
    formats: list[str]
    address: str | None
    direction: Direction
    ptime: int = 20
    names: dict[int, tuple[str, int]] = field(default_factory=dict)

    def payload_types(self) -> list[int]:
        return [int(text) for text in self.formats if text.isascii() and text.isdigit()]

    def codec(self, payload_type: int) -> str | None:
        name, clock = self.names.get(payload_type, (_STATIC.get(payload_type, ""), 8000))
        return name if clock == 8000 and name else None

    @property
    def usable(self) -> bool:
        return (
            self.kind == "audio"
            and self.proto == "RTP/AVP"
            and self.port > 0
            and self.address is not None
        )


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What one offer and one answer have agreed on, seen from our side."""

    host: str
    """Where our audio goes."""
    port: int
    codec: str
    """"PCMA" or "PCMU"."""
    dtmf_payload_type: int | None
    """Of the telephone-events that we send; None if the far end takes none."""
    receive_dtmf_payload_type: int | None
    """Of the telephone-events that we receive."""
    ptime: int
    """Milliseconds of sound in a packet, as the far end prefers it."""
    direction: Direction
    """Ours: `sendonly` if the far end only listens."""

    @property
    def payload_type(self) -> int:
        return PAYLOAD_TYPES[self.codec]

    @property
    def on_hold(self) -> bool:
        """The far end does not want to hear us, or sends nothing itself."""
        return self.direction != "sendrecv" or self.host == _NOWHERE

    @property
    def sends(self) -> bool:
        """Whether there is anybody to send to. The address 0.0.0.0 used to mean hold (RFC 3264
        section 8.4); packets sent there would arrive at this machine's own ports."""
        return self.direction in ("sendrecv", "sendonly") and self.host != _NOWHERE


@dataclass(frozen=True, slots=True)
class LocalAudio:
    """Our end of the audio."""

    host: str
    port: int
    codecs: Sequence[str]
    """In the order preferred."""
    session: int
    """Stays the same for the life of a dialog; `version` goes up with each new description."""
    version: int = 1


def make_offer(ours: LocalAudio, direction: Direction = "sendrecv") -> bytes:
    """An offer of our audio."""
    types = [PAYLOAD_TYPES[codec] for codec in ours.codecs]
    return _description(ours, [_audio(ours.port, types, _OUR_DTMF, direction)])


def make_answer(offer: bytes, ours: LocalAudio) -> tuple[bytes, Negotiated] | None:
    """The answer to an offer, and what it agrees on; None if there is nothing in common. Raises
    SdpError."""
    medias = _parse(offer)
    chosen: tuple[int, str] | None = None
    for index, media in enumerate(medias):
        codec = _choose(media, ours.codecs) if media.usable else None
        if codec is not None:
            chosen = index, codec
            break
    if chosen is None:
        return None
    index, codec = chosen
    media = medias[index]
    dtmf = _dtmf(media)
    agreed = _negotiated(media, codec, dtmf, dtmf)
    lines = [
        _audio(ours.port, [PAYLOAD_TYPES[codec]], dtmf, agreed.direction)
        if number == index
        else f"m={other.kind} 0 {other.proto} {' '.join(other.formats)}\r\n"
        for number, other in enumerate(medias)
    ]
    return _description(ours, lines), agreed


def read_answer(answer: bytes, ours: LocalAudio) -> Negotiated | None:
    """What an answer to our offer agrees on; None if it accepts none of it. Raises SdpError."""
    for media in _parse(answer):
        codec = _choose(media, ours.codecs) if media.usable else None
        if codec is not None:
            dtmf = _dtmf(media)
            return _negotiated(media, codec, dtmf, None if dtmf is None else _OUR_DTMF)
    return None


def _negotiated(
    media: _Media, codec: str, send_dtmf: int | None, receive_dtmf: int | None
) -> Negotiated:
    assert media.address is not None
    direction = _MIRRORED[media.direction]
    return Negotiated(
        media.address, media.port, codec, send_dtmf, receive_dtmf, media.ptime, direction
    )


def _choose(media: _Media, codecs: Sequence[str]) -> str | None:
    for payload_type in media.payload_types():
        codec = media.codec(payload_type)
        if codec is not None and codec in codecs and PAYLOAD_TYPES[codec] == payload_type:
            return codec
    return None


def _dtmf(media: _Media) -> int | None:
    for payload_type in media.payload_types():
        if media.codec(payload_type) == "TELEPHONE-EVENT" and 96 <= payload_type <= 127:
            return payload_type
    return None


def _audio(port: int, types: Sequence[int], dtmf: int | None, direction: Direction) -> str:
    names = {0: "PCMU", 8: "PCMA"}
    formats = [*types, *([] if dtmf is None else [dtmf])]
    lines = [f"m=audio {port} RTP/AVP {' '.join(map(str, formats))}"]
    lines += [f"a=rtpmap:{number} {names[number]}/8000" for number in types]
    if dtmf is not None:
        lines += [f"a=rtpmap:{dtmf} telephone-event/8000", f"a=fmtp:{dtmf} 0-15"]
    lines += ["a=ptime:20", f"a={direction}", ""]
    return "\r\n".join(lines)


def _description(ours: LocalAudio, medias: Sequence[str]) -> bytes:
    return (
        f"v=0\r\no=- {ours.session} {ours.version} IN IP4 {ours.host}\r\ns=-\r\n"
        f"c=IN IP4 {ours.host}\r\nt=0 0\r\n{''.join(medias)}"
    ).encode()


def _parse(body: bytes) -> list[_Media]:
    if len(body) > LONGEST_BYTES:
        raise SdpError("the session description is too long")
    # Names may be in another charset (RFC 4566 section 5), but not the fields that are read here.
    lines = body.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")
    if not lines or lines[0].strip() != "v=0":
        raise SdpError("a session description begins with v=0")
    address: str | None = None
    direction: Direction = "sendrecv"
    medias: list[_Media] = []
    for line in lines:
        name, equals, value = line.strip().partition("=")
        if not equals:
            if line.strip():
                raise SdpError(f"bad line {line[:40]!r}")
            continue
        if name == "m":
            if len(medias) == MOST_MEDIA:
                raise SdpError("too many media")
            medias.append(_media(value, address, direction))
        elif name == "c":
            host = _connection(value)
            if medias:
                medias[-1].address = host
            else:
                address = host
        elif name == "a" and value in _MIRRORED:
            if medias:
                medias[-1].direction = value
            else:
                direction = value
        elif name == "a" and medias:
            _attribute(medias[-1], value)
    return medias


def _media(value: str, address: str | None, direction: Direction) -> _Media:
    match = _MEDIA.fullmatch(value)
    if match is None or int(match["port"]) > 65535:
        raise SdpError(f"bad m= line {value[:40]!r}")
    return _Media(
        match["kind"],
        int(match["port"]),
        match["proto"],
        match["formats"].split(),
        address,
        direction,
    )


def _connection(value: str) -> str | None:
    words = value.split()
    if len(words) != 3 or words[:2] != ["IN", "IP4"]:
        return None
    host = words[2].partition("/")[0]
    if not _IPV4.fullmatch(host) or any(int(part) > 255 for part in host.split(".")):
        return None
    return host


def _attribute(media: _Media, value: str) -> None:
    match = _RTPMAP.match(value)
    if match is not None:
        media.names[int(match[1])] = (match[2].upper(), int(match[3][:9]))
    elif value.startswith("ptime:") and value[6:].isascii() and value[6:].isdigit():
        ptime = int(value[6:9])
        if 10 <= ptime <= 60:
            media.ptime = ptime
