"""`ringback phone` at the edges: what it is given, and what is typed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.e2e.ports import free_port

from ringback.cli.phone.phone import Recordings
from ringback.sounds.convert import BadSound


def phone(*arguments: str, typed: Path | None = None) -> subprocess.CompletedProcess[str]:
    with (typed or Path("/dev/null")).open() as keys:
        return subprocess.run(
            [sys.executable, "-m", "ringback", "phone", *arguments],
            stdin=keys,
            capture_output=True,
            text=True,
            timeout=60,
        )


def test_what_is_typed_may_come_from_a_file(tmp_path: Path) -> None:
    typed = tmp_path / "typed"
    typed.write_text("hang\n1\ncall a b@c<d>\ncall\nhang\n" + "x" * 100_000 + "\nquit\n")
    done = phone("--listen", f"localhost:{free_port()}", "--server", "127.0.0.1:9", typed=typed)
    assert (done.returncode, done.stderr) == (0, "")
    assert "there is no call to hang up" in done.stdout
    assert "no call to press keys on" in done.stdout
    assert "that is not a number: write digits" in done.stdout
    assert done.stdout.count("ringing ") == 1
    assert all(len(line) <= 80 for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--listen", "127.0.0.1:99999"], 2, "write it as host:port"),
        (["--server", "5060"], 2, "write it as host:port"),
        (["--server", "nowhere.invalid:5060"], 2, "cannot be looked up"),
        (["--number", "me@home"], 2, "write numbers as digits"),
        (["--listen", "192.0.2.1:5070"], 1, "cannot listen on 192.0.2.1:5070"),
        (["--knows", "none.wav", "--listen", "127.0.0.1:0"], 1, "none.wav: there is no such file"),
    ],
)
def test_what_it_cannot_use(arguments: list[str], status: int, message: str) -> None:
    done = phone(*arguments)
    assert done.returncode == status
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("kind", "subtype", "rate"),
    [("WAV", "ALAW", 8000), ("WAV", "PCM_16", 44100), ("MP3", "MPEG_LAYER_III", 44100)],
)
def test_any_sound_file_can_be_recognised(
    tmp_path: Path, kind: str, subtype: str, rate: int
) -> None:
    path = tmp_path / "bye.sound"
    soundfile.write(path, np.sin(np.arange(rate) / 9) / 2, rate, format=kind, subtype=subtype)
    known = Recordings([path]).encoded("PCMA")
    assert known[-1][0] == "[bye]"
    assert len(known[-1][1]) == pytest.approx(8000, rel=0.2)


def test_what_is_no_sound_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bye.wav"
    path.write_bytes(b"RIFF" + bytes(100))
    with pytest.raises(BadSound, match="not a WAV, FLAC, OGG or MP3 file"):
        Recordings([path])
