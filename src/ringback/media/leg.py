"""One leg's media within a worker: what it takes, plays, passes on and sends. (Imported by the
worker.)

Sockets and time are handed in; a leg is told what came and asked what it sends in a turn.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ringback.media.dtmf import Receiver, Sender
from ringback.media.g711 import SILENCE, TRANSLATE
from ringback.media.outstream import OutStream
from ringback.media.sources import Address, Source

FRAME = 160
"""Samples in 20 ms."""

_FIXED = struct.Struct("!BBHII")
_SMALLEST = 12


@dataclass(slots=True)
class Playback:
    """Sound that is being played: encoded, joined, 20 ms at a time."""

    number: int
    sound: bytes
    loop: bool
    place: int = 0

    def frame(self, silence: bytes) -> bytes | None:
        """The next 20 ms; None when it is over."""
        if self.place >= len(self.sound):
            if not self.loop or not self.sound:
                return None
            self.place = 0
        frame = self.sound[self.place : self.place + FRAME]
        self.place += FRAME
        if len(frame) < FRAME and self.loop:
            rest = FRAME - len(frame)
            frame += self.sound[:rest]
            self.place = rest
        return frame if len(frame) == FRAME else frame + silence * (FRAME - len(frame))


class Leg:
    """The media of one leg."""

    def __init__(
        self, number: int, send: Callable[[bytes], None], tell: Callable[..., None], out: OutStream
    ) -> None:
        """`send` sends a packet to the far end; `tell` gives an event to the controller."""
        self.number = number
        self.send = send
        self.out = out
        self.source = Source()
        self.codec = "PCMA"
        self.payload_type = 8
        self.dtmf_in = -1
        self.dtmf_out = -1
        self.sends = False
        self.hears = False
        self.on_hold = False
        self.partner: Leg | None = None
        """Who hears this leg."""
        self.heard = 0.0
        """When anything valid last came, RTP or RTCP."""
        self.relayed_at = 0.0
        self.dropped = 0
        self.over = False
        self._tell = tell
        self._silence = SILENCE["PCMA"]
        self._playback: Playback | None = None
        self._digits = Sender()
        self._receiver = Receiver()
        self._was_heard = False
        self._translate: bytes | None = None

    def configure(self, message: dict[str, Any], now: float) -> None:
        """A description has been agreed on."""
        self.codec = message["codec"]
        self.payload_type = message["payload_type"]
        self.dtmf_in = message["dtmf_in"]
        self.dtmf_out = message["dtmf_out"]
        self.sends = message["sends"]
        self.on_hold = message["on_hold"]
        self._silence = SILENCE[self.codec]
        self.source.describe(frozenset(message["allowed"]), anywhere=message["anywhere"])
        self.heard = now
        self.hears = True
        self.join(self.partner)

    # In

    def packet(self, data: memoryview, address: Address, now: float) -> None:
        """An RTP packet has come. The hot path: a bridged call runs it a hundred times a
        second."""
        if len(data) < _SMALLEST or not self.hears:
            self.dropped += 1
            return
        first, second, _, timestamp, ssrc = _FIXED.unpack_from(data)
        payload_type = second & 0x7F
        if first & 0xC0 != 0x80 or (
            payload_type != self.payload_type and payload_type != self.dtmf_in
        ):
            self.dropped += 1
            return
        source = self.source
        if ssrc == source.ssrc and address == source.address:
            source.heard = now
        elif not source.accept(address, ssrc, now):
            self.dropped += 1
            return
        self.heard = now
        if not self._was_heard:
            self._was_heard = True
            self._tell("heard", self.number)
        start = _SMALLEST
        if first != 0x80:
            start = _payload_start(data, first)
            if start > len(data):
                self.dropped += 1
                return
        if payload_type == self.dtmf_in:
            digit = self._receiver.packet(ssrc, timestamp, bytes(data[start:]))
            if digit is not None:
                self._tell("digit", self.number, digit=digit, at=now)
            return
        partner = self.partner
        if partner is None or partner.over or self.over:
            return
        if partner._playback is not None or not partner.sends or partner._digits.busy:
            return
        payload = data[start:].tobytes()
        if self._translate is not None:
            payload = payload.translate(self._translate)
        partner.relayed_at = now
        partner.send(
            partner.out.relayed(partner.payload_type, second & 0x80, ssrc, timestamp, now) + payload
        )

    # Verbs

    def join(self, partner: Leg | None) -> None:
        """From now on `partner` hears this leg."""
        self.partner = partner
        self._translate = None
        if partner is not None and partner.codec != self.codec:
            self._translate = TRANSLATE[self.codec, partner.codec]

    def play(self, playback: Playback) -> None:
        self._playback = playback

    def stop(self) -> None:
        self._playback = None

    def press(self, digits: str) -> None:
        if self.dtmf_out >= 0:
            self._digits.press(digits)

    # Out

    def turn(self, now: float) -> None:
        """20 ms have passed: send what is played, a key, or silence where nobody is heard."""
        if not self.sends or self.over:
            return
        if self._digits.busy:
            event = self._digits.turn()
            if event is not None:
                payload, first = event
                header = self.out.event(self.dtmf_out, first=first, now=now)
                self.send(header + payload)
            return
        frame: bytes | None = None
        if self._playback is not None:
            frame = self._playback.frame(self._silence)
            if frame is None:
                self._tell("played", self.number, playback=self._playback.number)
                self._playback = None
        if frame is None:
            if now - self.relayed_at < 0.1:
                return  # the partner is heard
            # One unbroken stream, so that the far end's and every NAT's timers see life.
            frame = self._silence * FRAME
        self.send(self.out.own(self.payload_type, now) + frame)


def _payload_start(data: memoryview, first: int) -> int:
    """Where the payload begins behind contributing sources and an extension (RFC 3550 5.1)."""
    start = _SMALLEST + 4 * (first & 0x0F)
    if first & 0x10 and start + 4 <= len(data):
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4], "big")
    return start
