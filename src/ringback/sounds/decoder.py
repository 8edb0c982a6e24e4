"""The decoder: a program of its own, which makes telephone audio of a sound file.

Decoders are large and written in C, and whoever may upload can hand them anything. So this process
gets nothing but two file descriptors: it reads the sound from 0 and writes samples to 1 (8000 a
second, 16 bit, one channel). Before it reads, it takes everything from itself that decoding does
not need: it can open nothing more, and its memory, its time and what it writes are bounded. How it
came out is its exit status (`Ended`); `convert` starts it.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ringback.sounds import bounds
from ringback.sounds.bounds import LONGEST_SECONDS, RATE, Ended

_FORMATS = {"WAV", "WAVEX", "FLAC", "OGG", "MP3"}
_MOST_CHANNELS = 8
_BLOCK = 1 << 16
"""Frames read at a time. A small file may hold a very long silence, so the sound is never in memory
as a whole."""
_SAMPLE = 1 << 15
_LEAST_READ = 0.98
"""The share of its frames that a file must have: the length of some MP3 files is an estimate."""
_UNKNOWN_LENGTH = 0x7FFF_F000
"""Programs that write a WAV file to a pipe claim so much or more."""
_CLAIMED = re.compile(r"^data : (\w+) \(should be (\d+)\)$", re.MULTILINE)
_PAGE_HEADER = 27
"""Bytes before the table of an Ogg page's segments."""


class _Refused(Exception):
    def __init__(self, ended: Ended) -> None:
        self.ended = ended


def give_up_rights() -> None:
    """Bound what this process may take."""
    os.nice(10)  # calls go first
    signal.alarm(bounds.WALL_SECONDS)  # whoever started it may be gone
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
    taken = int(pages) * resource.getpagesize()
    # The system kills at the hard limit; at the soft one the signal says what it was.
    resource.setrlimit(resource.RLIMIT_CPU, (bounds.CPU_SECONDS, bounds.CPU_SECONDS + 2))
    for limit, most in (
        (resource.RLIMIT_AS, taken + bounds.MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, bounds.MOST_BYTES_WRITTEN),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 0),  # what is open stays open
    ):
        resource.setrlimit(limit, (most, most))


def decode(source: int, target: int) -> Ended:
    """Write the sound in one descriptor to the other as telephone audio."""
    try:
        for samples in _telephone_audio(source):
            _write(target, samples.tobytes())
    except _Refused as refused:
        return refused.ended
    except OSError:
        return Ended.NO_ROOM
    except (soundfile.LibsndfileError, RuntimeError, ValueError):
        return Ended.NO_SOUND_FILE
    return Ended.DONE


def _telephone_audio(source: int) -> Iterator[np.ndarray]:
    # The decoder gets a descriptor. From a name it would only use the ending, and take `.raw` for a
    # file without a header.
    with soundfile.SoundFile(source, closefd=False) as file:
        if file.format not in _FORMATS or file.channels > _MOST_CHANNELS:
            raise _Refused(Ended.NO_SOUND_FILE)
        resampler = soxr.ResampleStream(file.samplerate, RATE, 1, dtype="float32")
        frames, most = 0, LONGEST_SECONDS * file.samplerate
        # A header may claim any length: what counts is what can be read.
        for block in _blocks(file):
            frames += len(block)
            if frames > most:
                raise _Refused(Ended.TOO_LONG)
            mono = np.clip(np.nan_to_num(block.mean(axis=1)), -1.0, 1.0)
            yield _samples(resampler.resample_chunk(mono))
        if not _is_whole(file, frames, source):
            raise _Refused(Ended.CUT_SHORT)
        yield _samples(resampler.resample_chunk(np.empty(0, np.float32), last=True))


def _blocks(file: soundfile.SoundFile) -> Iterator[np.ndarray]:
    try:
        while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
            yield block
    except soundfile.LibsndfileError as error:
        raise _Refused(Ended.CUT_SHORT) from error


def _samples(sound: np.ndarray) -> np.ndarray:
    samples: np.ndarray = np.clip(np.rint(sound * _SAMPLE), -_SAMPLE, _SAMPLE - 1).astype("<i2")
    return samples


def _is_whole(file: soundfile.SoundFile, frames: int, source: int) -> bool:
    """Whether all of it is there, by what the header of its form says."""
    if file.format == "OGG":
        return _has_last_page(source)
    claimed = _CLAIMED.search(file.extra_info)
    if claimed is not None:
        claims = int(claimed[1], 0)
        return claims <= int(claimed[2]) or claims >= _UNKNOWN_LENGTH
    return bool(frames >= _LEAST_READ * file.frames)


def _has_last_page(source: int) -> bool:
    """Whether the last page of an Ogg stream is marked as such and whole (RFC 3533 section 6)."""
    size = os.fstat(source).st_size
    tail = os.pread(source, 1 << 17, max(0, size - (1 << 17)))
    page = tail[tail.rfind(b"OggS") :]
    if len(page) < _PAGE_HEADER or not page[5] & 4:
        return False
    segments = page[_PAGE_HEADER : _PAGE_HEADER + page[26]]
    return len(page) >= _PAGE_HEADER + page[26] + sum(segments)


def _write(target: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(target, rest) :]


if __name__ == "__main__":
    give_up_rights()
    sys.exit(decode(0, 1))
