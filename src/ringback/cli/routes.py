"""`ringback routes`: what the setup file says of them, by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from ringback.cli.managing import look
from ringback.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption, print_list
from ringback.cli.pairs import Pairs, read_pairs, shown
from ringback.cli.ways import change
from ringback.config import load_config
from ringback.management import places, routes
from ringback.management.naming import find_route
from ringback.trunks.entries import RouteEntry

app = typer.Typer(help="Which trunks carry the calls to which numbers.", no_args_is_help=True)

PrefixArgument = Annotated[
    str, typer.Argument(help='Leading digits of the numbers, without +; "" for every number.')
]


@app.command(name="list")
def list_(as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """List the routes."""
    print_list(
        look(load_config(config), lambda act: routes.routes(act, places.top(act.tx))),
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
    change(
        config,
        lambda act: routes.add(act, places.top(act.tx), values=said),
        as_json=as_json,
    )


@app.command(name="change")
def change_(
    prefix: PrefixArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change a route, for new calls; prefix=NEW gives it another prefix."""
    said = read_pairs(pairs or [], RouteEntry)
    change(
        config,
        lambda act: routes.change(act, find_route(act.tx, act.actor, prefix), values=said),
        as_json=as_json,
    )


@app.command(name="remove")
def remove_(
    prefix: PrefixArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Remove a route."""
    change(
        config,
        lambda act: routes.remove(act, find_route(act.tx, act.actor, prefix)),
        as_json=as_json,
    )
