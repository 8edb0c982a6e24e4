"""What one leg hears: one RTP stream from answer to end, whatever it is made of. (Imported by the
worker.)

SSRC, sequence and timestamp are ours and go on without a break over prompt, relay, beep and the
next call (RFC 3550 section 5.1); the marker says where the sound changes.
"""

from __future__ import annotations

import struct

HEADER = struct.Struct("!BBHII")
STEP = 160
"""Timestamp units in 20 ms at 8000 Hz."""
_MARKER = 0x80
_PAUSE = 0.035
"""After so many seconds without a packet its time is not the next one's."""


class OutStream:
    """Makes headers."""

    __slots__ = ("_base", "_event", "_relaying", "_time", "sequence", "ssrc", "timestamp")

    def __init__(self, ssrc: int, sequence: int, timestamp: int) -> None:
        self.ssrc = ssrc
        self.sequence = sequence
        self.timestamp = timestamp
        """Of the last packet."""
        self._time = 0.0
        self._relaying = -1
        self._base = 0
        self._event = 0

    def own(self, payload_type: int, now: float) -> bytes:
        """The header of 20 ms of our own sound."""
        marker = 0
        if self._relaying >= 0 or not self._time:
            marker, self._relaying = _MARKER, -1
            self._skip(now)
        elif now - self._time > _PAUSE:
            self._skip(now)
        else:
            self.timestamp = (self.timestamp + STEP) & 0xFFFFFFFF
        self._time = now
        return self._pack(payload_type | marker, self.timestamp)

    def relayed(
        self, payload_type: int, marker: int, ssrc: int, timestamp: int, now: float
    ) -> bytes:
        """The header of a packet passed on; the sender's spacing of timestamps is kept."""
        if ssrc != self._relaying:
            self._skip(now)
            self._relaying = ssrc
            self._base = self.timestamp - timestamp
            marker = _MARKER
        else:
            self.timestamp = (timestamp + self._base) & 0xFFFFFFFF
        self._time = now
        return self._pack(payload_type | marker, self.timestamp)

    def event(self, payload_type: int, *, first: bool, now: float) -> bytes:
        """The header of an event packet. All of one event bear the time at which it began
        (RFC 4733 section 2.2), however late one of them is sent."""
        self.own(payload_type, now)
        self.sequence = (self.sequence - 1) & 0xFFFF
        if first:
            self._event = self.timestamp
        return self._pack(payload_type | (_MARKER if first else 0), self._event)

    def _skip(self, now: float) -> None:
        """Go on where the time that has passed since the last packet puts us."""
        steps = round((now - self._time) * 50) if self._time else 1
        self.timestamp = (self.timestamp + STEP * max(1, steps)) & 0xFFFFFFFF

    def _pack(self, second: int, timestamp: int) -> bytes:
        self.sequence = (self.sequence + 1) & 0xFFFF
        return HEADER.pack(0x80, second, self.sequence, timestamp, self.ssrc)
