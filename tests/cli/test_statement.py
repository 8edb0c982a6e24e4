"""`ringback statement`."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from rich.console import Console
from sqlalchemy import Connection, select
from tests.charging import helpers
from tests.charging.helpers import rate
from tests.cli.helpers import SETUP, Commands

from ringback.charging import ledger
from ringback.charging.holds import Hold, Post
from ringback.charging.rating import charge_of_blocks
from ringback.cli.managing import look
from ringback.cli.options import CommandError, read_moment
from ringback.cli.statement import read, show
from ringback.config import Config, load_config
from ringback.store import open_store
from ringback.store.models import AccountRow, CallerIdRow

MIDNIGHT = 1_593_558_000.0
"""Of 1 July 2020 in London, where it is 23:00 UTC of 30 June."""


CALLER = "+447700900123"


def run(commands: Commands, work: Callable[[Connection], None]) -> None:
    async def whole() -> None:
        store = open_store(commands.url)
        await store.run(work)
        await store.close()

    asyncio.run(whole())


def recharges(tx: Connection) -> None:
    (ledger_id,) = tx.execute(select(AccountRow.ledger_id).where(AccountRow.name == "acme")).one()
    ledger.recharge(tx, ledger_id, Decimal("-30"), "=1+1", MIDNIGHT - 1, who="@anna")
    ledger.recharge(tx, ledger_id, Decimal("2.5"), "B", MIDNIGHT)


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    commands = Commands(tmp_path)
    run(commands, recharges)
    return commands


def config(commands: Commands) -> Config:
    return load_config(commands.folder / "ringback.toml")


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_months_are_of_the_accounts_time_zone(ringback: Commands) -> None:
    june = json.loads(
        ringback("statement", "acme", "--from", "2020-06", "--to", "2020-07", "--json")
    )
    assert (june["name"], june["time_zone"]) == ("acme", "Europe/London")
    assert (june["from"], june["to"]) == (
        "2020-05-31T23:00:00.000+00:00",
        "2020-06-30T23:00:00.000+00:00",
    )
    assert [entry["amount"] for entry in june["entries"]] == ["-30.00"]
    assert Decimal(june["opening"]) - 30 == Decimal(june["closing"])
    july = json.loads(ringback("statement", "acme", "--from", "2020-07-01", "--json"))
    assert july["opening"] == june["closing"]
    assert july["entries"][0]["amount"] == "2.50"
    assert july["entries"][0]["explanation"] == "order B: 2.50"


def test_csv_has_no_formula_in_it(ringback: Commands) -> None:
    text = ringback("statement", "acme", "--from", "2020-06", "--to", "2020-08", "--csv")
    opening, taken, added, closing = rows(text)
    assert opening["kind"] == "opening balance" and closing["kind"] == "closing balance"
    assert (taken["added"], taken["charged"]) == ("", "30.00")
    assert (added["added"], added["charged"]) == ("2.50", "")
    assert taken["who"] == "'@anna"
    assert taken["explanation"] == "order =1+1: -30.00"
    assert (opening["balance"], closing["balance"]) == ("0.00", "'-27.50")


def test_the_table_shows_opening_entries_and_closing(ringback: Commands) -> None:
    told = ringback("statement", "acme")
    assert "Statement of acme, times of Europe/London" in told
    lines = [line for line in told.split("\n") if line.startswith("│")]
    assert "opening balance" in lines[0] and "closing balance" in lines[-1]
    assert "2020-07-01 00:00:00" in told
    assert "72.50" in lines[-1]


CALLEE = "+442079460000"


def call(tx: Connection) -> None:
    """The callerID's return call and his call, of which the second cost a good deal."""
    caller_id = tx.execute(
        select(CallerIdRow.ledger_id).where(CallerIdRow.number == CALLER)
    ).scalar_one()
    tariff = rate(setup="0.05")
    for leg, number, blocks in (("A", CALLER, 3), ("B", CALLEE, 61)):
        helpers.leg(tx, f"leg {leg}", leg, number)
        charged = charge_of_blocks(tariff, blocks)
        ledger.reserve(tx, [Hold(f"leg {leg}", caller_id, CALLER, charged.amount, tariff)])
        post = Post(
            *(f"leg {leg}", caller_id, CALLER, True, charged.amount),
            *(charged.billed_seconds, charged.explanation),
        )
        ledger.settle(tx, [post], MIDNIGHT + 3600)


