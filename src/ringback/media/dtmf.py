"""Keys as RTP events (RFC 4733). (Imported by the worker.)"""

from __future__ import annotations

import struct
from collections import deque

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


class Receiver:
    """Reports each event once, on its first packet, whichever packets are lost, repeated or
    reordered."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque(maxlen=32)
        self._newest: tuple[int, int, int] | None = None

    def packet(self, ssrc: int, timestamp: int, payload: bytes) -> str | None:
        """The key that this packet begins; None if there is none, or if it was reported already."""
        if len(payload) < 4 or payload[0] >= len(KEYS):
            return None
        if (ssrc, timestamp) in self._seen:
            return None
        self._seen.append((ssrc, timestamp))
        before, self._newest = self._newest, (ssrc, timestamp, payload[0])
        if before == (ssrc, (timestamp - _LONGEST) & 0xFFFFFFFF, payload[0]):
            return None  # a key held down goes on in a new segment (RFC 4733 section 2.5.1.3)
        return KEYS[payload[0]]


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
            last = _EVENT.pack(event, 0x80 | _VOLUME, _PACKETS * _STEP)
            self._turns.extend([(last, False)] * _END_PACKETS)
            self._turns.extend([None] * _GAP)

    @property
    def busy(self) -> bool:
        return bool(self._turns)

    def turn(self) -> tuple[bytes, bool] | None:
        """What to send in this turn: a payload, and whether it is the first of its event; None for
        a pause."""
        return self._turns.popleft()
