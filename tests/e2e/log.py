"""The log of a server that the end-to-end tests started."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Events:
    """What a server has written to its log, each line read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self._found: list[tuple[int, dict[str, Any]]] = []

    def since(self, place: int) -> Iterator[dict[str, Any]]:
        """All that begins at that byte of the log, or later."""
        with self._path.open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):
                    break  # it is still being written
                with contextlib.suppress(ValueError):
                    self._found.append((self._read, json.loads(line)))
                self._read += len(line)
        return (event for at, event in self._found if at >= place)
