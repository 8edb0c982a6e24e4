"""`ringback rates`: imports and exports decks, and says which rate a number has."""

from __future__ import annotations

import asyncio
import gc
import io
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from sqlalchemy import Connection, select

from ringback.accounts import tree
from ringback.amounts import format_amount
from ringback.charging import decks
from ringback.charging.decks.reading import LARGEST_BYTES
from ringback.charging.payers import who_pays
from ringback.charging.rating import SECOND, Rate, charge
from ringback.cli.lines import say
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
    read_moment,
    ready_database,
)
from ringback.cli.progress import bars
from ringback.clock import Instant, LoopClock
from ringback.config import Config, load_config
from ringback.numbering import BadNumber, read_written
from ringback.numbering.plans import begins_numbers
from ringback.store import Store, open_store
from ringback.store.models import PlanRow

T = TypeVar("T")
LISTED = 50
"""How many bad lines are listed."""

app = typer.Typer(help="Rates of a charging plan: load, write out, look up.", no_args_is_help=True)

PlanOption = Annotated[str, typer.Option("--plan", help="The name of the charging plan.")]


@dataclass(frozen=True, slots=True)
class FoundPlan:
    id: str
    name: str


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file with the columns of a rate.")],
    plan: PlanOption,
    column: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=NAME: a column's name in the file, as prefix=Dialcode."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check the file.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put the rates of a file in force instead of all that the plan has. Calls go on; a call keeps
    the rate that it was dialled at. Nothing changes unless every line is good."""
    columns = _columns(column or [])
    try:
        read = decks.read_deck(_bytes(file), columns)
    except decks.BadDeck as error:
        lines = [f"{file}: {line}" for line in error.lines(LISTED)]
        raise CommandError("\n".join([*lines, "nothing has changed"])) from error
    if read.unused:
        say(f"columns not used: {', '.join(_harmless(name) for name in read.unused)}")
    if any(not rate.prefix for rate in read.rates):
        say("there is a rate without a prefix: it is for every number that has no other")

    idle = sorted({rate.prefix for rate in read.rates if not begins_numbers(rate.prefix)})
    if idle:
        print(
            f"prefixes that no number begins with: {len(idle)}, such as {', '.join(idle[:3])}: no "
            "call has their rates: see that they begin with a country code, without zeros behind it"
        )

    async def work(store: Store) -> str:
        found = await _plan(store, plan)
        there = set(await store.read(lambda tx: decks.rates_in_force(tx, found.id)))
        wanted = set(read.rates)
        added, taken_out = len(wanted - there), len(there - wanted)
        if not added and not taken_out:
            return f"plan {plan}: nothing changed: {len(there)} rates"
        clock = LoopClock(asyncio.get_running_loop())
        if not dry_run:
            # If a garbage collection, which takes 0.3 s with a whole deck, came in a unit of work,
            # calls would wait for it.
            gc.freeze()
            with bars() as bar:
                await decks.load(
                    *(store, clock, random.SystemRandom(), found.id, file.name),
                    *(read.rates, bar("loading", len(read.rates))),
                )
            await decks.sweep(store, clock)
        return f"plan {plan}: {len(wanted)} rates: {added} added, {taken_out} taken out"

    outcome = _with_store(load_config(config), work)
    say(f"dry run: {outcome}" if dry_run else outcome)


@app.command()
def export(
    file: Annotated[
        Path | None, typer.Argument(help="The file to write, or else the terminal.")
    ] = None,
    *,
    plan: PlanOption,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write a plan's rates in force as CSV, which can be imported again."""

    async def work(store: Store) -> list[Rate]:
        found = await _plan(store, plan)
        return await store.read(lambda tx: decks.rates_in_force(tx, found.id))

    text = io.StringIO(newline="")
    decks.write_deck(_with_store(load_config(config), work), text)
    if file is None:
        sys.stdout.write(text.getvalue())
    else:
        file.write_text(text.getvalue(), encoding="utf-8", newline="")


