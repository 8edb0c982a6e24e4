"""What several commands take and need."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from ringback.clock import Instant
from ringback.config import Config
from ringback.store import is_missing, migrate

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", show_default=True)
]
DEFAULT_CONFIG = Path("ringback.toml")
PayerArgument = Annotated[
    str,
    typer.Argument(
        help="An account by its path or name; a callerID as ACCOUNT:EXTENSION:NUMBER or by its "
        "number."
    ),
]
WIDTH_OF_FILES = 200
SHORT_ID = 8
"""Last digits of an id that tell sessions apart, as in the log."""


class CommandError(Exception):
    """The command cannot do what it was asked for; the message says why and how to mend it."""


def ready_database(config: Config) -> str:
    """The URL of the database, its tables up to date. Raises CommandError where nothing has been
    applied to it yet; StoreError."""
    if is_missing(config.database_url):
        raise CommandError(
            f"there is no database yet in {config.server.data_dir}: run ringback apply setup.yaml"
        )
    migrate(config.database_url)
    return config.database_url


def wide_console() -> Console:
    """For tables: as wide as the terminal, and where there is none as wide as they are."""
    return Console(width=None if sys.stdout.isatty() else WIDTH_OF_FILES)


def read_moment(text: str, zone: str) -> Instant:
    """A month (2026-11), a date or a time; the first instant of it, in `zone` unless it names
    one itself. Raises CommandError."""
    month = f"{text}-01" if len(text) == len("2026-11") else text
    try:
        read = datetime.fromisoformat(month)
        return (read if read.tzinfo else read.replace(tzinfo=ZoneInfo(zone))).timestamp()
    except (ValueError, OverflowError) as error:
        raise CommandError(
            f"{text[:40]!r} is no time: write a month, a date or a time, such as 2026-11, "
            "2026-11-05 or 2026-11-05T12:00:00Z"
        ) from error
