"""`ringback serve`: how it begins, how it ends, and its log."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.cli.helpers import Commands
from tests.e2e.ports import free_port


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def configure(ringback: Commands, phone: int = 9, data_dir: str = "data") -> int:
    port, sound = free_port(), free_port() + 20000
    (ringback.folder / "ringback.toml").write_text(
        f'[server]\ndata_dir = "{data_dir}"\n[sip]\nlisten = "127.0.0.1:{port}"\n'
        f'rtp_ports = "{sound}-{sound + 99}"\n'
        f'[[trunk]]\nname = "phones"\nhost = "127.0.0.1"\nport = {phone}\n'
        '[[route]]\ntrunks = ["phones"]\n'
    )
    return port


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-m", "ringback", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def serving(ringback: Commands, *more: str) -> tuple[str, ...]:
    return ("serve", "--config", str(ringback.folder / "ringback.toml"), *more)


def logged(server: subprocess.Popen[str], what: str) -> str:
    assert server.stderr is not None
    for line in server.stderr:
        if what in line:
            return line
    raise AssertionError(f"{what} is not in the log")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_it_in_order(ringback: Commands, number: signal.Signals) -> None:
    """SIGHUP is what it gets when its terminal is closed."""
    configure(ringback)
    with process(*serving(ringback)) as server:
        line = logged(server, "taking calls")
        assert re.match(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}  --------  taking calls", line)
        server.send_signal(number)
        assert server.wait(20) == 0
    assert not (ringback.folder / "data" / "ringback.sock").exists()


def test_stopped_twice_it_ends_live_calls_at_once(ringback: Commands) -> None:
    phone_port = free_port()
    port = configure(ringback, phone_port)
    phone = ("phone", "--json", "--listen", f"127.0.0.1:{phone_port}")
    with (
        process(*phone, "--server", f"127.0.0.1:{port}", "--answer-after", "0.1") as caller,
        process(*serving(ringback, "--json")) as server,
    ):
        assert caller.stdout is not None
        assert json.loads(caller.stdout.readline())["event"] == "ready"
        told = json.loads(logged(server, "taking calls"))
        assert told["timestamp"].endswith("Z")
        session = ringback("call", "07700 900123").strip()
        logged(server, "return call answered")
        server.send_signal(signal.SIGTERM)
        assert "live sessions: 1: they may go on for 10 s" in logged(server, "stopping")
        server.send_signal(signal.SIGTERM)
        ended = json.loads(logged(server, '"ended"'))
        assert (ended["session"], ended["outcome"]) == (session, "ended")
        assert server.wait(20) == 0


def test_a_path_too_long_for_a_socket(ringback: Commands) -> None:
    configure(ringback, data_dir="d" * 120)
    with process(*serving(ringback)) as server:
        assert "choose a shorter [server] data_dir" in logged(server, "ringback:")
        assert server.wait(20) == 1


def test_a_data_dir_that_cannot_be_made(ringback: Commands) -> None:
    configure(ringback, data_dir="ringback.toml/data")
    with process(*serving(ringback)) as server:
        assert "[server] data_dir" in logged(server, "ringback:")
        assert server.wait(20) == 1


def test_what_is_in_the_data_dir_is_its_owners(ringback: Commands) -> None:
    assert (ringback.folder / "data").stat().st_mode & 0o077 == 0