@app.command()
def check(
    number: Annotated[str, typer.Argument(help="A number, as it is dialled.")],
    plan: Annotated[str | None, typer.Option(help="Only by this plan.")] = None,
    extension: Annotated[
        str | None, typer.Option(help="By the plans that pay for this extension's calls.")
    ] = None,
    at: Annotated[
        str | None, typer.Option(help="When it is dialled, such as 2026-11-05T12:00Z, or else now.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say which rate a number has, why, and what a call costs. Without an option, by every plan."""
    loaded = load_config(config)
    if plan is not None and extension is not None:
        raise CommandError("name a plan or an extension, not both")

    async def work(store: Store) -> list[str]:
        def read(tx: Connection) -> list[str]:
            country, zone = loaded.server.home_country, "UTC"
            plans = _plans(tx)
            if extension is not None:
                facts = tree.find_by_name(tx, extension)
                if facts is None:
                    raise CommandError(f"there is no extension {extension!r}, or more than one")
                country, zone = facts.country, facts.time_zone
                payers = who_pays(tx, facts.levels, None)
                plans = [FoundPlan(payer.plan.id, payer.plan.name) for payer in payers]
            elif plan is not None:
                plans = [_of_name(plans, plan)]
            e164 = read_written(number, country)
            when = time.time() if at is None else read_moment(at, zone)
            return [
                line
                for each in plans
                for line in explain(each.name, decks.deck_for(tx, each.id, e164), e164, when)
            ]

        return await store.read(read)

    try:
        for line in _with_store(loaded, work):
            say(line)
    except BadNumber as error:
        raise CommandError(str(error)) from error


def explain(plan: str, deck: decks.Deck, number: str, at: Instant) -> list[str]:
    """Lines that say which rate a number dialled at `at` has, what a call costs, and why the rate
    of no longer prefix applies."""
    rate = deck.choose(number, at)
    lines = []
    if rate is None:
        lines.append(f"plan {plan}: {number} has no valid rate: calls to it are refused, no_rate")
    else:
        minute, five = (charge(rate, minutes * 60 * SECOND) for minutes in (1, 5))
        lines += [
            f"plan {plan}: {number} has the rate of prefix {rate.prefix or '(none)'}, "
            f"{_period(rate)}",
            f"  1 minute costs {format_amount(minute.amount)} ({minute.explanation})",
            f"  5 minutes cost {format_amount(five.amount)} ({five.explanation})",
        ]
    for other in deck.fitting(number):
        if other is rate:
            break
        lines.append(f"  not by prefix {other.prefix or '(none)'}: {_why_not(other, at)}")
    return lines


def _period(rate: Rate) -> str:
    since, until = (decks.write_instant(each) for each in (rate.valid_from, rate.valid_to))
    parts = [f"valid from {since}"] if since else []
    parts += [f"valid to {until}"] if until else []
    return ", ".join(parts) or "always valid"


def _why_not(rate: Rate, at: Instant) -> str:
    if rate.valid_from is not None and at < rate.valid_from:
        return f"it is valid from {decks.write_instant(rate.valid_from)}"
    return f"it was valid to {decks.write_instant(rate.valid_to)}"


def _harmless(text: str) -> str:
    """A text from an unchecked file, written so that a terminal does not obey it."""
    return text if text.isprintable() else repr(text)


def _columns(given: list[str]) -> Mapping[str, str]:
    columns: dict[str, str] = {}
    for each in given:
        name, equals, theirs = each.partition("=")
        if name not in decks.COLUMNS or not equals or not theirs.strip():
            raise CommandError(
                f"--column {each}: write COLUMN=NAME, where COLUMN is one of "
                f"{', '.join(decks.COLUMNS)}"
            )
        if name in columns:
            raise CommandError(f"--column {each}: {name} is given twice")
        columns[name] = theirs
    return columns


def _bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(LARGEST_BYTES + 1)  # `read_deck` refuses a file with more


def _plans(tx: Connection) -> list[FoundPlan]:
    rows = tx.execute(select(PlanRow.id, PlanRow.name).order_by(PlanRow.name))
    return [FoundPlan(row.id, row.name) for row in rows]


def _of_name(plans: list[FoundPlan], name: str) -> FoundPlan:
    for plan in plans:
        if plan.name == name:
            return plan
    there = ", ".join(plan.name for plan in plans[:20]) or "none: apply a setup file that has one"
    raise CommandError(f"there is no plan {name!r}; there are: {there}")


async def _plan(store: Store, name: str) -> FoundPlan:
    return _of_name(await store.read(_plans), name)


def _with_store(config: Config, work: Callable[[Store], Awaitable[T]]) -> T:
    url = ready_database(config)

    async def run() -> T:
        store = open_store(url)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())
