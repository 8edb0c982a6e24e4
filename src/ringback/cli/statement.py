"""`ringback statement`: the money of an account or a callerID over a period."""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TextIO
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ringback.amounts import format_amount
from ringback.cells import guarded
from ringback.charging.statement import StatementEntry
from ringback.cli.lines import NARROW
from ringback.cli.managing import look
from ringback.cli.options import (
    DEFAULT_CONFIG,
    SHORT_ID,
    CommandError,
    ConfigOption,
    JsonOption,
    PayerArgument,
    print_json,
    read_moment,
    wide_console,
)
from ringback.clock import Instant
from ringback.config import load_config
from ringback.management.naming import NamedCallerId, find_payer
from ringback.management.verbs import Act
from ringback.reports.sessions import written
from ringback.reports.statements import NamedStatement, account_statement, caller_id_statement


def command(
    name: PayerArgument,
    since: Annotated[
        str | None, typer.Option("--from", help="A month, date or time, itself included.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--to", help="The same, itself not included.")
    ] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="As CSV.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Show a balance at the beginning of a period, every change of it, and the balance at the end.
    Months and dates are in the account's time zone."""
    if as_csv and as_json:
        raise CommandError("choose --csv or --json, not both")
    loaded = load_config(config)
    found = look(loaded, lambda act: read(act, name, loaded.server.home_country, since, until))
    if as_csv:
        write_csv(found, sys.stdout)
    elif as_json:
        print_json(as_document(found))
    else:
        show(found, wide_console())


def read(
    act: Act, name: str, country: str, since: str | None = None, until: str | None = None
) -> NamedStatement:
    """The statement of the account or callerID that `name` means (`find_payer`), over a period in
    the form of `read_moment`. Raises CommandError, NotFound, BooksDisagree."""

    def period(zone: str) -> tuple[Instant | None, Instant | None]:
        begin, end = (None if each is None else read_moment(each, zone) for each in (since, until))
        if begin is not None and end is not None and end < begin:
            raise CommandError("--to is before --from")
        return begin, end

    payer = find_payer(act.tx, act.actor, name, country)
    if isinstance(payer, NamedCallerId):
        return caller_id_statement(act, payer.id, period=period)
    return account_statement(act, payer.id, period=period)


def as_document(named: NamedStatement) -> dict[str, Any]:
    """The statement for JSON; its instants are UTC."""
    found = named.statement
    return {
        "name": named.name,
        "time_zone": named.zone,
        "from": written(found.since),
        "to": written(found.until),
        "opening": format_amount(found.opening),
        "entries": [_document(entry) for entry in found.entries],
        "totals": {kind: format_amount(amount) for kind, amount in found.totals.items()},
        "closing": format_amount(found.closing),
    }


def _document(entry: StatementEntry) -> dict[str, Any]:
    leg = entry.leg
    return {
        "at": written(entry.at),
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


def write_csv(named: NamedStatement, file: TextIO) -> None:
    """Amounts added and amounts charged have columns of their own, so that none begins with a
    minus, which a spreadsheet could take for a formula."""
    found = named.statement
    writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for line in (
        {"at": written(found.since), "kind": "opening balance", "balance": found.opening},
        *map(_cells, found.entries),
        {"at": written(found.until), "kind": "closing balance", "balance": found.closing},
    ):
        line["balance"] = format_amount(line["balance"])
        writer.writerow({name: guarded(cell or "") for name, cell in line.items()})


def _cells(entry: StatementEntry) -> dict[str, Any]:
    amount = format_amount(abs(entry.amount)) if entry.amount else ""
    cells = _document(entry) | {"balance": entry.balance}
    del cells["amount"]
    return cells | {"added" if entry.amount > 0 else "charged": amount}


def show(named: NamedStatement, console: Console) -> None:
    """Print a table in the account's time zone; the totals of each kind follow the entries."""
    found, zone = named.statement, ZoneInfo(named.zone)
    narrow = console.width < NARROW
    table = Table(title=f"Statement of {escape(named.name)}, times of {named.zone}")
    for name in ("what",) if narrow else ("when", "what"):
        table.add_column(name, no_wrap=name == "when", overflow="fold")
    for name in ("amount", "balance"):
        table.add_column(name, justify="right", no_wrap=True)

    def row(at: Instant | None, what: str, *amounts: Decimal | None) -> None:
        when = "" if at is None else datetime.fromtimestamp(at, zone).strftime("%Y-%m-%d %H:%M:%S")
        cells = [f"{when}\n{what}".lstrip()] if narrow else [when, what]
        table.add_row(
            *map(escape, cells),
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
    """What an entry is for, in several lines."""
    leg = entry.leg
    if leg is not None:
        to = "return call to" if leg.leg == "A" else "call to"
        return f"{to} {leg.number}\nsession {leg.session[-SHORT_ID:]}\n{entry.explanation}"
    text = entry.explanation if entry.order_number is None else f"{entry.kind}, {entry.explanation}"
    return text if entry.note is None else f"{text}\n{entry.note}"


def _price(price: Decimal | None) -> str | None:
    return None if price is None else format_amount(price)
