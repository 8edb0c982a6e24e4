"""CallerIDs on a terminal; no number, amount or word is broken on 60 columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from ringback.amounts import format_amount
from ringback.cli.lines import NARROW
from ringback.cli.options import wide_console
from ringback.cli.pairs import shown
from ringback.management.caller_ids.found import CallerId, Credit


def show_list(items: Iterable[CallerId], console: Console | None = None) -> None:
    """A line each."""
    console = console or wide_console()
    narrow = console.width < NARROW
    table = Table(box=None)
    table.add_column("number", no_wrap=True)
    table.add_column("name", overflow="fold", min_width=6)
    table.add_column("credit", no_wrap=True, justify="right")
    table.add_column("", no_wrap=True)
    if not narrow:
        table.add_column("extension", overflow="fold", min_width=12)
    for each in items:
        name = each.name or ""
        if narrow:
            name = f"{name}\n{each.extension}".strip()
        cells = [each.number, name, _credit(each.credit), _state(each)]
        table.add_row(*cells, *([] if narrow else [each.extension]))
    console.print(table)


def _credit(credit: Credit) -> str:
    return "unlimited" if credit.unlimited else format_amount(credit.balance)


def _state(each: CallerId) -> str:
    words = [] if each.enabled else ["disabled"]
    return ", ".join([*words, *(["PIN"] if each.pin_set else [])])


def show_one(document: Mapping[str, Any], console: Console | None = None) -> None:
    """What is set of one, a line each; what has the default is left out."""
    console = console or wide_console()
    table = Table(box=None, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in document.items():
        if name == "credit":
            table.add_row(name, _credit_line(value))
        elif name == "locks":
            for lock in value:
                table.add_row("locked", f"{lock['what']} until {lock['until']}")
        elif value not in (None, {}):
            table.add_row(name, shown(value))
    console.print(table)


def _credit_line(credit: Mapping[str, Any]) -> str:
    if credit["unlimited"]:
        return "unlimited"
    reserved = "" if credit["available"] == credit["balance"] else f" ({credit['available']} free)"
    return f"{credit['balance']}{reserved} of {credit['total']} recharged"
