"""`ringback caller-ids` and `ringback unlock`."""

from __future__ import annotations

import asyncio
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.cli.helpers import Commands

from ringback.accounts import lockout
from ringback.cli.callerids.shown import show_list, show_one
from ringback.cli.options import CommandError
from ringback.management.caller_ids.found import CallerId, Credit
from ringback.store import open_store

NUMBER = "+447700900125"


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    return Commands(tmp_path)


def shown(ringback: Commands, name: str = NUMBER) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ringback("caller-ids", "show", name, "--json"))
    return found


def listed(ringback: Commands, *more: str) -> list[str]:
    found = json.loads(ringback("caller-ids", "list", *more, "--json"))
    return [each["number"] for each in found]


def test_from_adding_to_removing(ringback: Commands) -> None:
    told = ringback(
        *("caller-ids", "add", "acme:travellers", "0044 7700 900125", "name=B. Reed"),
        *("pin=0042", "credit=5.00", "order_number=B-1", "speed_dials.1=+442079460000"),
    )
    assert told.splitlines() == [
        f"created callerID {NUMBER} of acme:travellers",
        f"recharged {NUMBER} by 5.00 (order B-1)",
    ]
    found = shown(ringback)
    assert (found["name"], found["pin_set"], found["credit"]["balance"]) == (
        "B. Reed",
        True,
        "5.00",
    )
    assert found["speed_dials"] == {"1": "+442079460000"}
    told = ringback("caller-ids", "change", NUMBER, "number=+447700900126", "name=", "enabled=no")
    assert sorted(told.splitlines()) == [
        f"callerID {NUMBER} of acme:travellers: enabled true -> false",
        f"callerID {NUMBER} of acme:travellers: name B. Reed -> none",
        f"callerID {NUMBER} of acme:travellers: number {NUMBER} -> +447700900126",
    ]
    again = ringback("caller-ids", "change", "acme:travellers:+447700900126", "enabled=no")
    assert again == "nothing changed\n"
    told = ringback("caller-ids", "remove", "+447700900126")
    assert told == "deleted callerID +447700900126 of acme:travellers\n"
    with pytest.raises(CommandError, match="there is no callerID"):
        ringback("caller-ids", "show", "+447700900126")


def test_lists(ringback: Commands) -> None:
    assert listed(ringback) == ["+447700900123", "+447700900124"]
    assert listed(ringback, "acme:travellers", "--number", "0044 77009001 24") == ["+447700900124"]
    assert listed(ringback, "acme", "--sort", "credit", "--descending", "--limit", "1") == [
        "+447700900124"
    ]
    assert listed(ringback, "--disabled") == []
    text = ringback("caller-ids", "list", "--limit", "1")
    assert "+447700900123" in text
    assert "1 of 2: ask for more" in text
    with pytest.raises(CommandError, match="number: 'x' begins no number"):
        ringback("caller-ids", "list", "--number", "x")
    with pytest.raises(CommandError, match="there is no account 'nobody'"):
        ringback("caller-ids", "list", "nobody")


def test_names_that_several_have(ringback: Commands) -> None:
    setup = (ringback.folder / "setup.yaml").read_text()
    other = setup.replace("name: travellers", "name: others").replace(
        "+442071838750", "+442071838751"
    )
    ringback("apply", ringback.file(other, "other.yaml"))
    with pytest.raises(
        CommandError,
        match=r"write one of acme:others:\+447700900123, acme:travellers:\+447700900123",
    ):
        shown(ringback, "+447700900123")
    assert shown(ringback, "acme:others:+447700900123")["extension"] == "acme:others"
    with pytest.raises(CommandError, match="no number"):
        shown(ringback, "acme:others:x")


def test_unlock(ringback: Commands) -> None:
    name = "acme:travellers:+447700900123"
    key = lockout.pin_key(shown(ringback, name)["id"])

    async def lock() -> None:
        store = open_store(ringback.url)
        await store.run(lambda tx: lockout.save(tx, key, lockout.Lock(0, 1, 4e9)))
        await store.close()

    asyncio.run(lock())
    assert [each["what"] for each in shown(ringback, name)["locks"]] == ["pin"]
    assert "locked" in ringback("caller-ids", "show", name)
    told = ringback("unlock", name)
    assert told.startswith("callerID +447700900123 of acme:travellers: lock of pin until 2096")
    assert json.loads(ringback("unlock", name, "--json")) == []


