"""`ringback accounts`: accounts by hand, and what an extension has in common with them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from ringback.accounts.account_entry import AnyAccountEntry
from ringback.accounts.entries import AccountEntry
from ringback.accounts.names import ADMINISTRATOR
from ringback.cli.changes import make_change
from ringback.cli.lines import say
from ringback.cli.managing import look
from ringback.cli.options import (
    DEFAULT_CONFIG,
    ConfigOption,
    JsonOption,
    print_json,
    print_list,
)
from ringback.cli.pairs import Pairs, flat, read_pairs, shown
from ringback.config import load_config
from ringback.management.accounts import changing, deleting, listing, making, showing
from ringback.management.accounts.listing import Level, Status
from ringback.management.accounts.rows import written_time
from ringback.management.naming import find_place
from ringback.management.paging import whole
from ringback.management.places import Place
from ringback.management.verbs import Act, Done

app = typer.Typer(help="Providers, organizations and users.", no_args_is_help=True)

NameArgument = Annotated[
    str,
    typer.Argument(help="The account by its path or name; an extension as ACCOUNT:EXTENSION."),
]

SET_AT_FIRST = {
    "parent": "cannot be changed",
    "level": "cannot be changed",
    "account": "cannot be changed",
    "balance": "is changed by ringback recharge only",
}


@app.command(name="list")
def list_(
    account: Annotated[str, typer.Option(help="The account by its path or name.")] = ADMINISTRATOR,
    level: Annotated[
        Level | None, typer.Option(help="Only this level; by default all but extensions.")
    ] = None,
    status: Annotated[Status | None, typer.Option(help="Only those.")] = None,
    name: Annotated[str | None, typer.Option(help="Only those whose names begin so.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the accounts below an account."""

    def deed(act: Act) -> list[dict[str, Any]]:
        place = find_place(act.tx, act.actor, account)
        found = whole(
            lambda cursor: listing.accounts(
                act, place.id, level=level, status=status, name=name, cursor=cursor
            )
        )
        return [
            {
                "id": each.id,
                "path": each.path,
                "level": each.level,
                "contact_name": each.contact_name,
                "status": each.status,
                "expires": written_time(each.expires),
            }
            for each in sorted(found, key=lambda each: each.path)
        ]

    print_list(
        look(load_config(config), deed),
        ("account", "level", "contact name", "status", "expires"),
        lambda each: [each[key] for key in ("path", "level", "contact_name", "status", "expires")],
        as_json=as_json,
    )


@app.command()
def show(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Show what is set of an account or extension, what it has and how much it uses."""

    def deed(act: Act) -> dict[str, Any]:
        return showing.account(act, find_place(act.tx, act.actor, name).id).document()

    found = look(load_config(config), deed)
    if as_json:
        print_json(found)
        return
    for key, value in flat(found):
        say(f"{key}: {shown(value)}")


@app.command()
def add(
    path: Annotated[
        str, typer.Argument(help="The path of the new account: its name after the one above.")
    ],
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add an account: ringback accounts add northline/acme plan=retail limits.extensions=20"""
    above, _, name = path.rpartition("/")
    said = read_pairs(pairs or [], AccountEntry, elsewhere={"parent": "write the path before it"})
    values = {**said, "name": name}

    def deed(act: Act) -> Done[str]:
        parent = find_place(act.tx, act.actor, above or ADMINISTRATOR)
        return making.create(act, parent.id, values=values)

    make_change(config, deed, as_json=as_json)


@app.command()
def change(
    name: NameArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change an account or extension; name=NEW renames it."""
    values = read_pairs(pairs or [], AnyAccountEntry, elsewhere=SET_AT_FIRST)
    _at(config, name, lambda act, place: changing.change(act, place.id, values=values), as_json)


@app.command()
def remove(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Take an account or extension out of use that has no live sessions, no money, and nothing
    below it. What names it in records stays readable."""
    _at(config, name, lambda act, place: deleting.remove(act, place.id), as_json)


def _at(config: Path, name: str, deed: Callable[[Act, Place], Done[None]], as_json: bool) -> None:
    make_change(config, lambda act: deed(act, find_place(act.tx, act.actor, name)), as_json=as_json)
