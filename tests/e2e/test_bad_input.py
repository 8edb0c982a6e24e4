"""What a server is given that it cannot begin with: it says why and how to mend it, and does not
begin. What reaches one that runs is in `talking` (garbage, sounds, trunks) and `test_outage`."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.sipp import LOCAL
from tests.e2e.stage import Server


async def _refusal(server: Server) -> str:
    """What a server says that does not begin."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ringback", "serve"),
        *("--config", str(server.folder / "ringback.toml")),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        process_group=0,
    )
    try:
        async with asyncio.timeout(60):
            output, _ = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 1, output.decode()
    return output.decode()


def _refused(server: Server, *, says: str) -> None:
    output = asyncio.run(_refusal(server))
    assert says in output, output
    assert "Traceback" not in output


@pytest.fixture
def server(tmp_path: Path) -> Server:
    server = Server(tmp_path)
    asyncio.run(server.set_up())
    return server


def test_a_bad_configuration_key(server: Server) -> None:
    path = server.folder / "ringback.toml"
    text = path.read_text().replace("[sip]", '[sip]\nlissten = "127.0.0.1:5060"')
    path.write_text(text)
    line = text.splitlines().index('lissten = "127.0.0.1:5060"') + 1
    _refused(server, says=f"{path}:{line}: sip.lissten")


@contextlib.contextmanager
def _taken(port: int) -> Iterator[None]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((LOCAL, port))
        yield


def test_its_port_is_in_use(server: Server) -> None:
    with _taken(server.port):
        _refused(server, says=f"UDP port {server.port} on {LOCAL} is in use")


def test_all_its_media_ports_are_in_use(server: Server) -> None:
    path = server.folder / "ringback.toml"
    ports = path.read_text().partition('rtp_ports = "')[2].partition('"')[0]
    first = int(ports.partition("-")[0]) // 2 * 2
    path.write_text(path.read_text().replace(ports, f"{first}-{first + 1}"))
    with _taken(first):
        _refused(server, says=f"no pair of UDP ports between {first} and {first + 1}")


def test_its_database_is_none(server: Server) -> None:
    path = Path(server.url.removeprefix("sqlite:///"))
    path.write_bytes(b"garbage " * 1000)
    _refused(server, says="it is not an SQLite database: see [database] url")
