"""Uploads become telephone audio, or a clear error: whatever is in them, and whatever their decoder
does."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ringback.media.pool import read_wav
from ringback.sounds.convert import BadSound, Converted, convert, shown


def tone(seconds: float = 2, rate: int = 44100) -> np.ndarray:
    return 0.3 * np.sin(np.arange(int(seconds * rate)) * 2 * np.pi * 440 / rate)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "sounds"


def refused(source: Path, folder: Path, name: str | None = "bye.wav") -> str:
    """Why a file is not taken; nothing of it is left."""
    with pytest.raises(BadSound) as found:
        convert(source, folder, name)
    assert not folder.exists() or list(folder.iterdir()) == []
    return str(found.value)


def samples_of(folder: Path, converted: Converted) -> np.ndarray:
    return np.frombuffer(read_wav(folder / converted.file), dtype="<i2")


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
@pytest.mark.parametrize("name", ["in", "in.raw", "in.mp3"])
def test_every_form_is_converted_whatever_the_file_is_called(
    tmp_path: Path, folder: Path, form: str, name: str
) -> None:
    soundfile.write(tmp_path / name, np.stack([tone(), tone()], axis=1), 44100, format=form)
    converted = convert(tmp_path / name, folder)
    assert converted.seconds == pytest.approx(2.0, abs=0.06)
    assert converted.bytes == (folder / converted.file).stat().st_size
    heard = samples_of(folder, converted).astype(float)
    assert np.sqrt(np.mean(heard[4000:12000] ** 2)) == pytest.approx(0.212 * 32768, rel=0.05)


def test_telephone_audio_is_kept_sample_by_sample(tmp_path: Path, folder: Path) -> None:
    samples = np.random.default_rng(1).integers(-32768, 32768, 200_000).astype("int16")
    soundfile.write(tmp_path / "in.wav", samples, 8000)
    converted = convert(tmp_path / "in.wav", folder)
    assert (samples_of(folder, converted) == samples).all()


def test_a_file_is_named_by_what_is_in_it(tmp_path: Path, folder: Path) -> None:
    for number, kind in enumerate(("WAV", "FLAC", "WAV")):
        samples = (tone(1, 8000) * (1 + number // 2) * 10000).astype("int16")
        soundfile.write(tmp_path / str(number), samples, 8000, format=kind)
    first, same, other = (convert(tmp_path / str(number), folder) for number in range(3))
    assert first == same != other
    assert {path.name for path in folder.iterdir()} == {first.file, other.file}
    assert (folder / first.file).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("seconds", [600, 601])
def test_ten_minutes_are_taken_and_no_more(tmp_path: Path, folder: Path, seconds: int) -> None:
    soundfile.write(tmp_path / "in.flac", np.zeros(seconds * 8000, "int16"), 8000)
    if seconds == 600:
        assert convert(tmp_path / "in.flac", folder).seconds == 600.0
    else:
        assert refused(tmp_path / "in.flac", folder) == "bye.wav: longer than 10 minutes"


def test_more_than_20_mb_are_refused(tmp_path: Path, folder: Path) -> None:
    with (tmp_path / "in.wav").open("wb") as file:
        file.truncate(20 * 1024 * 1024 + 1)
    assert refused(tmp_path / "in.wav", folder) == "bye.wav: larger than 20 MB"


def test_what_is_no_number_is_silence(tmp_path: Path, folder: Path) -> None:
    samples = np.array([0.0, np.nan, np.inf, -np.inf, 0.0] * 100)
    soundfile.write(tmp_path / "in.wav", samples, 8000, subtype="FLOAT")
    heard = samples_of(folder, convert(tmp_path / "in.wav", folder))
    assert list(heard[:5]) == [0, 0, 32767, -32768, 0]


def _zip(data: bytes) -> bytes:
    with zipfile.ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("a.wav", data)
    return file.getvalue()


def _tar(data: bytes) -> bytes:
    with tarfile.open(fileobj=(file := io.BytesIO()), mode="w") as archive:
        member = tarfile.TarInfo("a.wav")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


def sound(form: str = "WAV", seconds: float = 2) -> bytes:
    soundfile.write(file := io.BytesIO(), tone(seconds), 44100, format=form)
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"RIFF",
        b"RIFF....WAVEnonsense",
        b"#!/bin/sh\n",
        b"OggS",
        b"fLaC" + bytes(10000),
        b"ID3" + b"\xff" * 10000,
        bytes(100_000),
        b"\xff" * 100_000,
        _zip(sound()),
        _tar(sound()),
    ],
)
def test_what_is_no_sound_is_refused(tmp_path: Path, folder: Path, data: bytes) -> None:
    (tmp_path / "in").write_bytes(data)
    told = refused(tmp_path / "in", folder)
    assert told in (
        "bye.wav: not a WAV, FLAC, OGG or MP3 file",
        "bye.wav: it is damaged or was cut short: upload it whole",
    )


@pytest.mark.parametrize("form", ["AIFF", "AU", "CAF", "W64", "VOC"])
def test_other_forms_are_refused(tmp_path: Path, folder: Path, form: str) -> None:
    soundfile.write(tmp_path / "in", tone(), 44100, format=form, subtype="PCM_16")
    assert refused(tmp_path / "in", folder) == "bye.wav: not a WAV, FLAC, OGG or MP3 file"


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
@pytest.mark.parametrize("form", ["WAV", "WAVEX", "FLAC", "OGG", "MP3"])
def test_what_was_cut_short_is_refused(
    tmp_path: Path, folder: Path, form: str, share: float
) -> None:
    data = sound(form, seconds=10)
    (tmp_path / "in").write_bytes(data[: int(len(data) * share)])
    assert "bye.wav: " in refused(tmp_path / "in", folder)


@pytest.mark.parametrize("claims", [0x7FFF_F000, 0xFFFF_FFFF])
def test_a_header_that_knows_no_length_is_taken(tmp_path: Path, folder: Path, claims: int) -> None:
    """As programs write it that write to a pipe."""
    data = bytearray(sound())
    data[4:8] = data[40:44] = claims.to_bytes(4, "little")
    (tmp_path / "in").write_bytes(data)
    assert convert(tmp_path / "in", folder).seconds == pytest.approx(2.0, abs=0.01)


def test_a_header_that_claims_more_than_there_is(tmp_path: Path, folder: Path) -> None:
    data = bytearray(sound())
    data[40:44] = (1 << 30).to_bytes(4, "little")
    (tmp_path / "in").write_bytes(data)
    assert "cut short" in refused(tmp_path / "in", folder)


def test_a_sound_without_a_sample(tmp_path: Path, folder: Path) -> None:
    soundfile.write(tmp_path / "in.wav", np.zeros(0), 8000)
    assert refused(tmp_path / "in.wav", folder) == "bye.wav: there is no sound in it"


def test_only_a_file_is_read(tmp_path: Path, folder: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero"), tmp_path / "no", Path("a\0")):
        assert refused(path, folder) == "bye.wav: there is no such file"


def test_an_error_names_what_was_uploaded_and_no_path(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "upload-1").write_bytes(b"x")
    for name in ("Bye now.wav", "../../etc/passwd\0\n\x1b[31m\u202e", "x" * 5000):
        message = refused(tmp_path / "upload-1", folder, name)
        assert str(tmp_path) not in message
        assert message.startswith(f"{shown(name)}: ")
    assert shown("Bye now.wav") == "Bye now.wav"
    assert shown("a\0\n\x1b\u202eb") == "a????b"
    assert shown("x" * 5000) == "x" * 79 + "…"