AMOUNT = Decimal("12345.654321")
CALLER_ID = CallerId(
    id="01a21752-6388-7b77-84b8-cfa99dd7bd66",
    extension_id="x",
    extension="northline-communications/acme:travellers",
    number="+447700900123",
    name="Anna-Magdalena von Hohenstein",
    reference="R-7",
    note=None,
    enabled=False,
    expires=None,
    language=None,
    speed_dials={"1": "+442079460000", "2": "+442079460001"},
    low_credit=None,
    guards={},
    destinations={},
    pin_set=True,
    credit=Credit(AMOUNT, AMOUNT, AMOUNT, unlimited=False),
)


@pytest.mark.parametrize("width", [60, 100])
def test_they_can_be_read_on_any_terminal(width: int) -> None:
    console = Console(width=width, file=io.StringIO(), record=True)
    show_list([CALLER_ID], console)
    show_one({**CALLER_ID.document(), "locks": [{"what": "pin", "until": "2096"}]}, console)
    text = console.export_text()
    assert max(map(len, text.split("\n"))) <= width
    for word in ("+447700900123", "12345.654321", "disabled, PIN", "Anna-Magdalena", "Hohenstein"):
        assert word in text
    assert "…" not in text


def test_import(ringback: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    extension = "acme:travellers"
    file = ringback.file("Number;Name;Fax\n+447700900123;Anna;\n+447700900130;Émile;\n", "a.csv")
    told = ringback("caller-ids", "import", extension, file, "--dry-run")
    assert told.splitlines() == [
        "dry run: callerID +447700900123 of acme:travellers: name none -> Anna",
        "dry run: created callerID +447700900130 of acme:travellers",
        "dry run: 2 callerIDs: 1 new, 1 changed, 0 as they were",
    ]
    assert len(listed(ringback)) == 2
    slips = ringback.folder / "slips.html"
    more = ("--make-pins", "6", "--slips", str(slips), "--json")
    told = ringback("caller-ids", "import", extension, file, *more)
    report = json.loads(told)
    assert (report["new"], report["pins"], report["unused"]) == (1, 2, ["Fax"])
    assert slips.stat().st_mode & 0o777 == 0o600
    assert slips.read_text().count("<section>") == 2
    assert shown(ringback, "+447700900130")["pin_set"]
    assert ringback("caller-ids", "import", extension, file).endswith("0 changed, 2 as they were\n")
    bad = ringback.file("number,pin\n+447700900131,42\n", "b.csv")
    with pytest.raises(CommandError, match=r"b\.csv: line 2: pin: write 4 to 12.*\n.*nothing has"):
        ringback("caller-ids", "import", extension, bad)
    with pytest.raises(FileExistsError):
        ringback("caller-ids", "import", extension, ringback.file("+447700900132\n", "c"), *more)
    assert len(listed(ringback)) == 3


def test_many_at_once(ringback: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    place = "acme:travellers"
    told = ringback("caller-ids", "change-all", place, "enabled=no", "--dry-run")
    assert told.splitlines()[-1] == "dry run: 2 callerIDs"
    assert listed(ringback, "--disabled") == []
    ringback("caller-ids", "change-all", place, "enabled=no", "--number", "+447700900124")
    assert listed(ringback, "--disabled") == ["+447700900124"]
    with pytest.raises(CommandError, match="ids"):
        taken = ("credit=-6.00", "order_number=X", "--together")
        ringback("caller-ids", "change-all", place, *taken)
    with pytest.raises(CommandError, match="say which"):
        ringback("caller-ids", "remove-all", place)
    told = ringback("caller-ids", "remove-all", place, "--disabled")
    assert told == "deleted callerID +447700900124 of acme:travellers\n1 callerIDs\n"
    assert listed(ringback) == ["+447700900123"]


def test_export(ringback: Commands) -> None:
    text = ringback("caller-ids", "export", "acme:travellers")
    assert text.splitlines()[1].startswith("+447700900123,,,,yes,,,5.00,export ")
    file = ringback.folder / "all.csv"
    ringback("caller-ids", "export", "acme:travellers", str(file))
    assert file.read_bytes().decode().replace("\r\n", "\n") == text
    told = ringback("caller-ids", "import", "acme:travellers", str(file))
    assert told == "2 callerIDs: 0 new, 0 changed, 2 as they were\n"
    book = ringback.folder / "all.xlsx"
    ringback("caller-ids", "export", "acme", str(book), "--number", "07700")
    assert book.read_bytes().startswith(b"PK")
    with pytest.raises(OSError, match="nowhere"):
        ringback("caller-ids", "export", "acme", str(ringback.folder / "nowhere" / "a.xlsx"))
