"""`ringback recharge`."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.cli.helpers import Commands

from ringback.cli.options import CommandError
from ringback.server.control import ControlServer

CALLER, UNLIMITED = "+447700900123", "+447700900124"


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def last_entry(ringback: Commands, name: str) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(ringback("statement", name, "--json"))["entries"][-1]
    return entry


@pytest.mark.parametrize(
    ("name", "told", "left"),
    [
        ("acme", "acme", "102.50"),
        (CALLER, CALLER, "7.50"),
        (f"acme:travellers:{CALLER}", CALLER, "7.50"),
    ],
)
def test_accounts_and_caller_ids_alike(ringback: Commands, name: str, told: str, left: str) -> None:
    again = ("recharge", name, "2.50", "--order", "B-1")
    assert ringback(*again, "--kind", "gift", "--note", "as agreed") == (
        f"recharged {told} by 2.50 (gift, order B-1): it has {left}\n"
    )
    entry = last_entry(ringback, name)
    assert [entry[key] for key in ("kind", "amount", "balance", "who")] == (
        ["gift", "2.50", left, "command line"]
    )
    assert ringback(*again) == (
        f"nothing changed: order B-1 has been entered already; {told} has {left}\n"
    )
    with pytest.raises(
        CommandError, match=r"'B-1' has been entered already, with 2\.50, not 3\.00"
    ):
        ringback("recharge", name, "3", "--order", "B-1")


def test_what_is_taken_out_is_no_option(ringback: Commands) -> None:
    assert ringback("recharge", CALLER, "-1.25", "--order", "B-1", "--kind", "refund") == (
        f"recharged {CALLER} by -1.25 (refund, order B-1): it has 3.75\n"
    )
    with pytest.raises(CommandError, match=r"3\.76 cannot be taken: at most 3\.75 is available"):
        ringback("recharge", CALLER, "-3.76", "--order", "B-2")


def test_unlimited(ringback: Commands) -> None:
    assert ringback("recharge", CALLER, "unlimited", "--order", "B-1") == (
        f"recharged {CALLER} without limit (payment, order B-1): it has unlimited\n"
    )
    with pytest.raises(CommandError, match="only the credit of a callerID can be unlimited"):
        ringback("recharge", "acme", "unlimited", "--order", "B-1")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nobody", "1"), "there is no account 'nobody'"),
        (("acme", "1,00"), "'1,00' is not an amount"),
        (("acme", "999999999999"), "out of range"),
        (("acme", "1", "--note", "two\nlines"), "note: write a text of 1 to 200 characters"),
    ],
)
def test_what_cannot_be_done(ringback: Commands, arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        ringback("recharge", *arguments, "--order", "B-1")
    assert last_entry(ringback, "acme")["kind"] == "opening"
    with pytest.raises(CommandError, match="order_number: write a text"):
        ringback("recharge", "acme", "1", "--order", "")


@contextmanager
def server(path: Path, asked: list[dict[str, Any]]) -> Iterator[None]:
    """Something that listens where the server of a configuration does."""
    loop = asyncio.new_event_loop()

    async def credited(request: dict[str, Any]) -> dict[str, Any]:
        asked.append(request)
        return {}

    control = ControlServer(path, {"credited": credited})
    loop.run_until_complete(control.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(control.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_a_running_server_is_told_once_what_has_changed(ringback: Commands) -> None:
    asked: list[dict[str, Any]] = []
    with server(ringback.folder / "data" / "ringback.sock", asked):
        for _ in range(2):
            ringback("recharge", "acme", "1", "--order", "B-1")
        ringback("recharge", CALLER, "1", "--order", "B-1")
    first, second = (request["ledger_ids"] for request in asked)
    assert len(first) == len(second) == 1
    assert first != second
