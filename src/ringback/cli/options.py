"""What several commands share: options, checks, the form of output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from ringback.clock import Instant
from ringback.config import Config
from ringback.server.log import takes_every_letter
from ringback.store import is_missing, migrate

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", show_default=True)
]
DEFAULT_CONFIG = Path("ringback.toml")
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]
PayerArgument = Annotated[
    str,
    typer.Argument(
        help="An account by its path or name; a callerID as ACCOUNT:EXTENSION:NUMBER or by its "
        "number."
    ),
]
WIDTH_OF_FILES = 200
SHORT_ID = 8
"""The last digits of an id, which tell sessions apart, as in the log."""


class CommandError(Exception):
    """The command cannot do what it was asked to; the message says why and how to mend it."""


def ready_database(config: Config) -> str:
    """The URL of the database, whose tables are up to date. Raises CommandError if nothing has been
    applied to it yet; StoreError."""
    if is_missing(config.database_url):
        raise CommandError(
            f"there is no database yet in {config.server.data_dir}: run ringback apply setup.yaml"
        )
    migrate(config.database_url)
    return config.database_url


def print_json(document: object) -> None:
    """Print JSON that can be read whatever the encoding of the output."""
    print(json.dumps(document, indent=1, ensure_ascii=not takes_every_letter(sys.stdout)))


def wide_console() -> Console:
    """A console for tables: as wide as the terminal, or as COLUMNS says, or as wide as the table if
    there is no terminal."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if known else WIDTH_OF_FILES)


def print_list(
    found: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    cells: Callable[[Mapping[str, Any]], Sequence[str | None]],
    *,
    as_json: bool,
) -> None:
    """Print a list as JSON, or as a table of `cells` under `names`, in which nothing is cut: what
    does not fit into a cell goes on below. The first column, by which a row is named, gives way
    last."""
    if as_json:
        print_json(found)
        return
    table = Table(box=None)
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name == names[0])
    for each in found:
        table.add_row(*cells(each))
    wide_console().print(table)


def read_moment(text: str, zone: str) -> Instant:
    """Read a month (2026-11), a date or a time; returns its first instant, in the time zone `zone`
    unless the text names one itself. Raises CommandError."""
    read = read_time(text)
    try:
        return (read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))).timestamp()
    except (ValueError, OverflowError) as error:
        raise _no_time(text) from error


def read_time(text: str) -> datetime:
    """The same, with the zone that the text names, or none. Raises CommandError."""
    month = f"{text}-01" if len(text) == len("2026-11") else text
    try:
        return datetime.fromisoformat(month)
    except ValueError as error:
        raise _no_time(text) from error


def _no_time(text: str) -> CommandError:
    return CommandError(
        f"{text[:40]!r} is not a time: write a month, a date or a time, such as 2026-11, "
        "2026-11-05 or 2026-11-05T12:00:00Z"
    )
