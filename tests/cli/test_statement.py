"""`ringback statement`."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from sqlalchemy import Connection, select
from tests.cli.helpers import SETUP, Commands

from ringback.charging import ledger
from ringback.cli.options import CommandError, read_moment
from ringback.store import open_store
from ringback.store.models import Account

MIDNIGHT = 1_593_558_000.0
"""Of 1 July 2020 in London, where it is 23:00 UTC of 30 June."""


@pytest.fixture
def ringback(tmp_path: Path) -> Commands:
    commands = Commands(tmp_path)

    def work(tx: Connection) -> None:
        (ledger_id,) = tx.execute(select(Account.ledger_id).where(Account.name == "acme")).one()
        ledger.recharge(tx, ledger_id, Decimal("-30"), "=1+1", MIDNIGHT - 1, who="@anna")
        ledger.recharge(tx, ledger_id, Decimal("2.5"), "B", MIDNIGHT)

    async def run() -> None:
        store = open_store(commands.url)
        await store.run(work)
        await store.close()

    asyncio.run(run())
    return commands


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
    with pytest.raises(CommandError, match="choose with --extension: drivers, travellers"):
        ringback("statement", "+447700900123")
    told = ringback("statement", "+447700900123", "--extension", "travellers", "--json")
    assert json.loads(told)["closing"] == "5.00"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "there is no account 'nobody', and as a number: 'nobody' is no number"),
        (["+447700900999"], r"there is no callerID \+447700900999"),
        (["acme", "--from", "2020-13"], "'2020-13' is no time"),
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
