"""The control socket, by which the command line, and later the panel, speak to the process that
carries the calls.

It is a Unix socket in the data directory, for its owner only. A request is one line of JSON, and so
is the answer.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from ringback.store import StoreError

LONGEST_LINE = 64 * 1024
LONGEST_PATH = 107
"""The most bytes in the path of a Unix socket, `sun_path` in unix(7)."""

Handler = Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]


class ControlError(Exception):
    """The server refused a command, or no server is there to take it."""


class ControlServer:
    """Takes commands on the socket."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        """Raises ControlError if no socket can have this path."""
        if len(os.fsencode(path)) > LONGEST_PATH:
            raise ControlError(
                f"{path}: the path of a socket has at most {LONGEST_PATH} bytes: choose a shorter "
                "[server] data_dir"
            )
        self._path = path
        self._handlers = handlers
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._path.unlink(missing_ok=True)  # left by a server that was killed
        self._server = await asyncio.start_unix_server(self._serve, self._path, limit=LONGEST_LINE)
        self._path.chmod(0o600)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await self._answer(await reader.readline())
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the client has gone, or sent a line without an end
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            handler = self._handlers[request.pop("command")]
        except (ValueError, KeyError, AttributeError, TypeError):
            return {"error": "no such command"}
        try:
            return await handler(request)
        except (ControlError, StoreError) as error:
            return {"error": str(error)}


async def ask(path: Path, command: str, **arguments: object) -> dict[str, Any]:
    """Give the server a command and return its answer. Raises ControlError."""
    try:
        reader, writer = await asyncio.open_unix_connection(path)
    except OSError as error:
        raise ControlError(f"no server answers at {path}: start `ringback serve`") from error
    try:
        writer.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
        await writer.drain()
        answer: dict[str, Any] = json.loads(await reader.readline() or b"{}")
    except (OSError, ValueError) as error:
        raise ControlError(f"the server at {path} went away") from error
    finally:
        writer.close()
    if "error" in answer:
        raise ControlError(answer["error"])
    return answer
