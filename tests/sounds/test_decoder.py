"""A decoder that is taken over or goes wrong: a bad sound, and nothing else happens.

In place of the decoder runs a program that gives its rights up as that does and then misbehaves.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ringback.sounds import bounds, convert
from ringback.sounds.convert import BadSound

BEGIN = """
import os, resource, signal, socket, sys
from ringback.sounds import bounds, decoder
bounds.CPU_SECONDS = 1
decoder.give_up_rights()
"""
BROKEN = "bye.wav: it cannot be decoded"
TOO_LONG = (
    "bye.wav: it takes too long to decode: save it as a plain WAV file with one or two channels"
)
NO_ROOM = "bye.wav: there is no room for it on the server's disk"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "upload.wav", np.zeros(8000), 8000)
    return tmp_path / "upload.wav"


def become(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(convert, "_DECODER", (sys.executable, "-P", "-c", BEGIN + program))


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", BROKEN),
        ("sys.exit(1)", BROKEN),
        ("sys.exit(77)", BROKEN),
        ("while True: pass", TOO_LONG),
        ("held = []\nwhile True: held.append(bytes(1 << 20))", BROKEN),
        ("bytes(bounds.MEMORY_BYTES + (1 << 20))", BROKEN),
        ("while True: os.write(1, bytes(1 << 16))", BROKEN),
        ("open('/etc/passwd')", BROKEN),
        ("open('/tmp/ringback-decoder-was-here', 'w')", BROKEN),
        ("socket.socket()", BROKEN),
        ("os.dup(0)", BROKEN),
        ("os.pipe()", BROKEN),
        ("resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))", BROKEN),
    ],
)
def test_a_decoder_that_misbehaves(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch, program: str, told: str
) -> None:
    become(monkeypatch, f"{program}\nos.write(1, bytes(16000))")
    with pytest.raises(BadSound) as refused:
        convert.convert(source, tmp_path / "sounds", "bye.wav")
    assert str(refused.value) == told
    assert list((tmp_path / "sounds").iterdir()) == []


def test_a_decoder_that_sleeps_is_ended(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "WALL_SECONDS", 1)
    become(monkeypatch, "signal.alarm(0)\nsignal.pause()")
    with pytest.raises(BadSound) as refused:
        convert.convert(source, tmp_path / "sounds", "bye.wav")
    assert str(refused.value) == TOO_LONG
    assert list((tmp_path / "sounds").iterdir()) == []


def test_a_decoder_whose_parent_is_gone_ends_by_itself(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(monkeypatch, "signal.alarm(1)\nsignal.pause()")
    with pytest.raises(BadSound) as refused:
        convert.convert(source, tmp_path / "sounds", "bye.wav")
    assert str(refused.value) == TOO_LONG


def test_it_gets_nothing_of_the_server(
    tmp_path: Path, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No variable and no descriptor, and it is told no path."""
    monkeypatch.setenv("RINGBACK_SECRET", "x")
    become(
        monkeypatch,
        "assert set(os.environ) <= {'PATH', 'PYTHONPATH', 'OPENBLAS_NUM_THREADS', 'LC_CTYPE'}\n"
        "assert os.getcwd() == '/' and not sys.argv[1:]\n"
        "for number in range(3, 200):\n"
        "    try: os.fstat(number)\n"
        "    except OSError: continue\n"
        "    sys.exit(1)\n"
        "os.write(1, bytes(16000))",
    )
    opened = source.open("rb")
    assert convert.convert(source, tmp_path / "sounds").seconds == 1.0
    opened.close()


def test_a_bomb_takes_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file with much silence: it is never in memory as a whole."""
    with soundfile.SoundFile(tmp_path / "in.flac", "w", 192_000, 8, "PCM_16") as file:
        for _ in range(20):
            file.write(np.zeros((192_000, 8), "int16"))
    assert (tmp_path / "in.flac").stat().st_size < 100_000
    monkeypatch.setattr(
        convert,
        "_DECODER",
        (
            *(sys.executable, "-P", "-c"),
            "import sys\nfrom ringback.sounds import bounds, decoder\n"
            "bounds.MEMORY_BYTES = 24 << 20\n"
            "decoder.give_up_rights()\nsys.exit(decoder.decode(0, 1))",
        ),
    )
    assert convert.convert(tmp_path / "in.flac", tmp_path).seconds == pytest.approx(20.0)
