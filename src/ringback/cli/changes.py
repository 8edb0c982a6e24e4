"""How a command changes something, and tells it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ringback.cli.lines import say
from ringback.cli.managing import manage
from ringback.cli.options import print_json
from ringback.config import load_config
from ringback.management.change import Change
from ringback.management.verbs import Act, Done


def make_change(path: Path, deed: Callable[[Act], Done[Any]], *, as_json: bool) -> None:
    """Do a verb on the database of the configuration at `path`, and print what it changed. Raises
    what `manage` raises."""
    print_changes(manage(load_config(path), deed).changes, as_json=as_json)


def print_changes(changes: Sequence[Change], *, as_json: bool, dry_run: bool = False) -> None:
    """Print what was changed, or would be in a dry run: line by line, or as JSON."""
    if as_json:
        print_json([_described(each) for each in changes])
        return
    for line in [line for each in changes for line in each.lines()] or ["nothing changed"]:
        say(f"dry run: {line}" if dry_run else line)


def _described(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "id": change.id,
        "name": change.name,
        "action": change.action,
        "fields": {name: list(values) for name, values in change.fields.items()},
        "secrets": dict(change.secrets),
    }
