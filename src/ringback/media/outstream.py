"""What one leg hears: one RTP stream from answer to end, whatever it is made of. (Imported by the
worker.)

SSRC, sequence and timestamp are ours and go on without a break over prompt, relay, beep and the
next call (RFC 3550 section 5.1); the marker says where the sound changes. Within what is passed on
the sender's spacing of sequence and timestamp is kept, so that the far end sees what was lost,
repeated or overtaken on the way to us.
"""

from __future__ import annotations

import struct

HEADER = struct.Struct("!BBHII")
STEP = 160
"""Timestamp units in 20 ms at 8000 Hz."""
_MARKER = 0x80
_PAUSE = 0.035
"""After so many seconds without a packet its time is not the next one's."""
_MOST_LOST = 1000
_MOST_LATE = 16
"""A sender whose sequence leaps further, forward or back, has begun anew."""
_OWN = -1

_pack, _pack_into = HEADER.pack, HEADER.pack_into


class OutStream:
    """Makes headers."""

    __slots__ = (
        "_event",
        "_marked",
        "_relaying",
        "_sequence_offset",
        "_taken",
        "_time",
        "_time_offset",
        "sequence",
        "ssrc",
        "timestamp",
    )

    def __init__(self, ssrc: int, sequence: int, timestamp: int) -> None:
        self.ssrc = ssrc
        self.sequence = sequence
        self.timestamp = timestamp
        """Of the last packet."""
        self._time = 0.0
        self._marked = True
        self._event = 0
        self._relaying = _OWN
        """The SSRC that is passed on."""
        self._taken = 0
        """Its newest sequence number."""
        self._sequence_offset = 0
        self._time_offset = 0

    def mark(self) -> None:
        """The sound changes: the next packet bears the marker."""
        self._marked = True

    def part(self) -> None:
        """What is passed on is interrupted by packets that are not, and do not count as lost."""
        if self._relaying != _OWN:
            self._relaying = _OWN
            self._marked = True

    def own(self, payload_type: int, now: float) -> bytes:
        """The header of 20 ms of our own sound."""
        self._go_on(now)
        if self._marked:
            self._marked = False
            payload_type |= _MARKER
        return _pack(0x80, payload_type, self.sequence, self.timestamp, self.ssrc)

    def event(self, payload_type: int, *, first: bool, now: float) -> bytes:
        """The header of an event packet. All of one event bear the time at which it began
        (RFC 4733 section 2.2), however late one of them is sent."""
        self._go_on(now)
        self._marked = True
        if first:
            self._event = self.timestamp
            payload_type |= _MARKER
        return _pack(0x80, payload_type, self.sequence, self._event, self.ssrc)

    def relay(
        self,
        packet: bytearray,
        payload_type: int,
        sequence: int,
        timestamp: int,
        ssrc: int,
        now: float,
    ) -> None:
        """Give the packet, in place, the header with which it is passed on. `payload_type` comes
        with the marker, if it bore one."""
        step = (sequence - self._taken) & 0xFFFF
        if ssrc != self._relaying or _MOST_LOST < step < 0x10000 - _MOST_LATE:
            self._skip(now)
            self._relaying = ssrc
            self._sequence_offset = self.sequence + 1 - sequence
            self._time_offset = self.timestamp - timestamp
            self._marked = False
            payload_type |= _MARKER
            step = 1
        ours = (sequence + self._sequence_offset) & 0xFFFF
        timestamp = (timestamp + self._time_offset) & 0xFFFFFFFF
        if step <= _MOST_LOST:  # else it was overtaken, and others came after it already
            self._taken = sequence
            self.sequence = ours
            self.timestamp = timestamp
            self._time = now
        _pack_into(packet, 0, 0x80, payload_type, ours, timestamp, self.ssrc)

    def _go_on(self, now: float) -> None:
        if self._relaying != _OWN:
            self._relaying = _OWN
            self._marked = True
            self._skip(now)
        elif not self._time or now - self._time > _PAUSE:
            self._skip(now)
        else:
            self.timestamp = (self.timestamp + STEP) & 0xFFFFFFFF
        self._time = now
        self.sequence = (self.sequence + 1) & 0xFFFF

    def _skip(self, now: float) -> None:
        """Go on where the time that has passed since the last packet puts us."""
        steps = round((now - self._time) * 50) if self._time else 1
        self.timestamp = (self.timestamp + STEP * max(1, steps)) & 0xFFFFFFFF
