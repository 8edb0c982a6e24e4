"""What kind of file it is: its coding, its delimiter, its columns. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ringback.management.caller_ids.imports.faults import BadImport, LineFault

LARGEST_BYTES = 32 * 1024 * 1024
LARGEST_LINES = 200_000
BY_POSITION = ("number", "name", "pin", "order_number", "credit")
"""The columns of a file that does not name them."""

_SPELLINGS: Mapping[str, str] = {
    "number": "number callerid callernumber calleridnumber phone phonenumber telephone "
    "telephonenumber tel mobile mobilenumber msisdn cli ani",
    "name": "name calleridname callername fullname contact contactname",
    "pin": "pin pincode",
    "order_number": "ordernumber orderno ordernr order invoice invoicenumber",
    "credit": "credit amount startingcredit initialcredit",
    "reference": "reference ref externalid customerid customernumber",
    "note": "note notes comment comments remark remarks",
    "enabled": "enabled active status",
    "expires": "expires expiry expirydate expirationdate validuntil",
    "language": "language lang",
    "extension": "extension",
}
_COLUMNS = {text: name for name, texts in _SPELLINGS.items() for text in texts.split()}
_IGNORED = frozenset({"creditleft", "pinset"})
"""Columns of an export that only tell."""
_PLAIN = re.compile(r"[\W_]+")
_SAID_DELIMITER = re.compile(r"sep=([,;\t])\r?\n", re.IGNORECASE)
_NUMBER = re.compile(r"[+'=\"(]*[0-9][0-9 ().+/E-]{3,}\"?", re.ASCII)
_DELIMITERS = ",;\t"


@dataclass(frozen=True, slots=True)
class Table:
    """A file that can be read."""

    text: str
    coding: str
    delimiter: str
    columns: tuple[str | None, ...]
    """What each column says; None: nothing that is known."""
    unused: tuple[str, ...]
    """The names of columns from which nothing is taken."""
    first: int
    """The line of the first record."""

    def records(self) -> Iterator[tuple[int, Sequence[str]]]:
        """The line that each record begins at, and its cells; empty ones are left out. Raises
        BadImport where quotes are not closed, or there are too many lines."""
        reader = csv.reader(
            io.StringIO(self.text, newline=""), delimiter=self.delimiter, strict=True
        )
        line, count = 1, 0
        try:
            for cells in reader:
                if line >= self.first and any(cell.strip() for cell in cells):
                    count += 1
                    if count > LARGEST_LINES:
                        raise _bad(line, f"has more than {LARGEST_LINES:,} callerIDs: split it")
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise _bad(
                line, f"{error}: see that its quotes are closed; what is below was not read"
            ) from error


def read_table(data: bytes) -> Table:
    """Raises BadImport."""
    text, coding = _decoded(data)
    said = _SAID_DELIMITER.match(text)
    delimiters = _DELIMITERS if said is None else said[1]
    start = 1 if said is None else 2
    found = [(delimiter, *_first(text, delimiter, start)) for delimiter in delimiters]
    delimiter, line, cells = max(found, key=lambda each: (_known(each[2]), len(each[2])))
    if not any(cell.strip() for cell in cells):
        raise _bad(1, "the file is empty")
    if _known(cells):
        columns, unused = _named(line, cells)
        return Table(text, coding, delimiter, columns, unused, line + 1)
    if not _NUMBER.fullmatch(cells[0].strip()):
        shown = ", ".join(repr(cell.strip()[:30]) for cell in cells[:10])
        raise _bad(
            line,
            f"begins with {shown}, which is neither a phone number nor the name of a column: "
            f"name the columns there, such as {', '.join(BY_POSITION)}",
        )
    if len(cells) > len(BY_POSITION):
        raise _bad(line, "has more columns than are known without their names: name them there")
    return Table(text, coding, delimiter, BY_POSITION, (), line)


def _bad(line: int, message: str) -> BadImport:
    return BadImport([LineFault(line, None, message)])


def _first(text: str, delimiter: str, start: int) -> tuple[int, list[str]]:
    """The line of the first record that is not empty, and its cells."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    try:
        for cells in reader:
            if line >= start and any(cell.strip() for cell in cells):
                return line, cells
            line = reader.line_num + 1
    except csv.Error:
        pass  # told when it is read
    return line, [""]


def _plain(name: str) -> str:
    return _PLAIN.sub("", name).casefold()


def _known(cells: Sequence[str]) -> int:
    return sum(_plain(cell) in _COLUMNS for cell in cells)


def _named(line: int, cells: Sequence[str]) -> tuple[tuple[str | None, ...], tuple[str, ...]]:
    """What the columns say by their names, and which say nothing that is known."""
    columns = tuple(_COLUMNS.get(_plain(cell)) for cell in cells)
    faults = []
    for name in sorted({name for name in columns if name is not None}):
        same = [cell for cell, each in zip(cells, columns, strict=True) if each == name]
        if len(same) > 1:
            told = " and ".join(repr(cell.strip()[:30]) for cell in same)
            faults.append(LineFault(line, name, f"is there twice, as {told}: take one out"))
    if "number" not in columns:
        faults.append(LineFault(line, None, "names no column of numbers: call it number"))
    if faults:
        raise BadImport(faults)
    unused = tuple(
        cell.strip()
        for cell, name in zip(cells, columns, strict=True)
        if name is None and cell.strip() and _plain(cell) not in _IGNORED
    )
    return columns, unused


def _decoded(data: bytes) -> tuple[str, str]:
    """The text, and the name of its coding."""
    if len(data) > LARGEST_BYTES:
        raise _bad(1, f"the file is larger than {LARGEST_BYTES >> 20} MB: split it")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise _bad(1, "this is a workbook, not a CSV file: save it as CSV in UTF-8")
    for coding in _codings(data):
        try:
            text = data.decode(coding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text.removeprefix("\ufeff"), coding
    raise _bad(1, "its coding is not known: save the file as CSV in UTF-8")


def _codings(data: bytes) -> Sequence[str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return ("utf-16",)
    if data[1:2] == b"\0":
        return ("utf-16-le",)
    if data[:1] == b"\0":
        return ("utf-16-be",)
    return ("utf-8", "cp1252")
