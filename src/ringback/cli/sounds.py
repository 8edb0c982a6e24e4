"""`ringback sounds`: sounds of accounts and extensions, and their folders."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ringback.accounts.names import ADMINISTRATOR
from ringback.cli import soundfolders
from ringback.cli.changes import make_change
from ringback.cli.lines import say
from ringback.cli.managing import look
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
    JsonOption,
    print_json,
    print_list,
)
from ringback.config import load_config
from ringback.management.naming import find_place
from ringback.management.sounds import changing, listing, naming
from ringback.management.sounds.listing import ListedSound, SoundVariant
from ringback.management.verbs import Act, Done
from ringback.server.run import sounds_path
from ringback.sounds.convert import convert
from ringback.sounds.files import held
from ringback.sounds.library import SoundLibrary

app = typer.Typer(help="Sounds that callers hear, and their folders.", no_args_is_help=True)
app.add_typer(soundfolders.app, name="folders")

OwnerArgument = Annotated[
    str, typer.Argument(help="An account by its path or name, or an extension as ACCOUNT:NAME.")
]
PathArgument = Annotated[
    str,
    typer.Argument(
        help="Where it is: / for the folder of the account or extension named, and one more / for "
        "each level up."
    ),
]
LanguageOption = Annotated[
    str | None, typer.Option(help="The language, as in BCP 47, such as en or pt-BR.")
]


@app.command(name="list")
def list_(
    account: OwnerArgument = ADMINISTRATOR,
    folder: Annotated[str | None, typer.Option(help="Only what is in this folder.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the sounds that are there for an account or extension, level by level."""
    _print(config, account, as_json=as_json, folder=folder)


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="A part of the path, or of a prompt's words.")],
    account: OwnerArgument = ADMINISTRATOR,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List those whose name, or words, contain a text."""
    _print(config, account, as_json=as_json, text=text)


def _print(config: Path, account: str, *, as_json: bool, **how: Any) -> None:
    def deed(act: Act) -> list[ListedSound]:
        place = find_place(act.tx, act.actor, account)
        found: list[ListedSound] = []
        after = listing.START
        while page := listing.sounds(act, place.id, after=after, **how):
            found += page
            after = page[-1].after
        return found

    rows = [_described(each) for each in look(load_config(config), deed)]
    print_list(rows, ("sound", "of", "languages", "length", "words"), _cells, as_json=as_json)


def _described(sound: ListedSound) -> dict[str, Any]:
    return {
        "path": sound.path,
        "of": sound.origin,
        "languages": {
            each.language: {
                "length": each.length,
                "seconds": each.seconds,
                "bytes": each.bytes,
                "built_in": each.built_in,
            }
            for each in sound.variants
        },
        "words": sound.words,
    }


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    variants = row["languages"]
    lengths = "\n".join(each["length"] for each in variants.values())
    return row["path"], row["of"], "\n".join(variants), lengths, row["words"] or ""


@app.command()
def get(
    account: OwnerArgument,
    path: PathArgument,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show one sound."""
    found = _described(look(load_config(config), _seen(account, path)))
    if as_json:
        print_json(found)
        return
    say(f"{found['path']} of {found['of']}")
    for language, each in found["languages"].items():
        kind = ", built in" if each["built_in"] else ""
        say(f"  {language}  {each['length']}  {each['bytes'] / 1024:.0f} kB{kind}")
    if found["words"]:
        say(f"  says: {found['words']}")


def _seen(account: str, path: str) -> Callable[[Act], ListedSound]:
    def deed(act: Act) -> ListedSound:
        place = find_place(act.tx, act.actor, account)
        sound_id = naming.find_sound(act.tx, place, path)
        return listing.sound(act, place.id, sound_id=sound_id)

    return deed


@app.command()
def add(
    account: OwnerArgument,
    path: PathArgument,
    file: Annotated[Path, typer.Argument(help="WAV, FLAC, OGG or MP3: up to 20 MB, 10 minutes.")],
    language: Annotated[str, typer.Option(help="The language, as in BCP 47.")] = "en",
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a sound, or a language of one, or replace it: ringback sounds add acme /bye.wav bye.mp3

    /prompts/NAME.wav is heard in place of a built-in prompt, by all below the account."""
    loaded = load_config(config)
    folder = sounds_path(loaded)
    with held(folder):
        upload = convert(file, folder, str(file))

        def deed(act: Act) -> Done[str]:
            named = naming.meant(find_place(act.tx, act.actor, account), path)
            return changing.put(
                act, named.owner_id, path=named.path, language=language, upload=upload
            )

        make_change(config, deed, as_json=as_json)


@app.command()
def change(
    account: OwnerArgument,
    path: PathArgument,
    new_path: Annotated[str, typer.Argument(help="Its new path, in the folder of its owner.")],
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Rename a sound, or move it to another folder."""

    def deed(act: Act) -> Done[None]:
        place = find_place(act.tx, act.actor, account)
        return changing.rename(act, naming.find_stored(act.tx, place, path), path=new_path)

    make_change(config, deed, as_json=as_json)


@app.command()
def remove(
    account: OwnerArgument,
    path: PathArgument,
    language: LanguageOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Remove a sound that no setup names, or one of its languages."""

    def deed(act: Act) -> Done[None]:
        place = find_place(act.tx, act.actor, account)
        sound_id = naming.find_stored(act.tx, place, path)
        return changing.remove(act, sound_id, language=language)

    make_change(config, deed, as_json=as_json)


@app.command()
def download(
    account: OwnerArgument,
    path: PathArgument,
    file: Annotated[Path, typer.Argument(help="Where to write it, as WAV.")],
    language: LanguageOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a sound to a file, as callers hear it."""
    loaded = load_config(config)
    variant = _variant(look(loaded, _seen(account, path)), language)
    library = SoundLibrary(sounds_path(loaded), lambda missing: None)
    with library.path(variant.file).open("rb") as stored, file.open("xb") as target:
        shutil.copyfileobj(stored, target)
    say(f"wrote {file}: {variant.language}, {variant.length}")


def _variant(sound: ListedSound, language: str | None) -> SoundVariant:
    fitting = [each for each in sound.variants if language in (None, each.language)]
    if len(fitting) != 1:
        there = ", ".join(each.language for each in sound.variants)
        raise CommandError(f"{sound.path} is there in {there}: name one with --language")
    return fitting[0]
