"""Uploads to telephone audio: 8000 Hz, 16 bit, mono (spec section 7)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

LARGEST_BYTES = 20 * 1024 * 1024
LONGEST_SECONDS = 600
RATE = 8000
_FORMATS = {"WAV", "WAVEX", "FLAC", "OGG", "MP3"}
_MOST_CHANNELS = 8


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
        samples, rate = _read(source)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise BadSound(f"{source}: not a WAV, FLAC, OGG or MP3 file") from error
    if not len(samples):
        raise BadSound(f"{source}: there is no sound in it")
    speech = soxr.resample(samples, rate, RATE) if rate != RATE else samples
    speech = np.clip(speech, -1.0, 1.0)
    unfinished = target.with_suffix(".part")
    target.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(unfinished, speech, RATE, subtype="PCM_16", format="WAV")
    unfinished.replace(target)
    return len(speech) / RATE


def _read(source: Path) -> tuple[np.ndarray, int]:
    with soundfile.SoundFile(source) as file:
        if file.format not in _FORMATS or file.channels > _MOST_CHANNELS:
            raise BadSound(f"{source}: not a WAV, FLAC, OGG or MP3 file")
        longest = LONGEST_SECONDS * file.samplerate
        # A header may promise anything: read no more than may be, and see whether that was all.
        samples = file.read(longest + 1, dtype="float32", always_2d=True)
        if len(samples) > longest:
            raise BadSound(f"{source}: longer than 10 minutes")
        return samples.mean(axis=1), file.samplerate
