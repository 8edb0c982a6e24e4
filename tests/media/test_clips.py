"""Sounds encoded for RTP."""

from __future__ import annotations

import os
import wave
from pathlib import Path

import pytest

from ringback.media import clips as module
from ringback.media.clips import Clips
from ringback.media.g711 import SILENCE


def write(path: Path, samples: bytes, *, rate: int = 8000) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples)


def test_a_sound_is_encoded_once_until_its_file_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    write(path, bytes(320))
    clips = Clips(lambda what: None)
    first = clips.encoded(path, "PCMA")
    assert first is not None and first[1] == SILENCE["PCMA"] * 160
    again = clips.encoded(path, "PCMA")
    assert again is not None and again[1] is first[1]
    write(path, bytes(640))
    os.utime(path, ns=(1, 1))
    changed = clips.encoded(path, "PCMA")
    assert changed is not None and changed[0] != first[0]
    assert len(changed[1]) == 320


def test_a_sound_that_cannot_be_played_is_reported_once(tmp_path: Path) -> None:
    reports: list[str] = []
    clips = Clips(reports.append)
    broken, music, missing = tmp_path / "b.wav", tmp_path / "m.wav", tmp_path / "none.wav"
    broken.write_bytes(b"RIFF")
    write(music, bytes(320), rate=44_100)
    for path in (broken, music, missing, broken):
        assert clips.encoded(path, "PCMA") is None
    assert len(reports) == 3
    assert "m.wav" in reports[1] and "8000 Hz" in reports[1]


def test_what_was_used_least_recently_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 400)
    clips = Clips(lambda what: None)
    kept = []
    for name in ("a", "b", "a", "c", "a"):
        write(tmp_path / name, bytes(320))
        os.utime(tmp_path / name, ns=(1, 1))
        found = clips.encoded(tmp_path / name, "PCMA")
        assert found is not None
        kept.append(found[1])
    assert kept[0] is kept[2] is kept[4]
    again = clips.encoded(tmp_path / "b", "PCMA")
    assert again is not None and again[1] is not kept[1]
