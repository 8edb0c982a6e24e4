"""`ringback trunks`: what the setup file says of them, by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from ringback.accounts.sealing import trunk_sealer
from ringback.accounts.secrets import load_secrets
from ringback.cli.lines import say
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
    JsonOption,
    print_json,
    print_list,
)
from ringback.cli.pairs import read_pairs, shown
from ringback.cli.trunkfile import read_trunk_file
from ringback.cli.trunktest import ask_trunk
from ringback.cli.ways import Desk, Pairs, change, stored
from ringback.config import load_config
from ringback.server.run import key_path
from ringback.trunks.changes import Altered
from ringback.trunks.entries import TrunkEntry
from ringback.trunks.presets import PRESETS
from ringback.trunks.routeverbs import put_route
from ringback.trunks.stored import opened
from ringback.trunks.trunkverbs import add_trunk, change_trunk, put_trunk, remove_trunk

app = typer.Typer(help="The ways to the telephone network.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The name of the trunk.")]


@app.command(name="list")
def list_(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the trunks with what is set of each."""
    print_list(
        [each.described() for each in stored(load_config(config)).trunks],
        ("trunk", "host", ""),
        lambda trunk: (trunk["name"], trunk.get("host"), _rest(trunk)),
        as_json=as_json,
    )


def _rest(trunk: Mapping[str, Any]) -> str:
    rest = {name: value for name, value in trunk.items() if name not in ("id", "name", "host")}
    return "  ".join(
        f"{name}={shown(value)}" for name, value in rest.items() if value not in (None, [])
    )


@app.command(name="presets")
def list_presets(as_json: JsonOption = False) -> None:
    """List the carriers that Ringback knows."""
    print_list(
        [
            {"name": name, "title": each.title, "page": each.page, **each.values}
            for name, each in PRESETS.items()
        ],
        ("preset", "carrier", "documented at"),
        lambda preset: (preset["name"], preset["title"], preset["page"]),
        as_json=as_json,
    )


@app.command(name="add")
def add_(
    name: NameArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a trunk: ringback trunks add london-1 host=sip.example.net user=acme password=-"""
    said = {**_trunk_pairs(pairs), "name": name}
    change(config, lambda tx, desk: [add_trunk(tx, said, desk.sealer, desk.ids[0])], as_json)


@app.command(name="change")
def change_(
    name: NameArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change a trunk, for new calls; name=NEW renames it."""
    said = _trunk_pairs(pairs)
    change(
        config,
        lambda tx, desk: [change_trunk(tx, name, said, desk.now, desk.sealer, desk.ids[0])],
        as_json,
    )


@app.command(name="remove")
def remove_(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Remove a trunk that no route names. Its calls go on."""
    change(config, lambda tx, desk: [remove_trunk(tx, name, desk.now)], as_json)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="A ringback.toml with [[trunk]] and [[route]].")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Bring trunks and routes of a configuration file into the database."""
    found = read_trunk_file(file)

    def verb(tx: Connection, desk: Desk) -> list[Altered | None]:
        ids = iter(desk.ids)
        return [
            *(put_trunk(tx, each, desk.now, desk.sealer, next(ids)) for each in found.trunks),
            *(put_route(tx, each, next(ids)) for each in found.routes),
        ]

    change(config, verb, as_json, ids=found.count, dry_run=dry_run)
    if not dry_run and not as_json:
        say(f"now take the [[trunk]] and [[route]] tables out of {file}: serve refuses them")


@app.command(name="test")
def test_(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Ask a trunk whether it is there and lets us in; exits with 1 if not."""
    loaded = load_config(config)
    secrets = load_secrets(key_path(loaded), expected=True)
    there = opened(stored(loaded), trunk_sealer(secrets))
    trunk = next((each for each in there.trunks if each.name == name), None)
    if trunk is None:
        raise CommandError(f"there is no trunk {name!r}")
    found = asyncio.run(ask_trunk(loaded.sip, trunk))
    if as_json:
        print_json(found.described())
    else:
        for line in found.lines():
            say(line)
    raise typer.Exit(0 if found.works else 1)


def _trunk_pairs(pairs: Sequence[str] | None) -> dict[str, Any]:
    return read_pairs(pairs or [], TrunkEntry, secret="password")
