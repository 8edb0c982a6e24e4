"""Standard input, output and error as they may be: closed, read by somebody who leaves, in any
encoding."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

_GONE = (BrokenPipeError, ConnectionResetError)


class _Reader(io.FileIO):
    """Who reads may leave, as `head` does: what is written then is lost, and the command goes on
    with its work."""

    def write(self, data: object) -> int:
        try:
            return super().write(data) or 0  # type: ignore[arg-type]
        except _GONE:
            return len(memoryview(data))  # type: ignore[arg-type]


def make_streams() -> None:
    """Make standard output and error take every text. A closed stream is opened on /dev/null, also
    so that no socket gets its number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, which is this one
    if sys.stdin is None:
        nothing = io.BufferedReader(io.FileIO(0, closefd=False))
        sys.stdin = io.TextIOWrapper(nothing, encoding="utf-8", errors="replace")
    sys.stdout, sys.stderr = _writer(1, sys.stdout), _writer(2, sys.stderr)


def _writer(number: int, before: TextIO | None) -> TextIO:
    encoding = "utf-8" if before is None else before.encoding
    raw = _Reader(number, "w", closefd=False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=number == 2 or os.isatty(number),
    )
