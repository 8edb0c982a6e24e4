"""What `ringback` says of itself: its version, its help, and what it completes in a shell."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringback.cli.app import app

ROOT = Path(__file__).parents[2]
COMPLETES = """
eval "$(ringback --show-completion)"
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_ringback_completion ringback
printf '%s\\n' "${COMPREPLY[@]}"
"""
"""What bash does when Tab is pressed after some words."""


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    printed = CliRunner().invoke(app, ["--version"])
    assert (printed.exit_code, printed.output) == (0, f"ringback {project['version']}\n")


def test_help_fills_its_lines() -> None:
    printed = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).output
    assert "make key and database, and print the first " in printed


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["re"], ["recharge", "restore"]),
        (["rates", "e"], ["export"]),
        (["apply", "--al"], ["--allow-loss"]),
    ],
)
def test_bash_completes_commands_and_options(
    tmp_path: Path, words: list[str], offered: list[str]
) -> None:
    program = tmp_path / "ringback"
    program.write_text(f"#!{sys.executable}\nfrom ringback.__main__ import main\nmain()\n")
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", COMPLETES, "bash", "ringback", *words],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == offered, done.stderr
