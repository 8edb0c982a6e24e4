"""`ringback caller-ids`: the authorized callerIDs of extensions, one at a time; and `unlock`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ringback.accounts.entries import CallerIdEntry
from ringback.accounts.names import ADMINISTRATOR
from ringback.cli.callerids.shown import show_list, show_one
from ringback.cli.changes import make_change
from ringback.cli.lines import say
from ringback.cli.managing import look
from ringback.cli.options import DEFAULT_CONFIG, ConfigOption, JsonOption, print_json
from ringback.cli.pairs import read_pairs
from ringback.config import Config, load_config
from ringback.management.caller_ids import found, verbs
from ringback.management.caller_ids.found import CallerId
from ringback.management.caller_ids.lists import Filter, Sort, caller_ids
from ringback.management.caller_ids.locks import unlock
from ringback.management.caller_ids.storing import Written
from ringback.management.naming import find_caller_id, find_place
from ringback.management.paging import LARGEST_PAGE, Page
from ringback.management.verbs import Act, Done

app = typer.Typer(help="Authorized callerIDs of the extensions.", no_args_is_help=True)

NameArgument = Annotated[
    str, typer.Argument(help="ACCOUNT:EXTENSION:NUMBER, or the number if only one has it.")
]
PlaceArgument = Annotated[
    str, typer.Argument(help="ACCOUNT:EXTENSION, or an account for all below it.")
]
ExtensionArgument = Annotated[str, typer.Argument(help="ACCOUNT:EXTENSION.")]
Pairs = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE...", help="Keys of the setup file; pin=- asks for it."),
]
NumberOption = Annotated[
    str | None, typer.Option("--number", help="Only numbers that begin so, typed in any form.")
]
NamesOption = Annotated[str | None, typer.Option("--name", help="Only names that begin so.")]
ReferenceOption = Annotated[
    str | None, typer.Option("--reference", help="Only references that begin so.")
]
EnabledOption = Annotated[
    bool | None, typer.Option("--enabled/--disabled", help="Only those; by default both.")
]


@app.command(name="list")
def list_(
    place: PlaceArgument = ADMINISTRATOR,
    number: NumberOption = None,
    name: NamesOption = None,
    reference: ReferenceOption = None,
    enabled: EnabledOption = None,
    sort: Annotated[Sort, typer.Option(help="The order.")] = Sort.NUMBER,
    descending: Annotated[bool, typer.Option("--descending", help="The last first.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 100,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the callerIDs of an extension, or of an account and all below it."""
    which = Filter(enabled, number, name, reference)

    def deed(act: Act) -> tuple[list[CallerId], Page[CallerId]]:
        place_id = find_place(act.tx, act.actor, place).id
        items: list[CallerId] = []
        cursor = None
        while True:
            page = caller_ids(
                act,
                place_id,
                which=which,
                sort=sort,
                descending=descending,
                limit=min(LARGEST_PAGE, limit - len(items)),
                cursor=cursor,
            )
            items += page.items
            cursor = page.next
            if cursor is None or len(items) == limit:
                return items, page

    items, page = look(load_config(config), deed)
    if as_json:
        print_json([each.document() for each in items])
        return
    show_list(items)
    if page.next is not None:
        say(f"{len(items)} of {page.total}: ask for more with --limit, or for fewer by a filter")


@app.command()
def show(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Show a callerID: what is set, its credit, what locks it."""
    loaded = load_config(config)
    whole = look(loaded, lambda act: found.get(act, _meant(act, loaded, name)))
    if as_json:
        print_json(whole.document())
    else:
        show_one(whole.document())


@app.command()
def add(
    extension: ExtensionArgument,
    number: Annotated[str, typer.Argument(help="The phone number.")],
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a callerID: ringback caller-ids add acme:travellers 07700900123 name="A. Reed" pin=-"""
    values = {**read_values(pairs), "number": number}

    def deed(act: Act) -> Done[Written]:
        return verbs.create(act, find_place(act.tx, act.actor, extension).id, values=values)

    make_change(config, deed, as_json=as_json)


@app.command()
def change(
    name: NameArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change a callerID; number=NEW gives it another number, and it keeps all else."""
    values = read_values(pairs)

    loaded = load_config(config)
    make_change(
        config,
        lambda act: verbs.change(act, _meant(act, loaded, name), values=values),
        as_json=as_json,
    )


@app.command()
def remove(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Take a callerID out of use. What is left of its credit is taken off; its live calls end."""

    loaded = load_config(config)
    make_change(config, lambda act: verbs.delete(act, _meant(act, loaded, name)), as_json=as_json)


@app.command(name="unlock")
def unlock_(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Take off the locks of a callerID that wrong PINs, passwords and claims have caused."""
    loaded = load_config(config)
    make_change(config, lambda act: unlock(act, _meant(act, loaded, name)), as_json=as_json)


def _meant(act: Act, config: Config, name: str) -> str:
    return find_caller_id(act.tx, act.actor, name, config.server.home_country).id


def read_values(pairs: Sequence[str] | None) -> dict[str, Any]:
    """What KEY=VALUE say of a callerID."""
    return read_pairs(pairs or [], CallerIdEntry, secret="pin")
