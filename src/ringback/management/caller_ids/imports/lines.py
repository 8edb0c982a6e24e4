"""What a line of the file says of one callerID. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ringback.accounts.entries import CallerIdEntry
from ringback.cells import unguarded
from ringback.documents import read_document
from ringback.faults import Faults
from ringback.management.caller_ids.imports import hints
from ringback.management.caller_ids.imports.faults import FoundFaults
from ringback.numbering import BadNumber, read_written

_FORMULA = re.compile(r'="([^"]*)"')
_DECIMAL_COMMA = re.compile(r"([+-]?[0-9]{1,12}),([0-9]{1,2}|[0-9]{4,6})", re.ASCII)
_TRUTH = {
    **dict.fromkeys(("yes", "y", "true", "1", "enabled", "active", "on"), True),
    **dict.fromkeys(("no", "n", "false", "0", "disabled", "inactive", "suspended", "off"), False),
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where the lines go to."""

    path: str
    """Of the extension."""
    country: str
    delimiter: str


def cells_of(columns: Sequence[str | None], cells: Sequence[str]) -> dict[str, str]:
    """What the known columns of a line say; an empty cell says nothing."""
    told: dict[str, str] = {}
    for name, cell in zip(columns, cells, strict=False):
        text = unguarded(cell.strip())
        formula = _FORMULA.fullmatch(text)
        if formula is not None:
            text = formula[1]
        if name is not None and text:
            told[name] = text
    return told


def read_line(
    line: int, cells: Mapping[str, str], target: Target, faults: FoundFaults
) -> CallerIdEntry | None:
    """The entry that a line is; None where it has faults, which are added."""
    before, country = faults.count, target.country
    values: dict[str, Any] = {**cells}
    extension = values.pop("extension", "")
    if extension and not f"/{target.path}".endswith((f"/{extension}", f":{extension}")):
        faults.add(line, "extension", f"is another one: this import is for {target.path}")
    values["number"] = _number(line, cells.get("number", ""), country, faults)
    if "enabled" in cells:
        values["enabled"] = _TRUTH.get(cells["enabled"].casefold())
        if values["enabled"] is None:
            faults.add(line, "enabled", "write yes or no")
    if "credit" in cells:
        values["credit"] = _credit(cells["credit"], target.delimiter)
    spoilt = hints.spoilt(cells.get("pin", ""))
    if spoilt is not None:
        faults.add(line, "pin", "a spreadsheet took it for a quantity: write it as text")
        del values["pin"]
    try:
        entry = read_document(CallerIdEntry, values)
    except Faults as error:
        for fault in error.found:
            column = str(fault.where[0])
            if column in values and values[column] is None:
                continue  # told already
            more = hints.short_pin(cells.get("pin", "")) if column == "pin" else ""
            faults.add(line, column, fault.message + more)
        return None
    return entry if faults.count == before else None


def _number(line: int, text: str, country: str, faults: FoundFaults) -> str | None:
    spoilt = hints.spoilt(text)
    if spoilt is None and text:
        try:
            return read_written(text, country)
        except BadNumber as error:
            spoilt = f"{error}{hints.zeros_lost(text, country)}"
    faults.add(line, "number", spoilt or "is required")
    return None


def _credit(text: str, delimiter: str) -> str:
    """An amount as we write it: where commas do not part cells, one may be before the places."""
    if text.casefold() == "unlimited":
        return "unlimited"
    comma = _DECIMAL_COMMA.fullmatch(text) if delimiter != "," else None
    return text if comma is None else f"{comma[1]}.{comma[2]}"
