"""`ringback sounds`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from tests.cli.helpers import Commands

from ringback.cli.options import CommandError
from ringback.sounds.convert import BadSound


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


@pytest.fixture
def bye(tmp_path: Path) -> str:
    path = tmp_path / "bye.flac"
    soundfile.write(path, 0.3 * np.sin(np.arange(3 * 16000) / 9), 16000)
    return str(path)


def listed(ringback: Commands, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(ringback("sounds", *arguments, "--json"))
    return found


def test_from_the_first_to_the_last(ringback: Commands, bye: str, tmp_path: Path) -> None:
    assert ringback("sounds", "add", "acme", "/callback/bye.wav", bye) == (
        "created sound /callback/bye.wav of acme\n"
    )
    assert ringback("sounds", "add", "acme", "/callback/bye.wav", bye) == "nothing changed\n"
    assert ringback(
        *("sounds", "add", "acme:travellers", "//callback/bye.wav", bye, "--language", "de")
    ) == ('sound /callback/bye.wav of acme: languages ["en"] -> ["de", "en"]\n')
    (found,) = listed(ringback, "search", "bye.wav", "acme:travellers")[:1]
    variant = {"length": "00:00:03", "seconds": 3.0, "bytes": 48044, "built_in": False}
    assert found == {
        "path": "//callback/bye.wav",
        "of": "acme",
        "languages": {"de": variant, "en": variant},
        "words": None,
    }
    assert json.loads(
        ringback("sounds", "get", "acme:travellers", "//callback/bye.wav", "--json")
    ) == (found)
    assert ringback("sounds", "get", "acme", "/callback/bye.wav").splitlines() == [
        "/callback/bye.wav of acme",
        "  de  00:00:03  47 kB",
        "  en  00:00:03  47 kB",
    ]
    target = str(tmp_path / "copy.wav")
    download = ("sounds", "download", "acme", "/callback/bye.wav", target)
    with pytest.raises(CommandError, match="is there in de, en: name one with --language"):
        ringback(*download)
    assert ringback(*download, "--language", "de") == f"wrote {target}: de, 00:00:03\n"
    assert soundfile.info(target).frames == 24000
    with pytest.raises(FileExistsError):
        ringback(*download, "--language", "de")
    assert ringback("sounds", "change", "acme", "/callback/bye.wav", "/bye.wav") == (
        "sound /callback/bye.wav of acme: path /callback/bye.wav -> /bye.wav\n"
    )
    ringback("sounds", "remove", "acme", "/bye.wav", "--language", "de")
    assert ringback("sounds", "remove", "acme", "/bye.wav") == "deleted sound /bye.wav of acme\n"
    with pytest.raises(CommandError, match=r"there is no sound /bye\.wav"):
        ringback("sounds", "get", "acme", "/bye.wav")


def test_prompts_are_listed_downloaded_and_put_aside(
    ringback: Commands, bye: str, tmp_path: Path
) -> None:
    (pin,) = listed(ringback, "search", "your pin")
    assert (pin["path"], pin["words"]) == (
        "/prompts/pin.wav",
        "Please enter your PIN, then press hash.",
    )
    assert "Please enter your PIN" in ringback("sounds", "list", "--folder", "/prompts")
    target = tmp_path / "pin.wav"
    ringback("sounds", "download", "acme", "//prompts/pin.wav", str(target))
    assert target.stat().st_size > 10_000
    with pytest.raises(CommandError, match="path: is built in"):
        ringback("sounds", "remove", "admin", "/prompts/pin.wav")
    ringback("sounds", "add", "acme", "/prompts/pin.wav", bye)
    assert [each["path"] for each in listed(ringback, "search", "/pin.wav", "acme")] == [
        "/prompts/pin.wav",
        "//prompts/pin.wav",
    ]


def test_folders(ringback: Commands, bye: str) -> None:
    assert ringback("sounds", "folders", "add", "acme", "/a", "--private") == (
        "created folder /a of acme\n"
    )
    ringback("sounds", "add", "acme", "/a/b/bye.wav", bye)
    assert listed(ringback, "folders", "list", "acme:travellers") == []
    assert ringback("sounds", "folders", "change", "acme", "/a", "--shared") == (
        "folder /a of acme: private true -> false\n"
    )
    assert listed(ringback, "folders", "list", "acme:travellers") == [
        {"path": "//a", "of": "acme", "private": False},
        {"path": "//a/b", "of": "acme", "private": False},
    ]
    with pytest.raises(
        CommandError, match="folder /a is not empty: sounds: 1, folders: 1: remove these first"
    ):
        ringback("sounds", "folders", "remove", "acme", "/a")
    ringback("sounds", "remove", "acme", "/a/b/bye.wav")
    ringback("sounds", "folders", "remove", "acme", "/a/b")
    assert ringback("sounds", "folders", "remove", "acme", "/a") == "deleted folder /a of acme\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "nobody", "/a.wav"), "there is no account 'nobody'"),
        (("add", "acme", "a.wav"), "path: 'a.wav' must begin with one /"),
        (("add", "acme", "/../a.wav"), "path: '/../a.wav' is no path of a sound"),
        (("add", "acme", "///a.wav"), "path: leads 2 levels up, and there are 1 above"),
        (("add", "acme", "/prompts/a.wav"), "path: /prompts is for prompts"),
    ],
)
def test_what_is_refused(
    ringback: Commands, bye: str, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(CommandError) as refused:
        ringback("sounds", *arguments, bye)
    assert message in str(refused.value)


def test_what_is_no_sound(ringback: Commands, tmp_path: Path) -> None:
    with pytest.raises(BadSound, match=r"ringback\.toml: not a WAV, FLAC, OGG or MP3 file"):
        ringback("sounds", "add", "acme", "/a.wav", str(tmp_path / "ringback.toml"))
    assert list((tmp_path / "data" / "sounds").iterdir()) == []
