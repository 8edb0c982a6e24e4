"""`ringback rates check`: which rate a number has."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ringback.accounts.names import ADMINISTRATOR
from ringback.amounts import format_amount
from ringback.charging import decks
from ringback.charging.rating import Rate
from ringback.cli.lines import say
from ringback.cli.managing import look
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
    JsonOption,
    print_json,
    read_time,
)
from ringback.cli.plans import all_plans
from ringback.clock import Instant
from ringback.config import Config, load_config
from ringback.management.naming import find_extension
from ringback.management.places import Kind
from ringback.management.plans import rates
from ringback.management.plans.rates import Looked
from ringback.management.plans.whose import find_plan
from ringback.management.verbs import Act
from ringback.reports.sessions import written


def check(
    number: Annotated[str, typer.Argument(help="A number, as it is dialled.")],
    plan: Annotated[str | None, typer.Option(help="Only by this plan.")] = None,
    extension: Annotated[
        str | None, typer.Option(help="By the plans that pay for this extension's calls.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="When it is dialled, such as 2026-11-05T12:00Z, or else now.")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say which rate a number has, why, and what a call costs. Without an option, by every plan."""
    loaded = load_config(config)
    if plan is not None and extension is not None:
        raise CommandError("name a plan or an extension, not both")
    found = _looked(loaded, number, plan, extension, at)
    if as_json:
        print_json([_described(each) for each in found])
        return
    for each in found:
        for line in explain(each):
            say(line)


def _looked(
    config: Config, number: str, plan: str | None, extension: str | None, at: str | None
) -> list[Looked]:
    when = None if at is None else read_time(at)

    def of_extension(act: Act) -> list[Looked]:
        place = find_extension(act.tx, act.actor, str(extension))
        found = rates.check_extension(act, place.id, number=number, at=when)
        if not found:
            raise CommandError(
                f"{Kind.EXTENSION} {place.path}: neither it nor an account above it has a plan: "
                "calls are refused, no_rate"
            )
        return found

    def of_plan(act: Act, plan_id: str) -> Looked:
        return rates.check(act, plan_id, number=number, at=when)

    if extension is not None:
        return look(config, of_extension)
    if plan is not None:
        return [look(config, lambda act: of_plan(act, find_plan(act.tx, act.actor, plan)))]
    plans = all_plans(config, ADMINISTRATOR)
    return look(config, lambda act: [of_plan(act, each.id) for each in plans])


def explain(looked: Looked) -> list[str]:
    """Lines that say which rate a number has, what a call costs, and why the rate of no longer
    prefix applies."""
    rate = looked.rate
    of = "" if looked.account == ADMINISTRATOR else f" of {looked.account}"
    lines = [f"plan {looked.plan}{of}: {looked.number} "]
    if rate is None:
        lines[0] += "has no valid rate: calls to it are refused, no_rate"
    else:
        lines[0] += f"has the rate of prefix {rate.prefix or '(none)'}, {_period(rate)}"
    for minutes, charge in looked.costs():
        first = "1 minute costs" if minutes == 1 else f"{minutes} minutes cost"
        lines.append(f"  {first} {format_amount(charge.amount)} ({charge.explanation})")
    for other in looked.passed_over:
        lines.append(f"  not by prefix {other.prefix or '(none)'}: {_why_not(other, looked.at)}")
    return lines


def _described(looked: Looked) -> dict[str, Any]:
    return {
        "plan": looked.plan,
        "account": looked.account,
        "number": looked.number,
        "at": written(looked.at),
        "rate": None if looked.rate is None else _row(looked.rate),
        "costs": [
            {
                "minutes": minutes,
                "amount": format_amount(charge.amount),
                "explanation": charge.explanation,
            }
            for minutes, charge in looked.costs()
        ],
        "passed_over": [_row(rate) for rate in looked.passed_over],
    }


def _row(rate: Rate) -> dict[str, Any]:
    valid = {"valid_from": written(rate.valid_from), "valid_to": written(rate.valid_to)}
    return {**rate.as_json(), **valid}


def _period(rate: Rate) -> str:
    since, until = (decks.write_instant(each) for each in (rate.valid_from, rate.valid_to))
    parts = [f"valid from {since}"] if since else []
    parts += [f"valid to {until}"] if until else []
    return ", ".join(parts) or "always valid"


def _why_not(rate: Rate, at: Instant) -> str:
    if rate.valid_from is not None and at < rate.valid_from:
        return f"it is valid from {decks.write_instant(rate.valid_from)}"
    return f"it was valid to {decks.write_instant(rate.valid_to)}"
