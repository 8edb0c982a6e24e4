"""What several commands take."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ringback.clock import Instant

ConfigOption = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", show_default=True)
]
DEFAULT_CONFIG = Path("ringback.toml")


class CommandError(Exception):
    """The command cannot do what it was asked for; the message says why and how to mend it."""


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
