"""Keys as RTP events (RFC 4733). (Imported by the worker.)"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass

KEYS = "0123456789*#ABCD"
MOST_KEYS = 64
"""Keys that may wait to be sent; further ones are dropped."""
_VOLUME = 10
_STEP = 160
"""Timestamp units in 20 ms."""
_PACKETS = 5
"""The updates of an event, 20 ms apart: the key is down for 100 ms."""
_END_PACKETS = 3
_GAP = 4
"""Turns of silence after an event: 80 ms, so that the same key pressed twice counts twice."""
_TURNS = _PACKETS + _END_PACKETS + _GAP

_EVENT = struct.Struct("!BBH")
_LONGEST = 0xFFFF
"""The longest duration that an event packet can state, in timestamp units: 8 s."""
_END = 0x80


@dataclass(slots=True)
class _Press:
    """What the newest packets of a key said."""

    ssrc: int
    event: int
    timestamp: int
    duration: int
    ended: bool

    def goes_on(self, packet: _Press) -> bool:
        """Whether a packet with another timestamp belongs to this press all the same: a new one
        cannot begin before this one is over."""
        if (packet.ssrc, packet.event) != (self.ssrc, self.event):
            return False
        if self.overtook(packet):
            return _since(packet.timestamp, self.timestamp) <= packet.duration + _STEP
        since = _since(self.timestamp, packet.timestamp)
        if packet.ended:
            # Some far ends give each of the packets that end a key a timestamp of its own.
            return since <= self.duration + _STEP
        if self.ended:
            return False
        if since == _LONGEST:
            return True  # held down for so long, it goes on in a segment (section 2.5.1.3)
        # Some far ends give each packet a timestamp of its own.
        return packet.duration >= self.duration and since <= self.duration + _STEP

    def overtook(self, packet: _Press) -> bool:
        """Whether a packet began before this one and came after it."""
        before = _since(packet.timestamp, self.timestamp)
        return packet.ssrc == self.ssrc and 0 < before <= _LONGEST


def _since(sooner: int, later: int) -> int:
    """The timestamp units between two instants."""
    return (later - sooner) & 0xFFFFFFFF


class Receiver:
    """Reports each press of a key once, on its first packet, whichever packets are lost, repeated
    or reordered. It is one SSRC and timestamp (RFC 4733 section 2.2), and what goes on from it."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque(maxlen=32)
        self._newest: _Press | None = None

    def packet(self, ssrc: int, timestamp: int, payload: bytes) -> str | None:
        """The key that this packet begins; None if there is none, or if it was reported already."""
        if len(payload) < _EVENT.size or payload[0] >= len(KEYS):
            return None
        event, flags, duration = _EVENT.unpack_from(payload)
        packet, newest = _Press(ssrc, event, timestamp, duration, bool(flags & _END)), self._newest
        if (ssrc, timestamp) in self._seen:
            if newest is not None and (newest.ssrc, newest.timestamp) == (ssrc, timestamp):
                newest.duration = max(newest.duration, duration)
                newest.ended = newest.ended or packet.ended
            return None
        self._seen.append((ssrc, timestamp))
        goes_on = newest is not None and newest.goes_on(packet)
        if newest is None or not newest.overtook(packet):
            self._newest = packet
        return None if goes_on else KEYS[event]


class Sender:
    """Makes the packets of the keys to send, one in each turn of 20 ms."""

    def __init__(self) -> None:
        self._turns: deque[tuple[bytes, bool] | None] = deque()

    def press(self, keys: str) -> None:
        for key in keys:
            event = KEYS.find(key)
            if event < 0 or len(self._turns) >= MOST_KEYS * _TURNS:
                continue
            for number in range(_PACKETS):
                payload = _EVENT.pack(event, _VOLUME, (number + 1) * _STEP)
                self._turns.append((payload, number == 0))
            last = _EVENT.pack(event, _END | _VOLUME, _PACKETS * _STEP)
            self._turns.extend([(last, False)] * _END_PACKETS)
            self._turns.extend([None] * _GAP)

    @property
    def busy(self) -> bool:
        return bool(self._turns)

    def turn(self) -> tuple[bytes, bool] | None:
        """What to send in this turn: a payload, and whether it is the first of its event; None for
        a pause."""
        return self._turns.popleft()
