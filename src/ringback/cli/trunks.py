"""`ringback trunks`: what the setup file says of them, by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ringback.cli.lines import say
from ringback.cli.managing import look
from ringback.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    print_json,
    print_list,
)
from ringback.cli.pairs import Pairs, read_pairs, shown
from ringback.cli.trunkfile import read_trunk_file
from ringback.cli.trunktest import ask_trunk
from ringback.cli.ways import change
from ringback.config import load_config
from ringback.management import places, routes, trunks
from ringback.management.naming import find_trunk
from ringback.management.verbs import Act, Done
from ringback.trunks.entries import TrunkEntry
from ringback.trunks.presets import PRESETS

app = typer.Typer(help="The ways to the telephone network.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="The name of the trunk.")]


@app.command(name="list")
def list_(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the trunks with what is set of each."""
    print_list(
        look(load_config(config), lambda act: trunks.trunks(act, places.top(act.tx))),
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
    change(
        config,
        lambda act: trunks.add(act, places.top(act.tx), values=said),
        as_json=as_json,
    )


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
        lambda act: trunks.change(act, find_trunk(act.tx, act.actor, name), values=said),
        as_json=as_json,
    )


@app.command(name="remove")
def remove_(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Remove a trunk that no route names. Its calls go on."""
    change(
        config,
        lambda act: trunks.remove(act, find_trunk(act.tx, act.actor, name)),
        as_json=as_json,
    )


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="A ringback.toml with [[trunk]] and [[route]].")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Bring trunks and routes of a configuration file into the database."""
    found = read_trunk_file(file)

    def put(act: Act) -> Done[None]:
        top = places.top(act.tx)
        done = [
            *(trunks.put(act, top, values=each) for each in found.trunks),
            *(routes.put(act, top, values=each) for each in found.routes),
        ]
        return Done(None, [change for each in done for change in each.changes])

    change(config, put, as_json=as_json, dry_run=dry_run)
    if not dry_run and not as_json:
        say(f"now take the [[trunk]] and [[route]] tables out of {file}: serve refuses them")


@app.command(name="test")
def test_(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Ask a trunk whether it is there and lets us in; exits with 1 if not."""
    loaded = load_config(config)
    trunk = look(loaded, lambda act: trunks.to_test(act, find_trunk(act.tx, act.actor, name)))
    found = asyncio.run(ask_trunk(loaded.sip, trunk))
    if as_json:
        print_json(found.described())
    else:
        for line in found.lines():
            say(line)
    raise typer.Exit(0 if found.works else 1)


def _trunk_pairs(pairs: Sequence[str] | None) -> dict[str, Any]:
    return read_pairs(pairs or [], TrunkEntry, secret="password")
