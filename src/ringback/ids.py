"""Identifiers: UUIDv7 (RFC 9562 section 5.7), from an injected source of chance."""

from __future__ import annotations

import random
import uuid

from ringback.clock import Instant


def new_id(now: Instant, chance: random.Random) -> str:
    """A UUIDv7 whose first 48 bits are the milliseconds of `now`, so that ids sort by time.

    In production `chance` is `random.SystemRandom()`.
    """
    value = _time(now) | chance.getrandbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76  # version
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant
    return str(uuid.UUID(int=value))


def is_id(text: str) -> bool:
    """Whether a text from outside may be looked for as an id: PostgreSQL takes no NUL, and no
    driver half a surrogate pair."""
    return text.isascii() and text.isprintable()


def first_id(at: Instant) -> str:
    """Below every id that is made at `at` or later, and above the others."""
    return str(uuid.UUID(int=_time(at)))


def _time(instant: Instant) -> int:
    return (int(instant * 1000) & 0xFFFF_FFFF_FFFF) << 80
