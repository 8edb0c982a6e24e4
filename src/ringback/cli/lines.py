"""Lines for people: wrapped between words where they go to a terminal, whole where they do not."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TextIO

NARROW = 80
"""Below so many columns, tables put one thing under the other."""


def say(text: str, *, indent: int = 2, stream: TextIO | None = None) -> None:
    """Print a line; what does not fit on a terminal is indented."""
    stream = stream or sys.stdout
    width = max(20, shutil.get_terminal_size().columns) if stream.isatty() else None
    lines = [text]
    if width is not None and len(text) > width:
        lead = " " * (len(text) - len(text.lstrip()))
        lines = textwrap.wrap(
            text.strip(),
            width,
            initial_indent=lead,
            subsequent_indent=lead + " " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    for line in lines:
        print(line, file=stream)
