"""The built-in voice: every word is there, nothing is silent too long, and it is recognised."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringback.media.g711 import Encoder
from ringback.media.pool import read_wav
from ringback.sounds.ear import Ear, Said
from ringback.sounds.english import VOCABULARY, amount_words, duration_words
from ringback.sounds.paths import split
from ringback.sounds.phrases import WORDS, Phrase
from ringback.sounds.speech import BUILT_IN, Voice, recording
from ringback.telephony.port import Sound

LONGEST_SILENCE = 0.120


def voice() -> Voice:
    def missing(name: str) -> None:
        raise AssertionError(f"no recording {name}")

    return Voice(BUILT_IN, missing)


def samples_of(sound: Sound) -> bytes:
    return read_wav(recording(sound.name))


def test_every_phrase_and_word_is_recorded() -> None:
    for phrase in Phrase:
        (sound,) = voice().phrase(phrase)
        assert sound.words == WORDS[phrase]
        assert len(samples_of(sound)) / 16000 == pytest.approx(sound.seconds, abs=1e-4)
    names = {sound.name for sound in voice().sounds()}
    assert {f"en/word-{word}" for word in VOCABULARY} <= names


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
        ("0.005", "GBP", "zero pounds"),
        ("0.01", "GBP", "one penny"),
        ("1.00", "GBP", "one pound"),
        ("-2.50", "GBP", "minus two pounds and fifty pence"),
        ("-2.501", "GBP", "minus two pounds and fifty one pence"),
        ("-0.005", "USD", "minus one cent"),
        ("1000000.00", "EUR", "one million euros"),
        ("500.00", "JPY", "five hundred j p y"),
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


def _silence(sound: Sound, *, lead: bool) -> float:
    samples = np.frombuffer(samples_of(sound), dtype="<i2").astype(float)
    loud = np.flatnonzero(np.abs(samples) > 0.012 * 32768)
    return float(loud[0] if lead else len(samples) - 1 - loud[-1]) / 8000


def test_words_follow_one_another_without_a_pause() -> None:
    """Measured on the samples: the end of any word and the beginning of any other."""
    words = [sound for sound in voice().sounds() if sound.name.startswith("en/word-")]
    lead = max(_silence(sound, lead=True) for sound in words)
    trail = max(_silence(sound, lead=False) for sound in words)
    assert lead + trail <= LONGEST_SILENCE


@pytest.mark.parametrize("amount", ["0.00", "0.01", "1.01", "6.16", "5.20", "38512.66", "-0.88"])
@pytest.mark.parametrize("currency", ["GBP", "EUR", "USD", "CHF"])
def test_a_spoken_amount_has_no_pause(amount: str, currency: str) -> None:
    """Measured on the samples of the whole sentence, its first words included."""
    sounds = [*voice().phrase(Phrase.CREDIT), *voice().amount(Decimal(amount), currency)]
    _assert_no_pause(sounds)


@pytest.mark.parametrize("seconds", [1, 59, 60, 119, 3600, 4980, 86400])
def test_a_spoken_duration_has_no_pause(seconds: float) -> None:
    _assert_no_pause([*voice().phrase(Phrase.YOU_CAN_TALK_FOR), *voice().duration(seconds)])


def _assert_no_pause(sounds: list[Sound]) -> None:
    joined = b"".join(samples_of(sound) for sound in sounds)
    samples = np.frombuffer(joined, dtype="<i2").astype(float)
    loud = np.flatnonzero(np.abs(samples) > 0.012 * 32768)
    assert np.diff(loud).max() / 8000 <= LONGEST_SILENCE


@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
def test_the_ear_recognises_what_is_said_at_any_alignment(codec: str) -> None:
    encoder = Encoder()
    recordings = [
        (sound.words, encoder.encode(samples_of(sound), codec)) for sound in voice().sounds()
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


@pytest.mark.parametrize(
    ("path", "found"),
    [("/a.wav", (0, "/a.wav")), ("//x/a.wav", (1, "/x/a.wav")), ("/////a.wav", (4, "/a.wav"))],
)
def test_levels_of_sound_paths(path: str, found: tuple[int, str]) -> None:
    assert split(path) == found
