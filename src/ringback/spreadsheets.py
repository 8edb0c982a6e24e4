"""Tables written for spreadsheets, row by row, so that memory does not grow with them: as CSV, in
which no cell can be taken for a formula, or as XLSX, whose cells have types (spec section 8)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol, TextIO

import xlsxwriter

from ringback.amounts import format_amount
from ringback.cells import guarded

Cell = str | Decimal | int | bool | datetime | None
"""A time is aware."""

_EXACT_DIGITS = 15
"""So many digits of a number does a spreadsheet keep."""


class Sheet(Protocol):
    """A table that is being written."""

    def row(self, cells: Sequence[Cell]) -> None:
        """One more row."""
        ...


class CsvSheet:
    """Writes CSV in UTF-8, delimited by commas."""

    def __init__(self, file: TextIO) -> None:
        """`file` is open with `newline=""`."""
        self._writer = csv.writer(file, lineterminator="\r\n")

    def row(self, cells: Sequence[Cell]) -> None:
        self._writer.writerow([_written(cell) for cell in cells])


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case bool():
            return "yes" if cell else "no"
        case Decimal():
            return format_amount(cell)
        case datetime():
            return cell.isoformat(timespec="seconds")
        case str():
            return guarded(cell)
        case _:
            return str(cell)


class _XlsxSheet:
    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._sheet = book.add_worksheet()
        self._amount = book.add_format({"num_format": "0.00####"})
        self._time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._rows = 0

    def row(self, cells: Sequence[Cell]) -> None:
        for column, cell in enumerate(cells):
            place = (self._rows, column)
            match cell:
                case None:
                    continue
                case bool():
                    self._sheet.write_boolean(*place, cell)
                case Decimal() if len(cell.as_tuple().digits) <= _EXACT_DIGITS:
                    self._sheet.write_number(*place, float(cell), self._amount)
                case Decimal():
                    self._sheet.write_string(*place, format_amount(cell))
                case int():
                    self._sheet.write_number(*place, cell)
                case datetime():
                    # Spreadsheets know no time zones.
                    self._sheet.write_datetime(*place, cell.replace(tzinfo=None), self._time)
                case _:
                    self._sheet.write_string(*place, cell)
        self._rows += 1


@contextmanager
def xlsx_sheet(path: Path) -> Iterator[Sheet]:
    """Writes a workbook with one sheet. Raises OSError."""
    book = xlsxwriter.Workbook(path, {"constant_memory": True})
    try:
        yield _XlsxSheet(book)
    finally:
        _close(book)


def _close(book: xlsxwriter.Workbook) -> None:
    try:
        book.close()
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(str(error)) from error
