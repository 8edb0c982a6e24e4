"""`ringback routes`: what the setup file says of them, by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from ringback.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption, print_list
from ringback.cli.pairs import read_pairs, shown
from ringback.cli.ways import Pairs, change, stored
from ringback.config import load_config
from ringback.trunks.entries import RouteEntry
from ringback.trunks.routeverbs import add_route, change_route, remove_route

app = typer.Typer(help="Which trunks carry the calls to which numbers.", no_args_is_help=True)

PrefixArgument = Annotated[
    str, typer.Argument(help='Leading digits of the numbers, without +; "" for every number.')
]


@app.command(name="list")
def list_(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the routes."""
    print_list(
        [each.described() for each in stored(load_config(config)).routes],
        ("prefix", "trunks", "weights"),
        lambda route: (
            route["prefix"] or "every number",
            shown(route["trunks"]),
            shown(route["weights"]),
        ),
        as_json=as_json,
    )


@app.command(name="add")
def add_(
    prefix: PrefixArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a route: ringback routes add 44 trunks=london-1,london-2"""
    said = {**read_pairs(pairs or [], RouteEntry), "prefix": prefix}
    change(config, lambda tx, desk: [add_route(tx, said, desk.ids[0])], as_json)


@app.command(name="change")
def change_(
    prefix: PrefixArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change a route, for new calls; prefix=NEW gives it another prefix."""
    said = read_pairs(pairs or [], RouteEntry)
    change(config, lambda tx, desk: [change_route(tx, prefix, said)], as_json)


@app.command(name="remove")
def remove_(
    prefix: PrefixArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Remove a route."""
    change(config, lambda tx, desk: [remove_route(tx, prefix)], as_json)
