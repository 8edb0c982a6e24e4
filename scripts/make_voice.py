"""Make the built-in English voice and the tones. Run it once: the results are committed.

Needs espeak-ng. Each recording is trimmed, so that there is no noticeable pause between words that
follow one another, and brought to the same loudness.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ringback.sounds.english import VOCABULARY
from ringback.sounds.phrases import WORDS
from ringback.sounds.speech import BUILT_IN

RATE = 8000
VOICE = "en-gb"
LEAD_SECONDS = 0.015
TRAIL_SECONDS = 0.035
SILENCE = 0.012
"""A share of full scale: what is quieter is not speech."""
LOUDNESS = 0.11
"""RMS of speech as a share of full scale: about -19 dB."""
CREDIT_ENDED = "Your credit has ended. Thank you for calling."
"""The disconnect sound that the demo's owner uploads."""
LETTERS = {"a": "ay", "z": "zed"}

Samples = np.ndarray[tuple[int], np.dtype[np.float64]]


def speak(text: str) -> Samples:
    """A text as espeak-ng speaks it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(
            ["espeak-ng", "-v", VOICE, "-s", "150", "-p", "45", "-w", str(path), text], check=True
        )
        samples, rate = soundfile.read(path, dtype="float64")
    return trim(level(np.asarray(soxr.resample(samples, rate, RATE, quality="VHQ"))))


def level(samples: Samples) -> Samples:
    loud = samples[np.abs(samples) > SILENCE * np.abs(samples).max()]
    scaled: Samples = samples * (LOUDNESS / np.sqrt(np.mean(loud**2)))
    return np.clip(scaled, -0.95, 0.95)


def trim(samples: Samples) -> Samples:
    speech = np.flatnonzero(np.abs(samples) > SILENCE)
    first = max(0, speech[0] - round(LEAD_SECONDS * RATE))
    last = min(len(samples), speech[-1] + round(TRAIL_SECONDS * RATE))
    return samples[first:last]


def tone(seconds: float, *frequencies: float, level: float = 0.12) -> Samples:
    time = np.arange(round(seconds * RATE)) / RATE
    waves = [np.sin(2 * np.pi * frequency * time) for frequency in frequencies]
    return np.asarray(level * np.sum(waves, axis=0) / max(1, len(waves)))


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE))


def fade(samples: Samples) -> Samples:
    """Soften both ends, so that they do not click."""
    edge = np.linspace(0.0, 1.0, round(0.005 * RATE))
    samples[: len(edge)] *= edge
    samples[-len(edge) :] *= edge[::-1]
    return samples


def main() -> None:
    """Write every recording and the manifest."""
    BUILT_IN.mkdir(exist_ok=True)
    recordings: dict[str, tuple[str, Samples]] = {
        phrase.value: (words, speak(words)) for phrase, words in WORDS.items()
    }
    for word in VOCABULARY:
        recordings[f"word-{word}"] = (word, speak(LETTERS.get(word, word)))
    recordings["demo-credit-ended"] = (CREDIT_ENDED, speak(CREDIT_ENDED))
    recordings["beep"] = ("[beep]", fade(tone(0.2, 1020.0, level=0.2)))
    ring = fade(tone(0.4, 400.0, 450.0, level=0.2))
    recordings["ringback"] = (  # the cadence of ITU-T E.180 for the United Kingdom
        "[ringback]",
        np.concatenate([ring, silence(0.2), ring, silence(2.0)]),
    )
    manifest = {}
    for name, (words, samples) in recordings.items():
        soundfile.write(BUILT_IN / f"{name}.wav", samples, RATE, subtype="PCM_16")
        manifest[name] = {"words": words, "seconds": round(len(samples) / RATE, 6)}
    text = json.dumps(manifest, indent=1, ensure_ascii=False, sort_keys=True)
    (BUILT_IN / "manifest.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
