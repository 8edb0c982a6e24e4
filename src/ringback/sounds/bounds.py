"""What an upload may be and what its decoder may take, and how decoding comes out: what `convert`
and its `decoder` have in common."""

from __future__ import annotations

from enum import IntEnum

RATE = 8000
WAV_HEADER_BYTES = 44
LARGEST_BYTES = 20 * 1024 * 1024
LONGEST_SECONDS = 600

MOST_BYTES_WRITTEN = LONGEST_SECONDS * RATE * 2 + 4096
MEMORY_BYTES = 96 * 1024 * 1024
"""Beside what the program itself takes."""
CPU_SECONDS = 30
WALL_SECONDS = 240
"""Longer than that only because calls go first on a busy machine."""


class Ended(IntEnum):
    """The exit status of a decoder. (Python itself ends with 1 or 2, a signal is negative.)"""

    DONE = 0
    NO_SOUND_FILE = 10
    CUT_SHORT = 11
    TOO_LONG = 12
    NO_ROOM = 13
