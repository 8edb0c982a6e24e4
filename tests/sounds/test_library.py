"""Sounds that owners uploaded: folders by level, prompts that are shadowed, languages, files that
are gone."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert
from tests.sounds.shelves import OWNERS, fill

from ringback.sounds.library import OwnSounds, SoundLibrary
from ringback.sounds.phrases import Phrase
from ringback.store import Store
from ringback.store.models import SoundFolderRow

BYE = f"/prompts/{Phrase.GOODBYE}.wav"
Placed = tuple[str, str, str]
"""Owner, path, language."""


class Shelves:
    """What a session finds."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self.reports: list[str] = []
        self.library = SoundLibrary(folder, self.reports.append)

    def load(
        self,
        sounds: list[Placed],
        paths: list[str],
        *languages: str,
        gone: str = "",
        private: tuple[str, str] | None = None,
    ) -> OwnSounds:
        """The files of the owner `gone` are not there; `private`: the owner and path of a
        folder."""

        def work(tx: Connection) -> OwnSounds:
            fill(tx, sounds)
            for owner, _, language in sounds:
                if owner != gone:
                    (self._folder / f"{owner}-{language}.wav").touch()
            if private is not None:
                row = {"id": "f", "owner_id": private[0], "path": private[1], "private": True}
                tx.execute(insert(SoundFolderRow), row)
            return self.library.load(tx, OWNERS, paths, languages or ("en",))

        found = asyncio.run(self._store.run(work))
        assert self.reports == [], "a unit of work tells nobody anything"
        self.library.tell_missing(found)
        return found

    def said(self, sounds: list[Placed], phrase: Phrase, *languages: str) -> str:
        found = self.load(sounds, [], *languages)
        (sound,) = self.library.announcer(found).phrase(phrase)
        return sound.name


@pytest.fixture
def shelves(store: Store, tmp_path: Path) -> Shelves:
    return Shelves(store, tmp_path)


def test_each_slash_leads_one_level_up(shelves: Shelves) -> None:
    sounds = [(owner, "/a/bye.wav", "en") for owner in OWNERS]
    paths = ["/" * (level + 1) + "a/bye.wav" for level in range(5)]
    found = shelves.load(sounds, paths)
    files = [found.by_path[path].name for path in paths]
    assert files == [f"{owner}-en.wav" for owner in OWNERS]
    assert shelves.reports == []


def test_a_sound_of_another_level_is_missing_and_reported(shelves: Shelves) -> None:
    found = shelves.load([("user", "/bye.wav", "en")], ["/bye.wav", "//bye.wav"])
    assert list(found.by_path) == ["//bye.wav"]
    assert shelves.reports == ["sound /bye.wav"]


def test_a_sound_whose_file_is_gone_is_missing_and_reported(shelves: Shelves) -> None:
    found = shelves.load([("user", "/bye.wav", "en")], ["//bye.wav"], gone="user")
    assert found.by_path == {}
    assert shelves.reports == ["sound //bye.wav"]


@pytest.mark.parametrize(
    ("there", "wanted", "played"),
    [
        (["de", "en", "fr"], ("fr", "de"), "fr"),
        (["de", "en"], ("fr", "de"), "de"),
        (["it", "en"], ("fr", "de"), "en"),
        (["it", "es"], ("fr", "de"), "es"),
        (["pt", "en"], ("pt-BR", "de"), "pt"),
        (["pt", "pt-BR"], ("pt-BR", "de"), "pt-BR"),
    ],
)
def test_a_sound_in_the_language_of_the_session_the_account_english_or_any(
    shelves: Shelves, there: list[str], wanted: tuple[str, str], played: str
) -> None:
    sounds = [("user", "/bye.wav", language) for language in there]
    found = shelves.load(sounds, ["//bye.wav"], *wanted)
    assert found.by_path["//bye.wav"].name == f"user-{played}.wav"


@pytest.mark.parametrize("folder", ["/a", "/a/b"])
def test_what_is_in_a_private_folder_is_its_owner_s_only(shelves: Shelves, folder: str) -> None:
    sounds = [("user", "/a/b/bye.wav", "en"), ("user", "/a_b/bye.wav", "en")]
    paths = ["//a/b/bye.wav", "//a_b/bye.wav"]
    found = shelves.load(sounds, paths, private=("user", folder))
    assert list(found.by_path) == ["//a_b/bye.wav"]
    assert found.missing == ("//a/b/bye.wav",)


