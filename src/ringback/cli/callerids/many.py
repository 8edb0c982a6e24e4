"""`ringback caller-ids export`, `change-all` and `remove-all`."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ringback.cli.callerids.command import (
    EnabledOption,
    NamesOption,
    NumberOption,
    Pairs,
    PlaceArgument,
    ReferenceOption,
    app,
    read_values,
)
from ringback.cli.lines import say
from ringback.cli.managing import at_desk, tell
from ringback.cli.options import DEFAULT_CONFIG, CommandError, ConfigOption
from ringback.clock import LoopClock
from ringback.config import Config, load_config
from ringback.management.actor import command_line
from ringback.management.caller_ids.batches import MOST, How, Outcome, change_many, delete_many
from ringback.management.caller_ids.exports import export
from ringback.management.caller_ids.lists import Filter, caller_ids
from ringback.management.desk import Desk
from ringback.management.naming import find_place
from ringback.management.paging import LARGEST_PAGE, Page
from ringback.management.verbs import Act, Done
from ringback.server.run import control_path
from ringback.spreadsheets import CsvSheet, xlsx_sheet
from ringback.store.pace import Pace

AT_ONCE = 20
"""So many at most in one unit of work, where each is for itself."""

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")]
Together = Annotated[bool, typer.Option("--together", help=f"All of them or none, at most {MOST}.")]
Outcomes = Done[tuple[Outcome, ...]]
Deed = Callable[[Act, str, Sequence[str], How], Outcomes]


@app.command(name="export")
def export_(
    place: PlaceArgument,
    file: Annotated[
        Path | None, typer.Argument(help="A .csv or .xlsx file, or else the terminal.")
    ] = None,
    number: NumberOption = None,
    name: NamesOption = None,
    reference: ReferenceOption = None,
    enabled: EnabledOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write callerIDs as CSV or XLSX, which can be imported again; never their PINs."""
    loaded, which = load_config(config), Filter(enabled, number, name, reference)
    if file is not None and file.suffix.lower() == ".xlsx":
        with xlsx_sheet(file) as sheet:
            asyncio.run(at_desk(loaded, lambda desk: _exported(desk, place, which, sheet.row)))
        return
    text = io.StringIO(newline="")
    asyncio.run(at_desk(loaded, lambda desk: _exported(desk, place, which, CsvSheet(text).row)))
    if file is None:
        sys.stdout.write(text.getvalue().replace("\r\n", "\n"))
    else:
        file.write_text(text.getvalue(), encoding="utf-8", newline="")


async def _exported(desk: Desk, place: str, which: Filter, row: Callable[[Any], None]) -> int:
    return await export(desk, command_line, await _place_id(desk, place), which, row)


@app.command(name="change-all")
def change_all(
    place: PlaceArgument,
    pairs: Pairs = None,
    number: NumberOption = None,
    name: NamesOption = None,
    reference: ReferenceOption = None,
    enabled: EnabledOption = None,
    dry_run: DryRun = False,
    together: Together = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Change the same of many callerIDs: ringback caller-ids change-all acme:travellers
    --reference team-1 enabled=no"""
    values: Mapping[str, Any] = read_values(pairs)

    def deed(act: Act, place_id: str, ids: Sequence[str], how: How) -> Outcomes:
        return change_many(act, place_id, ids=ids, values=values, how=how)

    which = Filter(enabled, number, name, reference)
    _all(load_config(config), place, which, deed, How(together, dry_run))


@app.command(name="remove-all")
def remove_all(
    place: PlaceArgument,
    number: NumberOption = None,
    name: NamesOption = None,
    reference: ReferenceOption = None,
    enabled: EnabledOption = None,
    dry_run: DryRun = False,
    together: Together = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take many callerIDs out of use, with what is left of their credit."""

    def deed(act: Act, place_id: str, ids: Sequence[str], how: How) -> Outcomes:
        return delete_many(act, place_id, ids=ids, how=how)

    which = Filter(enabled, number, name, reference)
    if which == Filter():
        raise CommandError("say which: --number, --name, --reference, --enabled or --disabled")
    _all(load_config(config), place, which, deed, How(together, dry_run))


def _all(config: Config, place: str, which: Filter, deed: Deed, how: How) -> None:
    """Do it, print what came of each, and fail if one was refused."""

    async def work(desk: Desk) -> tuple[int, int]:
        place_id = await _place_id(desk, place)
        ids = await _ids(desk, place_id, which)
        pace = Pace(LoopClock(asyncio.get_running_loop()), 5, AT_ONCE)
        refused, left = 0, ids
        while left:
            some = left if how.together else left[: pace.size]
            left = left[len(some) :]
            done = await _run(desk, deed, place_id, some, how)
            await tell(control_path(config), done)
            refused += sum(map(_print, done.value))
            await pace.pause()
        return len(ids), refused

    count, refused = asyncio.run(at_desk(config, work))
    before = "dry run: " if how.preview else ""
    say(f"{before}{count - refused} callerIDs" + (f", {refused} refused" if refused else ""))
    if refused:
        raise typer.Exit(1)


def _run(
    desk: Desk, deed: Deed, place_id: str, ids: Sequence[str], how: How
) -> Awaitable[Outcomes]:
    return desk.run(command_line, lambda act: deed(act, place_id, ids, how))


def _print(outcome: Outcome) -> bool:
    """Returns whether it was refused."""
    for line in outcome.told:
        say(line)
    for fault in outcome.faults:
        told = str(fault) if fault.where else fault.message
        say(f"callerID {outcome.number} refused: {told}", stream=sys.stderr)
    return bool(outcome.faults)


async def _place_id(desk: Desk, place: str) -> str:
    return await desk.read(command_line, lambda act: find_place(act.tx, act.actor, place).id)


async def _ids(desk: Desk, place_id: str, which: Filter) -> list[str]:
    ids: list[str] = []
    cursor: str | None = None
    while True:

        def page(act: Act, cursor: str | None = cursor) -> Page[Any]:
            return caller_ids(act, place_id, which=which, limit=LARGEST_PAGE, cursor=cursor)

        found = await desk.read(command_line, page)
        ids += [each.id for each in found.items]
        cursor = found.next
        if cursor is None:
            return ids
