"""`ringback serve`: how it begins, how it ends, and its log."""

from __future__ import annotations

import json
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from tests.cli.helpers import Commands
from tests.e2e.ports import free_port
from typer.testing import CliRunner

from ringback.cli.app import app
from ringback.config import load_config
from ringback.server.control import ControlError
from ringback.server.private import exposed


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def configure(ringback: Commands, phone: int | None = None, data_dir: str = "data") -> int:
    """Returns the port of the server; a `phone` gets a trunk and every number a route to it."""
    port, sound = free_port(), free_port() + 20000
    (ringback.folder / "ringback.toml").write_text(
        f'[server]\ndata_dir = "{data_dir}"\n[sip]\nlisten = "127.0.0.1:{port}"\n'
        f'rtp_ports = "{sound}-{sound + 99}"\n'
    )
    if phone is not None:
        add_trunk(ringback, phone)
    return port


def add_trunk(ringback: Commands, phone: int) -> None:
    ringback("trunks", "add", "phones", "host=127.0.0.1", f"port={phone}")
    ringback("routes", "add", "", "trunks=phones")


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
        with pytest.raises(ControlError, match="there is no extension 'acme:nobody'"):
            ringback("call", "07700 900123", "--extension", "acme:nobody")
        named = ("--extension", "acme:travellers")
        session = ringback("call", "07700 900123", *named).strip()
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


def test_what_ringback_makes_is_its_owners(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["init", str(tmp_path)], catch_exceptions=False)
    for name in ("ringback.toml", "setup.yaml"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    ringback = Commands(tmp_path)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    for name in ("ringback.sqlite", "secrets.key"):
        assert stat.S_IMODE((ringback.folder / "data" / name).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("name", "mode", "what"),
    [
        ("data", 0o700, "data_dir"),
        ("data/secrets.key", 0o600, "the key"),
        ("data/ringback.sqlite", 0o600, "the database"),
    ],
)
def test_what_others_can_read_keeps_it_from_starting(
    ringback: Commands, name: str, mode: int, what: str
) -> None:
    configure(ringback)
    path = ringback.folder / name
    (ringback.folder / "ringback.toml").chmod(0o600)
    path.chmod(mode | 0o044)
    with process(*serving(ringback)) as server:
        assert f"ringback: others can read {what}: chmod {mode:o} {path}" in logged(server, "ring")
        assert server.wait(20) == 1
    path.chmod(mode)
    with process(*serving(ringback)) as server:
        assert logged(server, "taking calls")


def test_a_configuration_with_a_password_is_its_owners(ringback: Commands) -> None:
    config = ringback.folder / "ringback.toml"
    config.write_text('[database]\nurl = "postgresql://ringback:hunter22@127.0.0.1/ringback"\n')
    config.chmod(0o640)
    with process(*serving(ringback)) as server:
        assert f"others can read the configuration: chmod 600 {config}" in logged(server, "ring")
        assert server.wait(20) == 1


def test_trunks_in_the_configuration_keep_it_from_starting(ringback: Commands) -> None:
    configure(ringback)
    config = ringback.folder / "ringback.toml"
    with config.open("a") as more:
        more.write('[[trunk]]\nname = "old"\nhost = "127.0.0.1"\n')
    with process(*serving(ringback)) as server:
        assert f"run ringback trunks import {config}" in logged(server, "[[trunk]]")
        assert server.wait(20) == 1


def test_a_configuration_without_a_password_where_nobody_else_may_enter(
    ringback: Commands,
) -> None:
    configure(ringback)
    config = ringback.folder / "ringback.toml"
    config.chmod(0o644)
    assert list(exposed(load_config(config), config)) == []  # pytest's folder is its owner's
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        reached = Path(name) / "ringback.toml"
        reached.write_text(config.read_text())
        (line,) = exposed(load_config(reached), reached)
        assert line == f"others can read the configuration: chmod 600 {reached}"
