"""The passphrase of a backup: from a file, the environment, the terminal, or standard input."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from ringback.cli.options import CommandError

VARIABLE = "RINGBACK_PASSPHRASE"
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help=f"A file whose first line is the passphrase; else it is taken from {VARIABLE}, or "
        "asked for.",
    ),
]


def passphrase(file: Path | None, *, twice: bool) -> str:
    """Without file and variable it is asked for at the terminal, `twice` if it is a new one; if
    there is no terminal, it is the first line of standard input. Raises CommandError, OSError."""
    if file is not None:
        with file.open(encoding="utf-8", errors="surrogateescape") as opened:
            return _not_empty(opened.readline().rstrip("\r\n"), str(file))
    if VARIABLE in os.environ:
        return _not_empty(os.environ[VARIABLE], VARIABLE)
    if not sys.stdin.isatty():
        return _not_empty(sys.stdin.readline().rstrip("\r\n"), "standard input")
    given = _not_empty(getpass.getpass("Passphrase of the backup: "), "the terminal")
    if twice and getpass.getpass("Once more: ") != given:
        raise CommandError("these are two different passphrases: begin again")
    return given


def _not_empty(text: str, where: str) -> str:
    if not text:
        raise CommandError(
            f"there is no passphrase in {where}: use --passphrase-file FILE or {VARIABLE}"
        )
    return text
