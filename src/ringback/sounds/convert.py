"""Converting uploads to telephone audio: 8000 Hz, 16 bit, mono (spec section 7).

A process of its own decodes them (`decoder`), so that a file which makes a decoder crash, hang or
take all memory is a bad sound and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedRandom
from pathlib import Path

import ringback
from ringback.sounds import bounds
from ringback.sounds.bounds import RATE, Ended

_DECODER = (sys.executable, "-P", "-m", "ringback.sounds.decoder")
_ENVIRONMENT = {
    "PATH": os.environ.get("PATH", os.defpath),
    "PYTHONPATH": str(Path(ringback.__path__[0]).parent),
    "OPENBLAS_NUM_THREADS": "1",
}
_AT_ONCE = threading.BoundedSemaphore(2)
"""Decoders of one process: many uploads at once wait for each other."""
_LONGEST_NAME = 80
_MESSAGES: Mapping[int, str] = {
    Ended.NO_SOUND_FILE: "not a WAV, FLAC, OGG or MP3 file",
    Ended.CUT_SHORT: "it is damaged or was cut short: upload it whole",
    Ended.TOO_LONG: "longer than 10 minutes",
    Ended.NO_ROOM: "there is no room for it on the server's disk",
}
_TOO_MUCH_WORK = "it takes too long to decode: save it as a plain WAV file with one or two channels"
_OUT_OF_TIME = {-signal.SIGXCPU, -signal.SIGALRM, -signal.SIGKILL}


class BadSound(ValueError):
    """The file cannot be used as a sound; the message says why. It names what was uploaded, never a
    path of the server's."""


@dataclass(frozen=True, slots=True)
class Converted:
    """A converted sound that is in the folder of sounds."""

    file: str
    """Its name there, made of what is in it."""
    seconds: float
    bytes: int
    """What it takes on the disk."""


def convert(source: Path, folder: Path, name: str | None = None) -> Converted:
    """Put `source` into `folder` as telephone audio, under a name made of what is in it: so no file
    there is ever written over, and calls that play one go on. Hold the folder (`files.held`) until
    a row names the file.

    Takes WAV, FLAC, OGG and MP3. `name` is what its owner calls it, by default its path as given.
    Blocks for as long as decoding takes. Raises BadSound; OSError where the folder takes nothing.
    """
    called = shown(str(source) if name is None else name)
    folder.mkdir(parents=True, exist_ok=True)
    with _opened(source, called) as given:
        descriptor, unfinished = tempfile.mkstemp(dir=folder, suffix=".part")
        try:
            with os.fdopen(descriptor, "w+b") as target:
                return _converted(given, target, Path(unfinished), called)
        finally:
            Path(unfinished).unlink(missing_ok=True)


def shown(name: str) -> str:
    """A name that somebody gave a file, as messages may repeat it."""
    plain = "".join(each if each.isprintable() else "?" for each in name)
    return plain if len(plain) <= _LONGEST_NAME else f"{plain[: _LONGEST_NAME - 1]}…"


@contextmanager
def _opened(source: Path, called: str) -> Iterator[int]:
    try:
        # A pipe that nobody writes to would be waited for without end.
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, ValueError) as error:  # ValueError: a NUL in its name
        raise BadSound(f"{called}: there is no such file") from error
    except OSError as error:
        raise BadSound(f"{called}: {error.strerror}") from error
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise BadSound(f"{called}: there is no such file")
        if found.st_size > bounds.LARGEST_BYTES:
            raise BadSound(f"{called}: larger than 20 MB")
        yield descriptor
    finally:
        os.close(descriptor)


def _converted(given: int, target: BufferedRandom, unfinished: Path, called: str) -> Converted:
    header = _header(0)
    target.write(header)
    target.flush()
    with _AT_ONCE:
        _decode(given, target, called)
    samples = (os.fstat(target.fileno()).st_size - len(header)) // 2
    if not samples:
        raise BadSound(f"{called}: there is no sound in it")
    target.seek(0)
    target.write(_header(samples))
    target.truncate(len(header) + samples * 2)
    target.flush()
    os.fsync(target.fileno())
    target.seek(0)
    digest = hashlib.file_digest(target, "sha256").hexdigest()
    named = unfinished.replace(unfinished.with_name(f"{digest[:32]}.wav"))
    return Converted(named.name, samples / RATE, len(header) + samples * 2)


def _decode(given: int, target: BufferedRandom, called: str) -> None:
    try:
        status = subprocess.run(
            _DECODER,
            stdin=given,
            stdout=target,
            stderr=subprocess.DEVNULL,
            env=_ENVIRONMENT,
            cwd="/",
            check=False,
            timeout=bounds.WALL_SECONDS,
        ).returncode
    except subprocess.TimeoutExpired as error:
        raise BadSound(f"{called}: {_TOO_MUCH_WORK}") from error
    if status in _OUT_OF_TIME:
        raise BadSound(f"{called}: {_TOO_MUCH_WORK}")
    if status != Ended.DONE:
        raise BadSound(f"{called}: {_MESSAGES.get(status, 'it cannot be decoded')}")


def _header(samples: int) -> bytes:
    """That of a WAV file."""
    size, width = samples * 2, 2
    form = (b"fmt ", 16, 1, 1, RATE, RATE * width, width, width * 8)
    return struct.pack("<4sI4s 4sIHHIIHH 4sI", b"RIFF", 36 + size, b"WAVE", *form, b"data", size)
