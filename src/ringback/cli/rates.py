"""`ringback rates`: imports, exports and copies rates, and says which one a number has."""

from __future__ import annotations

import asyncio
import gc
import io
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from ringback.amounts import BadAmount, parse_amount
from ringback.charging import decks
from ringback.charging.decks import Difference
from ringback.charging.decks.reading import LARGEST_BYTES, DeckFile
from ringback.charging.rating import Rate
from ringback.cli.lines import say
from ringback.cli.managing import at_desk
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
    JsonOption,
    print_json,
)
from ringback.cli.progress import bars
from ringback.cli.ratecheck import check
from ringback.clock import LoopClock
from ringback.config import load_config
from ringback.management.actor import command_line
from ringback.management.desk import Desk
from ringback.management.plans.loading import Rates
from ringback.management.plans.whose import find_plan
from ringback.numbering.plans import begins_numbers

LISTED = 50
"""How many bad lines are listed."""

app = typer.Typer(
    help="Rates of a charging plan: load, write out, copy, look up.", no_args_is_help=True
)

PlanOption = Annotated[
    str,
    typer.Option(
        "--plan",
        help="The charging plan: its name, or ACCOUNT:NAME where several accounts have the name.",
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
LossOption = Annotated[
    bool, typer.Option("--allow-loss", help="Also where more than half of the rates would go.")
]


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file with the columns of a rate.")],
    plan: PlanOption,
    column: Annotated[
        list[str] | None,
        typer.Option(help="COLUMN=NAME: a column's name in the file, as prefix=Dialcode."),
    ] = None,
    dry_run: DryRunOption = False,
    allow_loss: LossOption = False,
    as_json: JsonOption = False,
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
    for note in _notes(read):
        say(note, stream=sys.stderr if as_json else None)

    async def work(desk: Desk) -> Difference:
        by = _rates(desk)
        return await _replace(
            *(by, await _find(desk, plan), plan, read.rates, file.name),
            dry_run=dry_run,
            allow_loss=allow_loss,
        )

    _tell(plan, asyncio.run(at_desk(load_config(config), work)), as_json=as_json, dry_run=dry_run)


def _notes(read: DeckFile) -> Iterator[str]:
    """What is not wrong in a file, but may not be meant."""
    if read.unused:
        yield f"columns not used: {', '.join(_harmless(name) for name in read.unused)}"
    if any(not rate.prefix for rate in read.rates):
        yield "there is a rate without a prefix: it is for every number that has no other"
    idle = sorted({rate.prefix for rate in read.rates if not begins_numbers(rate.prefix)})
    if idle:
        yield (
            f"prefixes that no number begins with: {len(idle)}, such as {', '.join(idle[:3])}: no "
            "call has their rates: see that they begin with a country code, without zeros behind it"
        )


@app.command()
def copy(
    source: Annotated[str, typer.Argument(metavar="FROM", help="The plan whose rates to copy.")],
    plan: PlanOption,
    factor: Annotated[str, typer.Option(help="All prices are multiplied by it.")] = "1",
    amount: Annotated[str, typer.Option(help="What a minute costs more.")] = "0",
    dry_run: DryRunOption = False,
    allow_loss: LossOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put the rates of another plan, times a factor and plus an amount a minute, in force instead
    of all that the plan has. Prices are rounded up to 6 places."""
    times, plus = _number("--factor", factor), _number("--amount", amount)
    told = f"{source} x {factor} + {amount}"

    async def work(desk: Desk) -> Difference:
        by = _rates(desk)
        made = await by.copied(await _find(desk, source), times, plus)
        return await _replace(
            *(by, await _find(desk, plan), plan, made, told),
            dry_run=dry_run,
            allow_loss=allow_loss,
        )

    _tell(plan, asyncio.run(at_desk(load_config(config), work)), as_json=as_json, dry_run=dry_run)


async def _replace(
    by: Rates,
    plan_id: str,
    plan: str,
    wanted: Sequence[Rate],
    source: str,
    *,
    dry_run: bool,
    allow_loss: bool,
) -> Difference:
    if dry_run:
        differs = await by.compare(plan_id, wanted)
        if differs.loss and not allow_loss:
            raise CommandError(f"dry run: plan {plan}: {differs.loss}: add --allow-loss")
        return differs
    # If a garbage collection, which takes 0.3 s with a whole deck, came in a unit of work, calls
    # would wait for it.
    gc.freeze()
    with bars() as bar:
        differs, _ = await by.replace(
            *(plan_id, wanted, source),
            allow_loss=allow_loss,
            progress=bar("loading", len(wanted)),
        )
    return differs


def _tell(plan: str, differs: Difference, *, as_json: bool, dry_run: bool) -> None:
    if as_json:
        print_json(asdict(differs))
        return
    told = f"{differs.after} rates: {differs.told}"
    if differs.nothing:
        told = f"nothing changed: {differs.after} rates"
    say(f"{'dry run: ' if dry_run else ''}plan {plan}: {told}")


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

    async def work(desk: Desk) -> Sequence[Rate]:
        return (await _rates(desk).export(await _find(desk, plan))).rates

    text = io.StringIO(newline="")
    decks.write_deck(asyncio.run(at_desk(load_config(config), work)), text)
    if file is None:
        sys.stdout.write(text.getvalue())
    else:
        file.write_text(text.getvalue(), encoding="utf-8", newline="")


app.command()(check)


def _rates(desk: Desk) -> Rates:
    return Rates(desk, command_line, LoopClock(asyncio.get_running_loop()))


async def _find(desk: Desk, plan: str) -> str:
    return await desk.read(command_line, lambda act: find_plan(act.tx, act.actor, plan))


def _number(option: str, text: str) -> Decimal:
    try:
        return parse_amount(text)
    except BadAmount as error:
        raise CommandError(f"{option}: {error}") from error


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