def test_an_extension_plays_what_is_in_its_own_private_folder(shelves: Shelves) -> None:
    sounds = [("extension", "/a/bye.wav", "en"), ("extension", BYE, "en"), ("user", BYE, "en")]
    found = shelves.load(sounds, ["/a/bye.wav"], private=("extension", "/a"))
    assert list(found.by_path) == ["/a/bye.wav"]


def test_a_private_folder_shadows_no_prompt_below(shelves: Shelves) -> None:
    sounds = [("user", BYE, "en"), ("provider", BYE, "en")]
    found = shelves.load(sounds, [], private=("user", "/prompts"))
    (sound,) = shelves.library.announcer(found).phrase(Phrase.GOODBYE)
    assert sound.name == "provider-en.wav"


def test_a_prompt_is_shadowed_by_the_nearest_level(shelves: Shelves) -> None:
    sounds = [("provider", BYE, "en"), ("user", BYE, "en")]
    assert shelves.said(sounds, Phrase.GOODBYE, "en") == "user-en.wav"


def test_a_prompt_that_nobody_shadows_is_the_built_in_one(shelves: Shelves) -> None:
    assert shelves.said([("user", BYE, "en")], Phrase.PIN, "en") == "en/pin"


@pytest.mark.parametrize(
    ("sounds", "wanted", "said"),
    [
        ([("user", BYE, "fr")], ("en", "en"), "en/goodbye"),
        ([("user", BYE, "fr")], ("fr", "de"), "user-fr.wav"),
        ([("user", BYE, "de")], ("fr", "de"), "user-de.wav"),
        ([("user", BYE, "it")], ("fr", "de"), "en/goodbye"),
        ([("user", BYE, "en")], ("fr", "de"), "user-en.wav"),
        ([("user", BYE, "de"), ("provider", BYE, "fr")], ("fr", "de"), "provider-fr.wav"),
        ([("user", BYE, "en"), ("provider", BYE, "en-GB")], ("en-GB", "en"), "user-en.wav"),
    ],
)
def test_a_prompt_in_the_language_of_the_session_the_account_or_english(
    shelves: Shelves, sounds: list[Placed], wanted: tuple[str, str], said: str
) -> None:
    assert shelves.said(sounds, Phrase.GOODBYE, *wanted) == said


def test_a_shadow_whose_file_is_gone_leaves_the_prompt_to_the_next_level(
    shelves: Shelves,
) -> None:
    sounds = [("provider", BYE, "en"), ("user", BYE, "en")]
    found = shelves.load(sounds, [], gone="user")
    (sound,) = shelves.library.announcer(found).phrase(Phrase.GOODBYE)
    assert sound.name == "provider-en.wav"
    assert shelves.reports == [f"sound {BYE}"]


def test_numbers_are_shadowed_too(shelves: Shelves) -> None:
    found = shelves.load([("user", "/prompts/word-five.wav", "en")], [])
    announcer = shelves.library.announcer(found)
    names = [sound.name for sound in announcer.credit(Decimal("5.00"), "GBP")]
    assert names == ["en/credit", "user-en.wav", "en/word-pounds"]
    names = [sound.name for sound in announcer.time_left(300)]
    assert names == ["en/you-can-talk-for", "user-en.wav", "en/word-minutes"]


def test_one_announcement_never_mixes_languages(shelves: Shelves) -> None:
    """The words of numbers are there in English only, so all of it is said in English."""
    sounds = [("user", "/prompts/credit.wav", "fr"), ("user", "/prompts/word-five.wav", "fr")]
    found = shelves.load(sounds, [], "fr", "fr")
    announcer = shelves.library.announcer(found)
    names = [sound.name for sound in announcer.credit(Decimal("5.00"), "GBP")]
    assert names == ["en/credit", "en/word-five", "en/word-pounds"]
    assert [sound.name for sound in announcer.phrase(Phrase.CREDIT)] == ["user-fr.wav"]


def test_a_sound_is_found_by_its_name(tmp_path: Path) -> None:
    library = SoundLibrary(tmp_path, lambda what: None)
    for sound in library.announcer(OwnSounds()).phrase(Phrase.PIN):
        assert library.path(sound.name).is_file()
    assert library.path("user-en.wav") == tmp_path / "user-en.wav"
