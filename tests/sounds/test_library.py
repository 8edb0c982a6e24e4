"""Sounds that owners uploaded: folders by level, prompts that are shadowed, files that are gone."""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import Connection, insert

from ringback.sounds.library import OwnSounds, SoundLibrary
from ringback.sounds.phrases import Phrase
from ringback.store import InlineStore
from ringback.store.models import SoundRow

OWNERS = ("extension", "user", "organization", "provider", "administrator")
BYE = f"/prompts/{Phrase.GOODBYE}.wav"


def load(
    folder: Path, sounds: list[tuple[str, str, str]], paths: list[str], gone: str = ""
) -> tuple[OwnSounds, list[str]]:
    """What a session finds of `sounds` (owner, path, language), and what is then reported; the
    files of the owner `gone` are not there."""
    reports: list[str] = []
    library = SoundLibrary(folder, reports.append)

    def work(tx: Connection) -> OwnSounds:
        for number, (owner, path, language) in enumerate(sounds):
            name = f"{owner}-{language}.wav"
            tx.execute(
                insert(SoundRow),
                {
                    "id": str(number),
                    "owner_id": owner,
                    "path": path,
                    "language": language,
                    "file": name,
                    "seconds": 1.0,
                },
            )
            if owner != gone:
                (folder / name).touch()
        return library.load(tx, OWNERS, paths, "en")

    found = asyncio.run(InlineStore().run(work))
    assert reports == [], "a unit of work tells nobody anything"
    library.tell_missing(found)
    return found, reports


def test_each_slash_leads_one_level_up(tmp_path: Path) -> None:
    sounds = [(owner, "/a/bye.wav", "en") for owner in OWNERS]
    paths = ["/" * (level + 1) + "a/bye.wav" for level in range(5)]
    found, reports = load(tmp_path, sounds, paths)
    files = [found.by_path[path].name for path in paths]
    assert files == [f"{owner}-en.wav" for owner in OWNERS]
    assert reports == []


def test_a_sound_of_another_level_is_missing_and_reported(tmp_path: Path) -> None:
    found, reports = load(tmp_path, [("user", "/bye.wav", "en")], ["/bye.wav", "//bye.wav"])
    assert list(found.by_path) == ["//bye.wav"]
    assert reports == ["sound /bye.wav"]


def test_a_sound_whose_file_is_gone_is_missing_and_reported(tmp_path: Path) -> None:
    found, reports = load(tmp_path, [("user", "/bye.wav", "en")], ["//bye.wav"], gone="user")
    assert found.by_path == {}
    assert reports == ["sound //bye.wav"]


def test_the_session_s_language_goes_first(tmp_path: Path) -> None:
    sounds = [("user", "/bye.wav", language) for language in ("de", "en", "fr")]
    found, _ = load(tmp_path, sounds, ["//bye.wav"])
    assert found.by_path["//bye.wav"].name == "user-en.wav"


def test_a_prompt_is_shadowed_by_the_nearest_level(tmp_path: Path) -> None:
    found, _ = load(tmp_path, [("provider", BYE, "en"), ("user", BYE, "en")], [])
    assert {phrase: sound.name for phrase, sound in found.shadows.items()} == {
        Phrase.GOODBYE: "user-en.wav"
    }


def test_a_shadow_whose_file_is_gone_leaves_the_prompt_to_the_next_level(tmp_path: Path) -> None:
    found, reports = load(tmp_path, [("provider", BYE, "en"), ("user", BYE, "en")], [], gone="user")
    assert found.shadows[Phrase.GOODBYE].name == "provider-en.wav"
    assert reports == [f"sound {BYE}"]
    found, _ = load(tmp_path, [("user", BYE, "en")], [], gone="user")
    assert found.shadows == {}


def test_a_sound_is_found_by_its_name(tmp_path: Path) -> None:
    library = SoundLibrary(tmp_path, lambda what: None)
    for sound in library.voice("en").sounds():
        assert library.path(sound.name).is_file()
    assert library.path("user-en.wav") == tmp_path / "user-en.wav"
