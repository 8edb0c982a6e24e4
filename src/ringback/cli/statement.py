"""`ringback statement`: the money of an account or callerID over a period."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TextIO
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import Connection

from ringback.accounts.naming import BadName, find_payer
from ringback.amounts import format_amount
from ringback.cells import guarded
from ringback.charging.statement import Statement, StatementEntry, statement
from ringback.cli.options import (
    DEFAULT_CONFIG,
    SHORT_ID,
    CommandError,
    ConfigOption,
    PayerArgument,
    read_moment,
    ready_database,
    wide_console,
)
from ringback.clock import Instant, utc
from ringback.config import load_config
from ringback.store import open_store

NARROW = 80
"""Below so many columns the instants stand above what they belong to."""


@dataclass(frozen=True, slots=True)
class Told:
    """A statement, whose it is, and the time zone that its dates are of."""

    name: str
    zone: str
    statement: Statement


def command(
    name: PayerArgument,
    since: Annotated[
        str | None, typer.Option("--from", help="A month, date or time; the first included.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="The same; the first not included.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show a balance at the beginning of a period, all that changed it, and at its end. Months
    and dates are of the account's time zone."""
    if as_csv and as_json:
        raise CommandError("choose --csv or --json, not both")
    loaded = load_config(config)
    url = ready_database(loaded)
    found = asyncio.run(read(url, name, loaded.server.home_country, since, until))
    if as_csv:
        write_csv(found, sys.stdout)
    elif as_json:
        print(json.dumps(as_document(found), indent=1, ensure_ascii=False))
    else:
        show(found, wide_console())


async def read(
    url: str, name: str, country: str, since: str | None = None, until: str | None = None
) -> Told:
    """The statement of whoever is meant by a name (`find_payer`); the period as `read_moment`
    takes it. Raises CommandError, BooksDisagree, StoreError."""

    def work(tx: Connection) -> Told:
        payer = find_payer(tx, name, country)
        begin, end = (
            None if each is None else read_moment(each, payer.time_zone) for each in (since, until)
        )
        if begin is not None and end is not None and end < begin:
            raise CommandError("--to is before --from")
        return Told(payer.name, payer.time_zone, statement(tx, payer.ledger_id, begin, end))

    store = open_store(url)
    try:
        return await store.read(work)
    except BadName as error:
        raise CommandError(str(error)) from error
    finally:
        await store.close()


def as_document(told: Told) -> dict[str, Any]:
    """As JSON has it; instants are UTC."""
    found = told.statement
    return {
        "name": told.name,
        "time_zone": told.zone,
        "from": _time(found.since),
        "to": _time(found.until),
        "opening": format_amount(found.opening),
        "entries": [_document(entry) for entry in found.entries],
        "totals": {kind: format_amount(amount) for kind, amount in found.totals.items()},
        "closing": format_amount(found.closing),
    }


def _document(entry: StatementEntry) -> dict[str, Any]:
    leg = entry.leg
    return {
        "at": _time(entry.at),
        "kind": entry.kind,
        "amount": format_amount(entry.amount),
        "price": _price(entry.price),
        "balance": format_amount(entry.balance),
        "session": leg and leg.session,
        "leg": leg and leg.leg,
        "number": leg and leg.number,
        "order_number": entry.order_number,
        "note": entry.note,
        "who": entry.who,
        "explanation": entry.explanation,
    }


_COLUMNS = (
    *("at", "kind", "added", "charged", "balance", "price", "session", "leg", "number"),
    *("order_number", "note", "who", "explanation"),
)


def write_csv(told: Told, file: TextIO) -> None:
    """What is added and what is charged in columns of their own, so that neither begins with a
    minus, which spreadsheets could take for a formula."""
    found = told.statement
    writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for line in (
        {"at": _time(found.since), "kind": "opening balance", "balance": found.opening},
        *map(_cells, found.entries),
        {"at": _time(found.until), "kind": "closing balance", "balance": found.closing},
    ):
        line["balance"] = format_amount(line["balance"])
        writer.writerow({name: guarded(cell or "") for name, cell in line.items()})


def _cells(entry: StatementEntry) -> dict[str, Any]:
    amount = format_amount(abs(entry.amount)) if entry.amount else ""
    cells = _document(entry) | {"balance": entry.balance}
    del cells["amount"]
    return cells | {"added" if entry.amount > 0 else "charged": amount}


def show(told: Told, console: Console) -> None:
    """As a table, in the account's time zone; below the entries what those of each kind come to."""
    found, zone = told.statement, ZoneInfo(told.zone)
    narrow = console.width < NARROW
    table = Table(title=f"Statement of {escape(told.name)}, times of {told.zone}")
    for name in ("what",) if narrow else ("when", "what"):
        table.add_column(name, no_wrap=name == "when", overflow="fold")
    for name in ("amount", "balance"):
        table.add_column(name, justify="right", no_wrap=True)

    def row(at: Instant | None, what: str, *amounts: Decimal | None) -> None:
        when = "" if at is None else datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S")
        told = [f"{when}\n{what}".lstrip()] if narrow else [when, what]
        table.add_row(
            *map(escape, told),
            *("" if amount is None else format_amount(amount) for amount in amounts),
        )

    row(found.since, "opening balance", None, found.opening)
    for entry in found.entries:
        row(entry.at, _what(entry), entry.amount, entry.balance)
    table.add_section()
    for kind, amount in found.totals.items():
        row(None, f"total: {kind}", amount, None)
    table.add_section()
    row(found.until, "closing balance", None, found.closing)
    console.print(table)


def _what(entry: StatementEntry) -> str:
    """What an entry is for, over several lines."""
    leg = entry.leg
    if leg is not None:
        to = "return call to" if leg.leg == "A" else "call to"
        return f"{to} {leg.number}\nsession {leg.session[-SHORT_ID:]}\n{entry.explanation}"
    told = entry.explanation if entry.order_number is None else f"{entry.kind}, {entry.explanation}"
    return told if entry.note is None else f"{told}\n{entry.note}"


def _price(price: Decimal | None) -> str | None:
    return None if price is None else format_amount(price)


def _time(at: Instant | None) -> str | None:
    return None if at is None else utc(at).isoformat(timespec="milliseconds")
