"""Ports for processes that are told theirs, disjoint between test runs at the same time.

They are below those that the system gives to whoever asks for any, and each is given once, until
all have been. A run holds a TCP port of its own for as long as it lasts: the range is its.
"""

from __future__ import annotations

import functools
import itertools
import socket
from collections.abc import Iterator

from tests.e2e.sipp import LOCAL

_FIRST_LOCK = 15_900
_FIRST, _RANGES, _EACH = 16_000, 8, 1_000
_MEDIA = 400
"""From so far on in a range they are for media, four at a time."""


_FIRST_RTP, _SERVERS, _RTP = 36_000, 6, 600
"""The first of all servers' RTP ports; how many servers a run may have at once, and with how many
ports each. They may be the system's to give: a server passes over what somebody has."""


@functools.cache
def _range() -> tuple[socket.socket, Iterator[int], Iterator[int], Iterator[int]]:
    for number in range(_RANGES):
        lock = socket.socket()
        try:
            lock.bind((LOCAL, _FIRST_LOCK + number))
        except OSError:
            lock.close()
            continue
        first, last = _FIRST + number * _EACH, _FIRST + (number + 1) * _EACH
        single = itertools.cycle(range(first, first + _MEDIA))
        media = itertools.cycle(range(first + _MEDIA, last, 4))
        first_rtp = _FIRST_RTP + number * _SERVERS * _RTP
        rtp = itertools.cycle(range(first_rtp, first_rtp + _SERVERS * _RTP, _RTP))
        return lock, single, media, rtp
    raise AssertionError(f"{_RANGES} test runs are under way already")


def free_port() -> int:
    """A UDP port that nobody has."""
    return next(port for port in _range()[1] if _is_free(port))


def media_ports() -> Iterator[int]:
    """The first of four UDP ports, again and again: SIPp binds them for sound and picture."""
    while True:
        yield next(port for port in _range()[2] if all(_is_free(port + n) for n in range(4)))


def rtp_ports() -> str:
    """The RTP ports of a server: `[sip] rtp_ports`."""
    first = next(_range()[3])
    return f"{first}-{first + _RTP - 1}"


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((LOCAL, port))
        except OSError:
            return False
    return True
