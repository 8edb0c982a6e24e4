"""`ringback plans`: charging plans, by hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from ringback.accounts.names import ADMINISTRATOR
from ringback.accounts.plan_entries import PlanEntry
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
from ringback.cli.pairs import read_pairs, shown
from ringback.config import Config, load_config
from ringback.management.naming import find_place
from ringback.management.plans import looking, making
from ringback.management.plans.looking import Plan
from ringback.management.plans.whose import find_plan
from ringback.management.verbs import Act, Done
from ringback.reports.sessions import written

app = typer.Typer(help="Charging plans.", no_args_is_help=True)

PlanArgument = Annotated[
    str,
    typer.Argument(
        help="The plan: its name, or ACCOUNT:NAME where plans of several accounts have the name."
    ),
]
Pairs = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...",
        help="Fields as in the setup file; packages=PREFIX:MINUTES,…; KEY= is the default.",
    ),
]
AccountOption = Annotated[str, typer.Option(help="The account by its path or name.")]


@app.command(name="list")
def list_(
    account: AccountOption = ADMINISTRATOR,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """List the plans of an account and of those below it, and those that they were given from
    above."""
    print_list(
        [_described(each) for each in all_plans(load_config(config), account)],
        ("plan", "account", "kind", "limit", "rates", ""),
        lambda plan: (
            plan["name"],
            plan["account"],
            plan["kind"],
            plan["limit"],
            str(plan["rates"]),
            "given" if plan["given"] else "",
        ),
        as_json=as_json,
    )


def all_plans(config: Config, account: str) -> list[Plan]:
    """All of them."""

    def deed(act: Act) -> list[Plan]:
        place = find_place(act.tx, act.actor, account)
        found: list[Plan] = []
        after = None
        while page := looking.plans(act, place.id, after=after):
            found += page
            after = (page[-1].name, page[-1].id)
        return found

    return look(config, deed)


@app.command()
def show(
    plan: PlanArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Show one plan, and who has it."""

    def deed(act: Act) -> dict[str, Any]:
        plan_id = find_plan(act.tx, act.actor, plan)
        holders = looking.given_to(act, plan_id)
        return {
            **_described(looking.plan(act, plan_id)),
            "given_to": [holder.path for holder in holders],
        }

    found = look(load_config(config), deed)
    if as_json:
        print_json(found)
        return
    found["packages"] = [f"{each['prefix']}:{each['minutes']}" for each in found["packages"]]
    for name, value in found.items():
        if name != "id":
            say(f"{name}: {shown(value) or 'none'}")


@app.command()
def add(
    plan: Annotated[
        str, typer.Argument(help="The plan: its name, or ACCOUNT:NAME for an account below admin.")
    ],
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add a plan: ringback plans add acme:retail kind=postpaid limit=50.00 packages=44:100"""
    account, _, name = plan.rpartition(":")
    values = {**_values(pairs), "name": name}

    def deed(act: Act) -> Done[str]:
        place = find_place(act.tx, act.actor, account or ADMINISTRATOR)
        return making.create(act, place.id, values=values)

    make_change(config, deed, as_json=as_json)


@app.command()
def change(
    plan: PlanArgument,
    pairs: Pairs = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change a plan, for all who have it; name=NEW renames it."""
    values = _values(pairs)

    def deed(act: Act) -> Done[None]:
        return making.change(act, find_plan(act.tx, act.actor, plan), values=values)

    make_change(config, deed, as_json=as_json)


@app.command()
def remove(
    plan: PlanArgument, as_json: JsonOption = False, config: ConfigOption = DEFAULT_CONFIG
) -> None:
    """Remove a plan that nobody has, and its rates."""

    def deed(act: Act) -> Done[None]:
        return making.delete(act, find_plan(act.tx, act.actor, plan))

    make_change(config, deed, as_json=as_json)


def _values(pairs: Sequence[str] | None) -> dict[str, Any]:
    own = [pair for pair in pairs or [] if pair.startswith(_PACKAGES)]
    values = read_pairs([pair for pair in pairs or [] if pair not in own], PlanEntry)
    for name in values.keys() - making.FIELDS.keys():
        raise CommandError(f"{name}: write one of {', '.join(making.NAMES)}")
    values = {name: None if value == "" else value for name, value in values.items()}
    for pair in own:
        values["packages"] = _packages(pair.removeprefix(_PACKAGES))
    return values


_PACKAGES = "packages="


def _packages(text: str) -> list[dict[str, Any]] | None:
    found = []
    for part in text.split(",") if text else ():
        prefix, _, minutes = part.strip().partition(":")
        if not minutes.isdecimal():
            raise CommandError(f"packages: {part!r}: write PREFIX:MINUTES, such as 44:100")
        found.append({"prefix": prefix, "minutes": int(minutes)})
    return found or None


def _described(plan: Plan) -> dict[str, Any]:
    return {
        "id": plan.id,
        **plan.settings,
        "account": plan.account,
        "given": plan.given,
        "rates": plan.rates,
        "loaded": written(plan.loaded),
    }
