"""Offer and answer for telephone audio (RFC 3264, RFC 4733).

Supported are RTP/AVP over IPv4 with A-law, µ-law and telephone-event. Other media are rejected with
port 0; their order and number are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ringback.sip.description import (
    CLOCK,
    EVENTS,
    MOST_MEDIA,
    Direction,
    Encoding,
    Media,
    SdpError,
    parse,
)

__all__ = ["LocalAudio", "Negotiated", "SdpError", "make_answer", "make_offer", "read_answer"]

PAYLOAD_TYPES = {"PCMU": 0, "PCMA": 8}
_OUR_DTMF = 101

_MIRRORED: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
_NOWHERE = "0.0.0.0"


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What one offer and one answer have agreed on, seen from our side."""

    host: str
    """Where our audio goes: an IPv4 address or, if `named`, a host name; empty where the far end
    did not say it so that it could be read."""
    port: int
    codec: str
    """"PCMA" or "PCMU": of what we send."""
    payload_type: int
    """Of what we send."""
    receives: Mapping[int, str]
    """The codec of each payload type that may come, at any time (RFC 3264 section 6.1): in our
    numbers, as section 5.1 demands, and in the far end's own, which some use in both directions."""
    dtmf_payload_type: int | None
    """Of the telephone-events that we send; None if the far end takes none."""
    dtmf_receives: frozenset[int]
    """The payload types of telephone-events that may come, in the same way."""
    direction: Direction
    """Ours: `sendonly` if the far end only listens."""

    @property
    def named(self) -> bool:
        """Whether `host` is a name that has to be looked up."""
        return any(map(str.isalpha, self.host))

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
    types = {PAYLOAD_TYPES[codec]: codec for codec in ours.codecs}
    return _description(ours, [_audio(ours.port, "RTP/AVP", types, _OUR_DTMF, direction)])


def make_answer(offer: bytes, ours: LocalAudio) -> tuple[bytes, Negotiated] | None:
    """The answer to an offer, and what it agrees on; None if there is nothing in common. Raises
    SdpError."""
    medias = parse(offer)
    if len(medias) > MOST_MEDIA:
        raise SdpError("too many media")  # each would have to be answered
    chosen = _choose(medias, ours)
    if chosen is None:
        return None
    agreed = _negotiated(chosen, ours, {}, frozenset())
    types = {agreed.payload_type: agreed.codec}
    line = _audio(
        ours.port, chosen.proto.upper(), types, agreed.dtmf_payload_type, agreed.direction
    )
    lines = [line if media is chosen else f"{media.rejected()}\r\n" for media in medias]
    return _description(ours, lines), agreed


def read_answer(answer: bytes, ours: LocalAudio) -> Negotiated | None:
    """What an answer to our offer agrees on; None if it accepts none of it. Raises SdpError."""
    chosen = _choose(parse(answer), ours)
    if chosen is None:
        return None
    offered = {PAYLOAD_TYPES[codec]: codec for codec in ours.codecs}
    return _negotiated(chosen, ours, offered, frozenset({_OUR_DTMF}))


def _choose(medias: Sequence[Media], ours: LocalAudio) -> Media | None:
    """The first that we can take."""
    return next((media for media in medias if media.usable and _sounds(media, ours)), None)


def _sounds(media: Media, ours: LocalAudio) -> dict[int, str]:
    """Its payload types of codecs that we have, in its order."""
    codecs = {Encoding(codec): codec for codec in ours.codecs}
    types = media.payload_types()
    return {number: codecs[encoding] for number, encoding in types.items() if encoding in codecs}


def _negotiated(
    media: Media, ours: LocalAudio, offered: Mapping[int, str], dtmf_offered: frozenset[int]
) -> Negotiated:
    """What is agreed with a far end that wrote `media`; `offered` is what we wrote before. Where
    both use a number, ours counts for what comes."""
    assert media.host is not None
    sounds = _sounds(media, ours)
    payload_type, codec = next(iter(sounds.items()))
    events = {n: e.clock for n, e in media.payload_types().items() if e.name == EVENTS}
    return Negotiated(
        media.host,
        media.port,
        codec,
        payload_type,
        {n: c for n, c in sounds.items() if n not in dtmf_offered} | dict(offered),
        next((number for number, clock in events.items() if clock == CLOCK), None),
        dtmf_offered | (events.keys() - offered.keys()),
        _MIRRORED[media.direction],
    )


def _audio(
    port: int, proto: str, types: Mapping[int, str], dtmf: int | None, direction: Direction
) -> str:
    formats = [*types, *([] if dtmf is None else [dtmf])]
    lines = [f"m=audio {port} {proto} {' '.join(map(str, formats))}"]
    lines += [f"a=rtpmap:{number} {codec}/{CLOCK}" for number, codec in types.items()]
    if dtmf is not None:
        lines += [f"a=rtpmap:{dtmf} telephone-event/{CLOCK}", f"a=fmtp:{dtmf} 0-15"]
    lines += ["a=ptime:20", f"a={direction}", ""]
    return "\r\n".join(lines)


def _description(ours: LocalAudio, medias: Sequence[str]) -> bytes:
    return (
        f"v=0\r\no=- {ours.session} {ours.version} IN IP4 {ours.host}\r\ns=-\r\n"
        f"c=IN IP4 {ours.host}\r\nt=0 0\r\n{''.join(medias)}"
    ).encode()
