"""`ringback caller-ids import`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ringback.amounts import format_amount
from ringback.cli.callerids.command import ExtensionArgument, app
from ringback.cli.lines import say
from ringback.cli.managing import at_desk, tell
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
    JsonOption,
    print_json,
)
from ringback.cli.progress import bars
from ringback.clock import LoopClock
from ringback.config import Config, load_config
from ringback.management.actor import command_line
from ringback.management.caller_ids import slips as written
from ringback.management.caller_ids.imports.course import (
    MOST_AT_ONCE,
    HalfImported,
    Report,
    apply,
    check,
)
from ringback.management.caller_ids.imports.faults import BadImport
from ringback.management.caller_ids.imports.table import LARGEST_BYTES
from ringback.management.caller_ids.imports.unit import How, Part
from ringback.management.caller_ids.pins import LONGEST, SHORTEST, Slip
from ringback.management.desk import Desk
from ringback.management.naming import find_place
from ringback.management.verbs import Done
from ringback.server.run import control_path
from ringback.store.pace import Pace

LISTED = 50
"""How many faults, or changes of a dry run, are listed."""
Give = Callable[[Sequence[Slip]], None]


@app.command(name="import")
def import_(
    extension: ExtensionArgument,
    file: Annotated[Path, typer.Argument(help="A CSV file.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    rest_disabled: Annotated[
        bool,
        typer.Option(
            "--rest-disabled", help="Bring in disabled those that may not be enabled as well."
        ),
    ] = False,
    make_pins: Annotated[
        int | None,
        typer.Option(min=SHORTEST, max=LONGEST, help="Who has no PIN gets one of so many digits."),
    ] = None,
    slips: Annotated[
        Path | None,
        typer.Option(help="Where the PINs made go to, as slips to cut: a new .txt or .html file."),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Add or change callerIDs by a CSV file with the columns number, name, PIN, order number and
    credit. All of it is checked first; calls go on meanwhile."""
    if slips is not None and make_pins is None:
        raise CommandError("--slips are of the PINs made: say --make-pins, too")
    loaded, data = load_config(config), _bytes(file)
    how = How(make_pins, rest_disabled)

    async def work(desk: Desk) -> Report:
        place_id = await desk.read(
            command_line, lambda act: find_place(act.tx, act.actor, extension).id
        )
        pace = Pace(LoopClock(asyncio.get_running_loop()), 5, MOST_AT_ONCE)
        with bars() as bar:
            total = data.count(b"\n")
            checked = bar("checking", total)
            report = await check(
                desk, command_line, place_id, data, how, pace=pace, checked=checked
            )
            if dry_run or not report.new + report.changed:
                return report
            with _slips(slips, make_pins) as give:
                await apply(
                    *(desk, command_line, place_id, data, how, report.digest),
                    pace=pace,
                    done=_taker(loaded, give, bar("importing", total)),
                )
        return report

    try:
        report = asyncio.run(at_desk(loaded, work))
    except BadImport as error:
        lines = [f"{file}: {line}" for line in error.lines(LISTED)]
        raise CommandError("\n".join([*lines, "nothing has changed"])) from error
    except HalfImported as error:
        raise CommandError(f"{file}: {error}") from error
    if as_json:
        print_json(_document(report))
    else:
        _tell(report, dry_run=dry_run)


def _taker(
    config: Config, give: Give, brought_in: Callable[[int], None]
) -> Callable[[Done[Part]], Awaitable[None]]:
    """What is done with each part that is kept."""

    async def take(done: Done[Part]) -> None:
        part = done.value
        give(part.slips)
        brought_in(part.new + part.changed + part.same)
        await tell(control_path(config), done)

    return take


@contextmanager
def _slips(path: Path | None, length: int | None) -> Iterator[Give]:
    """Writes slips: to a new file that only its owner can read, or to standard output."""
    if path is None or length is None:
        yield lambda slips: print(written.as_text(slips), end="")
        return
    html = path.suffix.lower() in (".html", ".htm")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if html:
            file.write(written.HTML_HEAD)

        def give(slips: Sequence[Slip]) -> None:
            file.write((written.as_html if html else written.as_text)(slips))
            file.flush()

        yield give


def _bytes(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(LARGEST_BYTES + 1)  # `read_table` refuses a file with more


def _document(report: Report) -> dict[str, object]:
    return {
        "lines": report.lines,
        "new": report.new,
        "changed": report.changed,
        "same": report.same,
        "left_disabled": report.left_disabled,
        "recharges": report.recharges,
        "recharged": format_amount(report.recharged),
        "pins": report.pins,
        "unused": list(report.unused),
        "hints": report.hints,
        "changes": report.told,
    }


def _tell(report: Report, *, dry_run: bool) -> None:
    before = "dry run: " if dry_run else ""
    if report.unused:
        say(f"columns not used: {', '.join(map(_harmless, report.unused))}", stream=sys.stderr)
    for hint in report.hints:
        say(f"look: {hint}", stream=sys.stderr)
    if dry_run:
        for line in report.told[:LISTED]:
            say(f"{before}{line}")
        if len(report.told) > LISTED:
            say(f"{before}and more")
    parts = [f"{report.new} new", f"{report.changed} changed", f"{report.same} as they were"]
    if report.left_disabled:
        parts.append(f"{report.left_disabled} brought in disabled")
    if report.recharges:
        parts.append(f"{report.recharges} recharged by {format_amount(report.recharged)} in all")
    if report.pins:
        parts.append(f"{report.pins} PINs made")
    say(f"{before}{report.lines} callerIDs: {', '.join(parts)}")


def _harmless(text: str) -> str:
    """A text from an unchecked file, written so that a terminal does not obey it."""
    return text if text.isprintable() else repr(text)
