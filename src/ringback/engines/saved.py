"""What is stored to end a leg after a crash: JSON that says which engine and node wrote it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_LONGEST_TOLD = 40


class Unreadable(ValueError):
    """What was stored cannot be used to end a leg; the message says why."""


def write(engine: str, node: str, document: Mapping[str, Any]) -> str:
    """`document` is the engine's own."""
    return json.dumps({"engine": engine, "node": node, **document})


def read(text: str, engine: str, *, unsigned: bool = False) -> dict[str, Any]:
    """The document, as `engine` wrote it; `unsigned` ones, of before they named their engine, are
    taken where that is said. Raises Unreadable."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is not JSON") from error
    if not isinstance(document, dict):
        raise Unreadable("it is no document of an engine")
    writer = document.get("engine", engine if unsigned else None)
    if writer != engine:
        raise Unreadable(f"the engine {str(writer)[:_LONGEST_TOLD]!r} wrote it")
    return document
