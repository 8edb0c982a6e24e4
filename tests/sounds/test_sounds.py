"""The built-in voice: every word is there, nothing is silent too long, and it is recognised."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from ringback.media.g711 import Encoder
from ringback.media.pool import read_wav
from ringback.sounds.convert import BadSound, convert
from ringback.sounds.ear import Ear, Said
from ringback.sounds.english import VOCABULARY, amount_words, duration_words
from ringback.sounds.library import split
from ringback.sounds.phrases import WORDS, Phrase
from ringback.sounds.speech import BUILT_IN, Voice
from ringback.telephony.port import Clip

LONGEST_SILENCE = 0.120


def voice() -> Voice:
    def missing(name: str) -> None:
        raise AssertionError(f"no recording {name}")

    return Voice(BUILT_IN, missing)


def test_every_phrase_and_word_is_recorded() -> None:
    for phrase in Phrase:
        (clip,) = voice().phrase(phrase)
        assert clip.words == WORDS[phrase]
        assert len(read_wav(clip.path)) / 16000 == pytest.approx(clip.seconds, abs=1e-4)
    names = {clip.path.stem for clip in voice().clips()}
    assert {f"word-{word}" for word in VOCABULARY} <= names


@given(
    st.decimals(min_value=0, max_value=10**12 - 1, places=6),
    st.sampled_from(["GBP", "USD", "EUR", "CHF", "JPY"]),
)
def test_amounts_use_recorded_words_only(amount: Decimal, currency: str) -> None:
    assert set(amount_words(amount, currency)) <= set(VOCABULARY)


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        ("5.20", "GBP", "five pounds and twenty pence"),
        ("1.01", "USD", "one dollar and one cent"),
        ("0.00", "EUR", "zero euros"),
        ("0.999999", "GBP", "ninety nine pence"),
        ("-2.50", "GBP", "minus two pounds and fifty pence"),
        ("1234.00", "GBP", "one thousand two hundred and thirty four pounds"),
        ("7.05", "CHF", "seven point zero five c h f"),
    ],
)
def test_amounts(amount: str, currency: str, words: str) -> None:
    assert " ".join(amount_words(Decimal(amount), currency)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (59.9, "fifty nine seconds"),
        (60, "one minute"),
        (3725, "one hour and two minutes"),
        (1, "one second"),
    ],
)
def test_durations_never_say_more_than_there_is(seconds: float, words: str) -> None:
    assert " ".join(duration_words(seconds)) == words


def _silence(clip: Clip, *, lead: bool) -> float:
    samples = np.frombuffer(read_wav(clip.path), dtype="<i2").astype(float)
    loud = np.flatnonzero(np.abs(samples) > 0.012 * 32768)
    return float(loud[0] if lead else len(samples) - 1 - loud[-1]) / 8000


def test_words_follow_one_another_without_a_pause() -> None:
    """Measured on the samples: the end of any word and the beginning of any other."""
    words = [clip for clip in voice().clips() if clip.path.stem.startswith("word-")]
    lead = max(_silence(clip, lead=True) for clip in words)
    trail = max(_silence(clip, lead=False) for clip in words)
    assert lead + trail <= LONGEST_SILENCE


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
def test_the_ear_recognises_what_is_said_at_any_alignment(codec: str) -> None:
    encoder = Encoder()
    recordings = [
        (clip.words, encoder.encode(read_wav(clip.path), codec)) for clip in voice().clips()
    ]
    known = dict(recordings)
    sentence = [WORDS[Phrase.CREDIT], "five", "pounds", "and", "twenty", "pence"]
    silence = encoder.encode(bytes(2), codec)
    sound = silence * 37 + b"".join(known[words] for words in sentence) + silence * 4000
    heard: list[Said] = []
    ear = Ear(recordings, heard.append)
    for start in range(0, len(sound), 160):
        if start != 3200:  # one packet is lost
            ear.hear(sound[start : start + 160])
    ear.end()
    assert [said.words for said in heard] == sentence


def test_conversion_keeps_telephone_audio_and_refuses_the_rest(tmp_path: Path) -> None:
    target = tmp_path / "out.wav"
    soundfile.write(tmp_path / "in.flac", np.zeros((44100, 2)), 44100)
    assert convert(tmp_path / "in.flac", target) == pytest.approx(1.0, abs=0.01)
    assert len(read_wav(target)) == pytest.approx(16000, abs=40)
    (tmp_path / "bad.wav").write_bytes(b"RIFF....WAVEnonsense")
    with pytest.raises(BadSound, match="not a WAV"):
        convert(tmp_path / "bad.wav", tmp_path / "none.wav")
    with pytest.raises(BadSound, match="no such file"):
        convert(tmp_path / "absent.wav", tmp_path / "none.wav")
    assert not (tmp_path / "none.wav").exists()


@pytest.mark.parametrize(
    ("path", "found"),
    [("/a.wav", (0, "/a.wav")), ("//x/a.wav", (1, "/x/a.wav")), ("/////a.wav", (4, "/a.wav"))],
)
def test_levels_of_sound_paths(path: str, found: tuple[int, str]) -> None:
    assert split(path) == found
