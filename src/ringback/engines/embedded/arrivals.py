"""Datagrams that have come and wait to be taken, by kind.

More may come than can be taken. Then each kind gets its turns, so that a flood of one holds up and
displaces its own only: new calls neither what ends live ones, nor the ACK that proves a trigger,
nor a trunk's OPTIONS.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from ringback.clock import Instant
from ringback.sip.hop import Hop

MOST_BYTES = 2 * 1024 * 1024
"""The most of one kind that waits. What comes then is dropped, as if the network had lost it."""
_HEAD = 8192
"""Bytes in which the To header is looked for."""
_TO_TAG = re.compile(rb"\n(?:to|t)[ \t]*:[^\r\n]*;[ \t]*tag[ \t]*=", re.IGNORECASE)


class Kind(Enum):
    """In the order of their turns."""

    ANSWER = auto()
    """Responses, and ACKs."""
    WITHIN = auto()
    """Requests within a dialog. They keep their order: a lower CSeq must not come after a higher
    one (RFC 3261 section 12.2.2)."""
    OTHER = auto()
    """OPTIONS and the like."""
    CALL = auto()
    """INVITEs that begin a call, and their CANCELs."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One datagram."""

    data: bytes
    source: Hop
    reached: Instant
    """When it reached this machine."""


class Arrivals:
    """What waits."""

    def __init__(self) -> None:
        self._waiting: dict[Kind, deque[Arrival]] = {kind: deque() for kind in Kind}
        self._bytes = dict.fromkeys(Kind, 0)
        self._turns: deque[Kind] = deque(Kind)

    def __bool__(self) -> bool:
        return any(self._waiting.values())

    def put(self, arrival: Arrival) -> None:
        kind = kind_of(arrival.data)
        if self._bytes[kind] + len(arrival.data) <= MOST_BYTES:
            self._bytes[kind] += len(arrival.data)
            self._waiting[kind].append(arrival)

    def take(self, kinds: Sequence[Kind] = tuple(Kind)) -> Arrival | None:
        """The next that is of one of these kinds: one of each in turn."""
        for _ in range(len(self._turns)):
            kind = self._turns[0]
            self._turns.rotate(-1)
            if kind in kinds and self._waiting[kind]:
                arrival = self._waiting[kind].popleft()
                self._bytes[kind] -= len(arrival.data)
                return arrival
        return None


def kind_of(data: bytes) -> Kind:
    """What a datagram seems to be; whether it is will be seen when it is parsed."""
    start = data[:16].lstrip(b"\r\n").upper()
    if start.startswith((b"SIP/", b"ACK ")):
        return Kind.ANSWER
    if _TO_TAG.search(data, 0, _HEAD):
        return Kind.WITHIN
    return Kind.CALL if start.startswith((b"INVITE ", b"CANCEL ")) else Kind.OTHER
