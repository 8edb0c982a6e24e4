"""What commands share that change things, by KEY=VALUE: `trunks`, `routes`, `extensions`,
`access-numbers`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ringback.cli.changes import print_changes
from ringback.cli.managing import manage
from ringback.cli.place import founded
from ringback.config import load_config
from ringback.management.verbs import Act, Done


class _DryRun(Exception):
    """Undoes the unit of work."""

    def __init__(self, done: Done[Any]) -> None:
        super().__init__()
        self.done = done


def change(
    path: Path, deed: Callable[[Act], Done[Any]], *, as_json: bool, dry_run: bool = False
) -> None:
    """Make a change, and print what changed. Raises CommandError."""
    config = load_config(path)

    def work(act: Act) -> Done[Any]:
        done = deed(act)
        if dry_run:
            raise _DryRun(done)
        return done

    asyncio.run(founded(config))
    try:
        changes = manage(config, work).changes
    except _DryRun as dry:
        changes = dry.done.changes
    print_changes(changes, as_json=as_json, dry_run=dry_run)
