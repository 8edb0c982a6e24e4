"""`ringback extensions`: extensions by hand, with their callback setup and access numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from ringback import levels
from ringback.accounts.extension_entry import NewExtension
from ringback.accounts.names import ADMINISTRATOR
from ringback.cli.accounts import SET_AT_FIRST
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
from ringback.cli.pairs import Pairs, flat, read_pairs, shown
from ringback.cli.ways import change
from ringback.config import load_config
from ringback.management.accounts import deleting, showing
from ringback.management.extensions import extensions, listing, setups
from ringback.management.extensions.whole import change_whole
from ringback.management.naming import find_extension, find_place
from ringback.management.paging import whole
from ringback.management.verbs import Act, Done
from ringback.numbering import BadNumber, read_written

app = typer.Typer(help="Extensions, and how they return calls.", no_args_is_help=True)

NameArgument = Annotated[
    str,
    typer.Argument(help="The extension as ACCOUNT:NAME, or by its name if only one has it."),
]
_NUMBERS = (
    ("access_numbers",),
    ("callback", "fixed_number"),
    ("callback", "caller_id_number", "value"),
)


@app.command(name="list")
def list_(
    account: Annotated[str, typer.Option(help="The account by its path or name.")] = ADMINISTRATOR,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the extensions of an account and of those below it."""

    def deed(act: Act) -> list[dict[str, Any]]:
        place = find_place(act.tx, act.actor, account)
        found = whole(lambda cursor: listing.extensions(act, place.id, cursor=cursor))
        return [
            {
                "id": each.id,
                "path": each.path,
                "status": each.status,
                "return_calls": each.return_calls,
                "access_numbers": list(each.access_numbers),
            }
            for each in sorted(found, key=lambda each: each.path)
        ]

    names = ("path", "access_numbers", "return_calls", "status")
    print_list(
        look(load_config(config), deed),
        ("extension", "access numbers", "return calls", "status"),
        lambda each: [shown(each[name]) for name in names],
        as_json=as_json,
    )


@app.command()
def show(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Show an extension with all of its callback setup, the defaults too."""

    def deed(act: Act) -> tuple[dict[str, Any], setups.Setup]:
        id_ = _find(act, name)
        setup = setups.setup(act, id_)
        numbers = listing.extension(act, id_).access_numbers
        document = showing.account(act, id_).document()
        return {
            **document,
            "access_numbers": list(numbers),
            "callback": dict(setup.fields),
        }, setup

    found, setup = look(load_config(config), deed)
    if as_json:
        print_json(found)
        return
    for key, value in flat(found):
        say(f"{key}: {shown(value)}")
    for hint in setup.hints:
        say(f"hint: callback.{hint}")


@app.command()
def add(
    name: NameArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add an extension: ringback extensions add acme:travellers access_numbers=+442071838750
    callback.ring_seconds=8 callback.password=-"""
    account, colon, own = name.partition(":")
    if not colon:
        raise CommandError(f"{name!r}: write ACCOUNT:NAME, such as acme:travellers")
    said = {**_read(pairs), "name": own}

    def deed(act: Act) -> Done[str]:
        id_ = find_place(act.tx, act.actor, account).id
        return extensions.create(act, id_, values=_dialled(act, id_, said))

    change(config, deed, as_json=as_json)


@app.command(name="change")
def change_(
    name: NameArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change an extension; name=NEW renames it."""
    said = _read(pairs, SET_AT_FIRST)

    def deed(act: Act) -> Done[None]:
        id_ = _find(act, name)
        return change_whole(act, id_, values=_dialled(act, id_, said))

    change(config, deed, as_json=as_json)


@app.command()
def remove(
    name: NameArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Take an extension out of use that has no live sessions and no money. What names it in records
    stays readable."""
    change(config, lambda act: deleting.remove(act, _find(act, name)), as_json=as_json)


def _read(
    pairs: Sequence[str] | None, elsewhere: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return read_pairs(pairs or [], NewExtension, secret="callback.password", elsewhere=elsewhere)


def _find(act: Act, name: str) -> str:
    return find_extension(act.tx, act.actor, name).id


def _dialled(act: Act, account_id: str, said: dict[str, Any]) -> dict[str, Any]:
    """What is said, with its numbers read as they are dialled in the country of an account or
    extension; one that cannot be read is left for the verb to refuse."""
    country = levels.of_account(act.tx, account_id)[0].country

    def read(part: Any) -> Any:
        if isinstance(part, list):
            return [read(each) for each in part]
        try:
            return read_written(part, country) if isinstance(part, str) else part
        except BadNumber:
            return part

    def within(part: Any, *path: str) -> Any:
        if not isinstance(part, dict) or path[0] not in part:
            return part
        inner = part[path[0]]
        return {**part, path[0]: within(inner, *path[1:]) if len(path) > 1 else read(inner)}

    for path in _NUMBERS:
        said = within(said, *path)
    return said
