"""Trunks and routes change while a real server runs: in force without a restart, and a call on a
trunk that is removed goes on (spec section 5)."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from tests.cli.helpers import Commands
from tests.cli.test_serve import add_trunk, configure, logged, process, serving
from tests.e2e.ports import free_port

from ringback.cli.options import CommandError
from ringback.server.control import ControlError


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


@pytest.fixture
def phone_port() -> int:
    return free_port()


@pytest.fixture
def server(ringback: Commands, phone_port: int) -> Iterator[subprocess.Popen[str]]:
    """It has no trunk at first; a phone that answers at once is on `phone_port`."""
    port = configure(ringback)
    listening = ("phone", "--json", "--listen", f"127.0.0.1:{phone_port}")
    with (
        process(*listening, "--server", f"127.0.0.1:{port}", "--answer-after", "0.1") as phone,
        process(*serving(ringback, "--json")) as server,
    ):
        assert phone.stdout is not None
        assert json.loads(phone.stdout.readline())["event"] == "ready"
        logged(server, "taking calls")
        yield server
        server.send_signal(signal.SIGTERM)
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0


def eventually(what: Callable[[], Any], seconds: float = 20.0) -> Any:
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


def record(ringback: Commands, session: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ringback("sessions", session, "--json"))
    return found


def test_a_trunk_that_is_added_carries_the_next_call(
    ringback: Commands, phone_port: int, server: subprocess.Popen[str]
) -> None:
    session = ringback("call", "07700 900123").strip()
    logged(server, "no route has its prefix")
    ringback("sessions", session, "--end")
    eventually(lambda: record(ringback, session)["outcome"])
    add_trunk(ringback, phone_port)
    session = ringback("call", "07700 900123").strip()
    logged(server, "return call answered")
    ringback("sessions", session, "--end")
    assert eventually(lambda: record(ringback, session)["outcome"]) == "ended"


def test_a_server_that_is_not_told_looks_by_itself(
    ringback: Commands, phone_port: int, server: subprocess.Popen[str]
) -> None:
    """As one on another machine: the socket is out of the way while the trunk is added."""
    socket = ringback.folder / "data" / "ringback.sock"
    socket.rename(socket.with_suffix(".away"))
    add_trunk(ringback, phone_port)
    with pytest.raises(ControlError):
        ringback("call", "07700 900123")
    socket.with_suffix(".away").rename(socket)

    def carried() -> bool:
        session = ringback("call", "07700 900123").strip()
        outcome = eventually(lambda: _met(ringback, session))
        ringback("sessions", session, "--end")
        eventually(lambda: record(ringback, session)["outcome"])
        return bool(outcome == "answered")

    eventually(carried)


def _met(ringback: Commands, session: str) -> str | None:
    found = record(ringback, session)
    if any(leg["answered"] for leg in found["legs"]):
        return "answered"
    return "failed" if found["outcome"] is not None or not found["legs"] else None


def test_a_call_on_a_trunk_that_is_removed_goes_on(
    ringback: Commands, phone_port: int, server: subprocess.Popen[str]
) -> None:
    add_trunk(ringback, phone_port)
    session = ringback("call", "07700 900123").strip()
    logged(server, "return call answered")
    with pytest.raises(CommandError, match='routes: "" names it'):
        ringback("trunks", "remove", "phones")
    ringback("routes", "remove", "")
    ringback("trunks", "remove", "phones")
    assert json.loads(ringback("trunks", "list", "--json")) == []
    (leg,) = record(ringback, session)["legs"]
    assert leg["answered"] and not leg["ended"]
    assert former(ringback) == ["phones"]
    ringback("sessions", session, "--end")
    assert eventually(lambda: record(ringback, session)["outcome"]) == "ended"
    (leg,) = record(ringback, session)["legs"]
    assert leg["trunk"] == "phones" and leg["ended"]


def test_a_restart_ends_a_call_on_a_trunk_that_is_gone(ringback: Commands, phone_port: int) -> None:
    """The server is killed, the trunk removed while it is down: its sources hold for the BYE."""
    port = configure(ringback, phone_port)
    listening = ("phone", "--json", "--listen", f"127.0.0.1:{phone_port}")
    with process(*listening, "--server", f"127.0.0.1:{port}", "--answer-after", "0.1") as phone:
        assert phone.stdout is not None
        assert json.loads(phone.stdout.readline())["event"] == "ready"
        with process(*serving(ringback, "--json")) as server:
            logged(server, "taking calls")
            session = ringback("call", "07700 900123").strip()
            logged(server, "return call answered")
            server.kill()
        ringback("routes", "remove", "")
        ringback("trunks", "remove", "phones")
        with process(*serving(ringback, "--json")) as server:
            assert any(json.loads(line).get("event") == "over" for line in phone.stdout)
            assert eventually(lambda: record(ringback, session)["outcome"]) == "interrupted"
            time.sleep(0.5)  # for the answer to the BYE, which nobody waits for
            server.send_signal(signal.SIGTERM)
            assert server.stderr is not None
            log = server.stderr.read()
    assert "taking calls" in log
    assert "no trunk has this source" not in log


def former(ringback: Commands) -> list[str]:
    engine = create_engine(ringback.url)
    with engine.connect() as connection:
        found = list(connection.execute(text("SELECT name FROM former_trunks")).scalars())
    engine.dispose()
    return found
