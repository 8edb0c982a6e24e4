"""What one leg hears: one RTP stream from answer to end, whatever sounds it consists of. (Imported
by the worker.)

SSRC, sequence and timestamp are ours, and run on without a break over prompt, relay, beep and the
next call (RFC 3550 section 5.1); the marker shows where the sound changes. Relayed packets keep the
sender's spacing of sequence and timestamp, so that the far end sees which of them were lost,
repeated or overtaken on the way to us.
"""

from __future__ import annotations

import struct

HEADER = struct.Struct("!BBHII")
STEP = 160
"""Timestamp units in 20 ms at 8000 Hz."""
_MARKER = 0x80
_PAUSE = 0.035
"""Seconds. After a longer time without a packet, the timestamp skips what has passed."""
_MOST_LOST = 1000
_MOST_LATE = 16
"""If the sequence jumps further than this, forward or back, the sender has begun a new stream."""
_OWN = -1

_pack, _pack_into = HEADER.pack, HEADER.pack_into


class OutStream:
    """Makes the RTP headers."""

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
        """The timestamp of the last packet."""
        self._time = 0.0
        self._marked = True
        self._event = 0
        self._relaying = _OWN
        """The SSRC that is relayed."""
        self._taken = 0
        """Its newest sequence number."""
        self._sequence_offset = 0
        self._time_offset = 0

    def mark(self) -> None:
        """The sound changes: the next packet gets the marker."""
        self._marked = True

    def interrupt(self) -> None:
        """Packets come that are not relayed; the gap that they leave must not look like loss."""
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
        """The header of an event packet. All packets of one event have the timestamp at which it
        began (RFC 4733 section 2.2), however late they are sent."""
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
        """Put on a packet, in place, the header with which it is relayed. `payload_type` includes
        the marker, if the packet had one."""
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
        if step <= _MOST_LOST:  # otherwise it was overtaken by packets that came before it
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
        """Move the timestamp on by the time that has passed since the last packet."""
        steps = round((now - self._time) * 50) if self._time else 1
        self.timestamp = (self.timestamp + STEP * max(1, steps)) & 0xFFFFFFFF
