"""`ringback sounds folders`: the folders that sounds are in."""

from __future__ import annotations

from typing import Annotated

import typer

from ringback.accounts.names import ADMINISTRATOR
from ringback.cli.changes import make_change
from ringback.cli.managing import look
from ringback.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    print_list,
)
from ringback.config import load_config
from ringback.management.naming import find_place
from ringback.management.sounds import folders, naming
from ringback.management.sounds.folders import ListedFolder
from ringback.management.verbs import Act, Done

app = typer.Typer(help="The folders that sounds are in.", no_args_is_help=True)

OwnerArgument = Annotated[
    str, typer.Argument(help="An account by its path or name, or an extension as ACCOUNT:NAME.")
]
FolderArgument = Annotated[str, typer.Argument(help="The folder, such as /callback.")]
PrivateOption = Annotated[
    bool,
    typer.Option("--private/--shared", help="Whether accounts below are not to see and hear it."),
]


@app.command(name="list")
def list_(
    account: OwnerArgument = ADMINISTRATOR,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the folders that are there for an account or extension, level by level."""

    def deed(act: Act) -> list[ListedFolder]:
        return folders.folders(act, find_place(act.tx, act.actor, account).id)

    rows = [
        {"path": each.path, "of": each.origin, "private": each.private}
        for each in look(load_config(config), deed)
    ]
    print_list(
        rows,
        ("folder", "of", ""),
        lambda row: (row["path"], row["of"], "private" if row["private"] else ""),
        as_json=as_json,
    )


@app.command()
def add(
    account: OwnerArgument,
    path: FolderArgument,
    private: PrivateOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Make a folder."""

    def deed(act: Act) -> Done[str]:
        named = naming.meant(find_place(act.tx, act.actor, account), path)
        return folders.make(act, named.owner_id, path=named.path, private=private)

    make_change(config, deed, as_json=as_json)


@app.command()
def change(
    account: OwnerArgument,
    path: FolderArgument,
    private: PrivateOption,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Make a folder private, or share it with the accounts below."""

    def deed(act: Act) -> Done[None]:
        place = find_place(act.tx, act.actor, account)
        return folders.change(act, naming.find_folder(act.tx, place, path), private=private)

    make_change(config, deed, as_json=as_json)


@app.command()
def remove(
    account: OwnerArgument,
    path: FolderArgument,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Remove an empty folder."""

    def deed(act: Act) -> Done[None]:
        place = find_place(act.tx, act.actor, account)
        return folders.remove(act, naming.find_folder(act.tx, place, path))

    make_change(config, deed, as_json=as_json)
