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
from sqlalchemy import Connection, select

from ringback import levels
from ringback.amounts import ZERO, format_amount
from ringback.cells import guarded
from ringback.charging.statement import Entry, Statement, statement
from ringback.cli.options import (
    DEFAULT_CONFIG,
    CommandError,
    ConfigOption,
    read_moment,
    ready_database,
    wide_console,
)
from ringback.clock import Instant, utc
from ringback.config import load_config
from ringback.numbering import BadNumber, read_written
from ringback.store import open_store
from ringback.store.models import Account, CallerId, Extension


@dataclass(frozen=True, slots=True)
class Told:
    """A statement, whose it is, and the time zone that its dates are of."""

    name: str
    zone: str
    statement: Statement


def command(
    name: Annotated[str, typer.Argument(help="Name of an account, or number of a callerID.")],
    extension: Annotated[
        str | None, typer.Option(help="Of the callerID, where several have the number.")
    ] = None,
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
    found = asyncio.run(read(url, name, loaded.server.home_country, extension, since, until))
    if as_csv:
        write_csv(found, sys.stdout)
    elif as_json:
        print(json.dumps(as_document(found), indent=1, ensure_ascii=False))
    else:
        show(found, wide_console())


async def read(
    url: str,
    name: str,
    country: str,
    extension: str | None = None,
    since: str | None = None,
    until: str | None = None,
) -> Told:
    """The statement of whoever has a name, or a number as dialled in `country`; the period as
    `read_moment` takes it. Raises CommandError, BooksDisagree, StoreError."""

    def work(tx: Connection) -> Told:
        ledger_id, found, zone = _find(tx, name, country, extension)
        begin, end = (None if each is None else read_moment(each, zone) for each in (since, until))
        if begin is not None and end is not None and end < begin:
            raise CommandError("--to is before --from")
        return Told(found, zone, statement(tx, ledger_id, begin, end))

    store = open_store(url)
    try:
        return await store.read(work)
    finally:
        await store.close()


def _find(tx: Connection, name: str, country: str, extension: str | None) -> tuple[str, str, str]:
    """Ledger id, name and time zone."""
    account = tx.execute(
        select(Account.id, Account.ledger_id).where(Account.name == name)
    ).one_or_none()
    if account is not None and extension is None:
        return account.ledger_id, name, levels.of_account(tx, account.id)[0].time_zone
    try:
        number = read_written(name, country)
    except BadNumber as error:
        raise CommandError(f"there is no account {name!r}, and as a number: {error}") from error
    query = (
        select(CallerId.ledger_id, Extension.id, Extension.name, Extension.account_id)
        .join(Extension, Extension.id == CallerId.extension_id)
        .where(CallerId.number == number)
    )
    if extension is not None:
        query = query.where(Extension.name == extension)
    rows = tx.execute(query.order_by(Extension.name)).all()
    if not rows:
        where = "" if extension is None else f" of extension {extension!r}"
        raise CommandError(f"there is no callerID {number}{where}")
    if len(rows) > 1:
        names = ", ".join(row.name for row in rows)
        raise CommandError(f"{number} is a callerID of several: choose with --extension: {names}")
    return rows[0].ledger_id, number, levels.of_account(tx, rows[0].account_id)[0].time_zone


def as_document(told: Told) -> dict[str, Any]:
    """As JSON has it; instants are UTC."""
    found = told.statement
    return {
        "name": told.name,
        "time_zone": told.zone,
        "from": _time(found.since),
        "to": _time(found.until),
        "opening": format_amount(found.opening),
        "entries": [
            {
                "at": _time(entry.at),
                "kind": entry.kind,
                "amount": format_amount(entry.amount),
                "price": _price(entry.price),
                "balance": format_amount(entry.balance),
                "who": entry.who,
                "explanation": entry.explanation,
            }
            for entry in found.entries
        ],
        "closing": format_amount(found.closing),
    }


def write_csv(told: Told, file: TextIO) -> None:
    """What is added and what is charged in columns of their own, so that neither begins with a
    minus, which spreadsheets could take for a formula."""
    found = told.statement
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("at", "kind", "added", "charged", "balance", "price", "who", "explanation"))
    lines = [
        (_time(found.since), "opening balance", "", "", format_amount(found.opening), "", "", ""),
        *(
            (
                _time(entry.at),
                entry.kind,
                format_amount(entry.amount) if entry.amount > 0 else "",
                format_amount(-entry.amount) if entry.amount < 0 else "",
                format_amount(entry.balance),
                _price(entry.price),
                entry.who,
                entry.explanation,
            )
            for entry in found.entries
        ),
        (_time(found.until), "closing balance", "", "", format_amount(found.closing), "", "", ""),
    ]
    writer.writerows([guarded(cell or "") for cell in line] for line in lines)


def show(told: Told, console: Console) -> None:
    """As a table, in the account's time zone."""
    found, zone = told.statement, ZoneInfo(told.zone)
    table = Table(title=f"Statement of {escape(told.name)}, times of {told.zone}")
    for name in ("when", "what"):
        table.add_column(name, no_wrap=name == "when")
    for name in ("amount", "balance"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_row(_local(found.since, zone), "opening balance", "", format_amount(found.opening))
    for entry in found.entries:
        table.add_row(
            _local(entry.at, zone),
            escape(_what(entry)),
            format_amount(entry.amount),
            format_amount(entry.balance),
        )
    table.add_row(_local(found.until, zone), "closing balance", "", format_amount(found.closing))
    console.print(table)


def _what(entry: Entry) -> str:
    """With its price where it took no money: the credit was unlimited."""
    if entry.kind == "call" and entry.price is not None and entry.amount == ZERO != entry.price:
        return f"{entry.explanation} (unlimited: price {format_amount(entry.price)})"
    return entry.explanation


def _price(price: Decimal | None) -> str | None:
    return None if price is None else format_amount(price)


def _time(at: Instant | None) -> str | None:
    return None if at is None else utc(at).isoformat(timespec="milliseconds")


def _local(at: Instant | None, zone: ZoneInfo) -> str:
    return "" if at is None else datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S")