def told(ringback: Commands, width: int) -> list[str]:
    console = Console(width=width, file=io.StringIO(), record=True)
    show(look(config(ringback), lambda act: read(act, CALLER, "GB")), console)
    return [line.rstrip() for line in console.export_text().splitlines()]


def test_a_call_with_its_number_and_session(ringback: Commands) -> None:
    run(ringback, call)
    found = json.loads(ringback("statement", CALLER, "--json"))
    legs = [entry for entry in found["entries"] if entry["kind"] == "call"]
    assert [[entry[key] for key in ("session", "leg", "number")] for entry in legs] == [
        ["session of leg A", "A", CALLER],
        ["session of leg B", "B", CALLEE],
    ]
    assert found["totals"] == {"payment": "5.00", "call": "-0.353334"}
    (row,) = (each for each in rows(ringback("statement", CALLER, "--csv")) if each["leg"] == "B")
    assert (row["number"], row["session"]) == (CALLEE, "session of leg B")
    assert (row["added"], row["charged"]) == ("", "0.273334")


@pytest.mark.parametrize("width", [60, 100])
def test_a_table_is_readable_at_any_width(ringback: Commands, width: int) -> None:
    """No number, session, amount or order is broken in two or left out."""
    run(ringback, call)
    lines = told(ringback, width)
    text = "\n".join(lines)
    assert max(map(len, lines)) <= width
    for whole in (
        *("2020-07-01 01:00:00", f"return call to {CALLER}", f"call to {CALLEE}", "session "),
        *("-0.273334", "4.646666", "payment, order A-1: 5.00", "total: call", "-0.353334"),
        *("setup 0.05, 60 s at 0.02, 61 ×", "opening balance", "closing balance"),
    ):
        assert whole in text
    assert "…" not in text


def test_a_callerid_by_its_number(ringback: Commands) -> None:
    for name in ("+447700900123", "07700900123"):
        found = json.loads(ringback("statement", name, "--json"))
        assert (found["name"], found["closing"]) == ("+447700900123", "5.00")
        assert found["entries"][0]["explanation"] == "order A-1: 5.00"
    unlimited = json.loads(ringback("statement", "+447700900124", "--json"))
    assert unlimited["entries"][0]["price"] is None


def test_one_number_on_two_extensions(ringback: Commands) -> None:
    again = {"name": "drivers", "account": "acme", "caller_ids": [{"number": "+447700900123"}]}
    file = ringback.file(yaml.safe_dump({**SETUP, "extensions": [again]}), "more.yaml")
    ringback("apply", file)
    with pytest.raises(CommandError, match=r"write one of acme:drivers:\+447700900123, acme:trav"):
        ringback("statement", "+447700900123")
    told = ringback("statement", "acme:travellers:+447700900123", "--json")
    assert json.loads(told)["closing"] == "5.00"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "there is no account 'nobody'"),
        (["+447700900999"], r"there is no callerID '\+447700900999'"),
        (["acme", "--from", "2020-13"], "'2020-13' is not a time"),
        (["acme", "--from", "2020-07", "--to", "2020-06"], "--to is before --from"),
        (["acme", "--json", "--csv"], "not both"),
    ],
)
def test_what_cannot_be_told(ringback: Commands, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        ringback("statement", *arguments)


def test_moments() -> None:
    assert read_moment("2020-07", "Europe/London") == MIDNIGHT
    assert read_moment("2020-07-01T00:00", "Europe/London") == MIDNIGHT
    assert read_moment("2020-06-30T23:00:00Z", "Asia/Tokyo") == MIDNIGHT
