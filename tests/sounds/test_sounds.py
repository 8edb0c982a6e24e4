"""The built-in voice: every word is there, nothing is silent too long, and it is recognised."""

from __future__ import annotations

import tracemalloc
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


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("name", ["in", "in.raw", "in.mp3"])
def test_every_form_is_converted_whatever_the_file_is_called(
    tmp_path: Path, form: str, name: str
) -> None:
    sound = 0.3 * np.sin(np.arange(2 * 44100) * 2 * np.pi * 440 / 44100)
    soundfile.write(tmp_path / name, np.stack([sound, sound], axis=1), 44100, format=form)
    target = tmp_path / "out.wav"
    assert convert(tmp_path / name, target) == pytest.approx(2.0, abs=0.06)
    samples = np.frombuffer(read_wav(target), dtype="<i2").astype(float)
    assert np.sqrt(np.mean(samples[4000:12000] ** 2)) == pytest.approx(0.212 * 32768, rel=0.05)


def test_telephone_audio_is_kept_sample_by_sample(tmp_path: Path) -> None:
    samples = np.random.default_rng(1).integers(-32768, 32768, 200_000).astype("int16")
    soundfile.write(tmp_path / "in.wav", samples, 8000)
    convert(tmp_path / "in.wav", tmp_path / "out.wav")
    assert read_wav(tmp_path / "out.wav") == samples.astype("<i2").tobytes()


@pytest.mark.parametrize("seconds", [600, 601])
def test_ten_minutes_are_taken_and_no_more(tmp_path: Path, seconds: int) -> None:
    soundfile.write(tmp_path / "in.flac", np.zeros(seconds * 8000, "int16"), 8000)
    if seconds == 600:
        assert convert(tmp_path / "in.flac", tmp_path / "out.wav") == 600.0
    else:
        with pytest.raises(BadSound, match="longer than 10 minutes"):
            convert(tmp_path / "in.flac", tmp_path / "out.wav")


def test_more_than_20_mb_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "in.wav").open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    with pytest.raises(BadSound, match="20 MB"):
        convert(tmp_path / "in.wav", tmp_path / "out.wav")


def test_a_small_file_with_very_much_silence_takes_little_memory(tmp_path: Path) -> None:
    """Else one of 20 MB could take all there is."""
    with soundfile.SoundFile(tmp_path / "in.flac", "w", 192_000, 8, "PCM_16") as file:
        for _ in range(20):
            file.write(np.zeros((192_000, 8), "int16"))
    assert (tmp_path / "in.flac").stat().st_size < 100_000
    tracemalloc.start()
    try:
        assert convert(tmp_path / "in.flac", tmp_path / "out.wav") == pytest.approx(20.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * 1024 * 1024


def test_what_is_no_number_is_silence(tmp_path: Path) -> None:
    samples = np.array([0.0, np.nan, np.inf, -np.inf, 0.0] * 100)
    soundfile.write(tmp_path / "in.wav", samples, 8000, subtype="FLOAT")
    convert(tmp_path / "in.wav", tmp_path / "out.wav")
    heard = np.frombuffer(read_wav(tmp_path / "out.wav"), dtype="<i2")
    assert list(heard[:5]) == [0, 0, 32767, -32768, 0]


def test_where_a_sound_cannot_be_written_is_told(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    (tmp_path / "b.part").mkdir()
    with pytest.raises(BadSound, match=f"cannot be written to {tmp_path}"):
        convert(tmp_path / "a.wav", tmp_path / "b.wav")


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
