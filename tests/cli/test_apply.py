"""`ringback apply` at the edges of the command."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def ringback(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "ringback", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_a_dry_run_says_all_and_leaves_nothing(tmp_path: Path) -> None:
    ringback(tmp_path, "init")
    shutil.rmtree(tmp_path / "data")
    files = sorted(tmp_path.iterdir())
    told = ringback(tmp_path, "apply", "--dry-run", "setup.yaml")
    assert sorted(tmp_path.iterdir()) == files
    applied = ringback(tmp_path, "apply", "setup.yaml")
    assert told == "".join(f"dry run: {line}\n" for line in applied.splitlines())
    assert ringback(tmp_path, "apply", "--dry-run", "setup.yaml") == "dry run: nothing changed\n"
