"""Converting uploads to telephone audio: 8000 Hz, 16 bit, mono (spec section 7)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

LARGEST_BYTES = 20 * 1024 * 1024
LONGEST_SECONDS = 600
RATE = 8000
_FORMATS = {"WAV", "WAVEX", "FLAC", "OGG", "MP3"}
_MOST_CHANNELS = 8
_BLOCK = 1 << 16
"""Frames read at a time. A small file may hold a very long silence, so the sound is never in memory
as a whole."""


class BadSound(ValueError):
    """The file cannot be used as a sound; the message says why."""


def convert(source: Path, target: Path) -> float:
    """Write `source` to `target` as telephone audio and return its length in seconds.

    Takes WAV, FLAC, OGG and MP3. Raises BadSound; then there is no `target`.
    """
    if not source.is_file():
        raise BadSound(f"{source}: there is no such file")
    if source.stat().st_size > LARGEST_BYTES:
        raise BadSound(f"{source}: larger than 20 MB")
    try:
        speech = np.concatenate([np.empty(0, np.float32), *_telephone_audio(source)])
    except OSError as error:
        raise BadSound(f"{source}: {error.strerror}") from error
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise BadSound(f"{source}: not a WAV, FLAC, OGG or MP3 file") from error
    if not len(speech):
        raise BadSound(f"{source}: there is no sound in it")
    unfinished = target.with_suffix(".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        soundfile.write(unfinished, speech, RATE, subtype="PCM_16", format="WAV")
    except soundfile.LibsndfileError as error:
        raise BadSound(f"{source}: cannot be written to {target.parent} ({error})") from error
    unfinished.replace(target)
    return len(speech) / RATE


def _telephone_audio(source: Path) -> Iterator[np.ndarray]:
    """The sound, piece by piece: one channel, 8000 samples a second, full scale being 1."""
    # The decoder gets the file's descriptor. From a name it would only use the ending, and take
    # `.raw` for a file without a header.
    with source.open("rb") as opened, soundfile.SoundFile(opened.fileno(), closefd=False) as file:
        if file.format not in _FORMATS or file.channels > _MOST_CHANNELS:
            raise BadSound(f"{source}: not a WAV, FLAC, OGG or MP3 file")
        resampler = soxr.ResampleStream(file.samplerate, RATE, 1, dtype="float32")
        left = LONGEST_SECONDS * file.samplerate
        # A header may claim any length: what counts is what can be read.
        while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
            left -= len(block)
            if left < 0:
                raise BadSound(f"{source}: longer than 10 minutes")
            mono = np.clip(np.nan_to_num(block.mean(axis=1)), -1.0, 1.0)
            yield resampler.resample_chunk(mono)
        yield resampler.resample_chunk(np.empty(0, np.float32), last=True)
