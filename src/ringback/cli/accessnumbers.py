"""`ringback access-numbers`: who holds them, and where they lead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ringback import levels
from ringback.accounts.names import ADMINISTRATOR
from ringback.cli.managing import look
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
    JsonOption,
    print_list,
)
from ringback.cli.pairs import Pairs, read_pairs, shown
from ringback.cli.ways import change
from ringback.config import Config, load_config
from ringback.faults import Section
from ringback.management.naming import find_place
from ringback.management.numbers import holding, leading, listing
from ringback.management.paging import whole
from ringback.management.verbs import Act, Done
from ringback.numbering import BadNumber, read_written

app = typer.Typer(help="The public numbers that are rung.", no_args_is_help=True)

NumberArgument = Annotated[
    str, typer.Argument(help="The number, with + or as dialled in the server's country.")
]


_LATER = dict.fromkeys(("extension", "position"), "is set by ringback access-numbers change")


class _New(Section):
    """What is said of a number that is added."""

    account: str = ADMINISTRATOR
    destination: str | None = None


class _Changed(_New):
    """What is said of a number that there is."""

    extension: str | None = None
    position: int | None = None


@app.command(name="list")
def list_(
    account: Annotated[str, typer.Option(help="The account by its path or name.")] = ADMINISTRATOR,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the numbers that an account, and what lies below it, holds."""

    def deed(act: Act) -> list[dict[str, Any]]:
        place = find_place(act.tx, act.actor, account)
        found = whole(lambda cursor: listing.access_numbers(act, place.id, cursor=cursor))
        return [
            {
                "number": each.number,
                "account": each.path,
                "extension": each.extension,
                "position": None if each.extension is None else each.position,
                "destination": each.destination,
            }
            for each in found
        ]

    names = ("number", "account", "extension", "position", "destination")
    print_list(
        look(load_config(config), deed),
        names,
        lambda each: [shown(each[name]) for name in names],
        as_json=as_json,
    )


@app.command()
def add(
    number: NumberArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a number, and hand it to an account: ringback access-numbers add +442071838750
    account=acme"""
    said = read_pairs(pairs or [], _New, elsewhere=_LATER)
    e164 = _number(load_config(config), number)

    def deed(act: Act) -> Done[str]:
        place = find_place(act.tx, act.actor, said.get("account", ADMINISTRATOR))
        return holding.add(
            act, place.id, values={"number": e164, **_destination(act, place.id, said)}
        )

    change(config, deed, as_json=as_json)


@app.command(name="change")
def change_(
    number: NumberArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Hand a number to another account, have it lead to an extension, or change its destination:
    ringback access-numbers change +442071838750 account=acme extension=acme:travellers"""
    said = read_pairs(pairs or [], _Changed)
    e164 = _number(load_config(config), number)
    change(config, lambda act: _change(act, e164, said), as_json=as_json)


def _change(act: Act, number: str, said: Mapping[str, Any]) -> Done[None]:
    if "position" in said and "extension" not in said:
        raise CommandError("position: goes with extension only: name both")
    parts: list[Done[None]] = []
    if "account" in said:
        if "extension" in said:
            parts.append(leading.lead(act, number, extension_id=None))
        account = find_place(act.tx, act.actor, said["account"])
        parts.append(holding.hand(act, number, account_id=account.id))
    if "extension" in said:
        name, position = said["extension"], said.get("position")
        to = None if name is None else find_place(act.tx, act.actor, name).id
        parts.append(leading.lead(act, number, extension_id=to, position=position))
    if "destination" in said:
        holder = holding.holder(act.tx, number)
        values = _destination(act, None if holder is None else holder.id, said)
        parts.append(holding.change(act, number, values=values))
    return Done(None, [each for part in parts for each in part.changes])


@app.command()
def remove(
    number: NumberArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Remove a number that leads nowhere."""
    e164 = _number(load_config(config), number)
    change(config, lambda act: holding.remove(act, e164), as_json=as_json)


def _destination(act: Act, holder_id: str | None, said: Mapping[str, Any]) -> dict[str, Any]:
    """The destination that is said, read as dialled in the country of the holder."""
    written = said.get("destination")
    if written is None or holder_id is None:
        return {name: written for name in ("destination",) if name in said}
    country = levels.of_account(act.tx, holder_id)[0].country
    return {"destination": _read(written, country)}


def _number(config: Config, text: str) -> str:
    return _read(text, config.server.home_country)


def _read(text: str, country: str) -> str:
    try:
        return read_written(text, country)
    except BadNumber as error:
        raise CommandError(str(error)) from error
