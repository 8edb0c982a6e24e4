"""How a command tells what it has changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ringback.cli.lines import say
from ringback.cli.options import print_json
from ringback.management.change import Change


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
