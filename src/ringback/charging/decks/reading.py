"""Rates from CSV: every bad line is named, with all that is wrong with it.

Files come from carriers and spreadsheets, so columns may have other names, and nothing in a file
is trusted.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ringback.amounts import ZERO, parse_amount
from ringback.cells import unguarded
from ringback.charging.decks.deck import ended_by_later, overlaps
from ringback.charging.rating import Rate
from ringback.clock import Instant
from ringback.prefixes import parse_prefix

COLUMNS = (
    "prefix",
    "setup",
    "first_block",
    "first_price",
    "next_block",
    "price_per_minute",
    "valid_from",
    "valid_to",
)
"""Those of a rate, spec sections 6 and 11."""
REQUIRED = ("prefix", "price_per_minute")

LARGEST_BYTES = 64 * 1024 * 1024
LARGEST_RATES = 500_000
LISTED = 1000
"""So many bad lines are kept; of the rest only the number."""
_LONGEST_BLOCK = 86400
MINUTE = 60
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class LineFault:
    """A line of the file, from 1, and what is wrong with it."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


class BadDeck(ValueError):
    """The file cannot be loaded."""

    def __init__(self, faults: Sequence[LineFault], count: int) -> None:
        self.faults = faults
        """The first of the bad lines, in their order."""
        self.count = count
        """Of all of them."""
        super().__init__("\n".join(self.lines(LISTED)))

    def lines(self, most: int) -> list[str]:
        """What to tell, with at most so many faults."""
        told = [str(fault) for fault in self.faults[:most]]
        if self.count > len(told):
            told.append(f"and {self.count - len(told)} more bad lines")
        return told


@dataclass(frozen=True, slots=True)
class DeckFile:
    """What a good file says."""

    rates: list[Rate]
    unused: tuple[str, ...]
    """Columns that nothing was taken from."""


def read_deck(data: bytes, columns: Mapping[str, str]) -> DeckFile:
    """The rates of a CSV file in UTF-8 whose first line names its columns, delimited by comma,
    semicolon or tab. `columns` says which of them holds a column of a rate, where that is not
    the one of the same name. A rate without an end ends where a later one of its prefix begins.
    Raises BadDeck."""
    faults = _Faults()
    text = _decode(data, faults)
    delimiter, header = _header(text, columns)
    places = _places(header, columns, faults)
    rates, lines = _rates(text, delimiter, len(header), places, faults)
    rates = ended_by_later(rates)
    for first, second in overlaps(rates):
        faults.add(lines[second], _overlap(rates[first], rates[second], lines[first]))
    if not rates and not faults.count:
        faults.add(1, "no rates follow it: loaded, it would have every call refused")
    faults.check()
    used = set(places.values())
    return DeckFile(rates, tuple(name for place, name in enumerate(header) if place not in used))


@dataclass
class _Faults:
    found: list[LineFault] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, message: str) -> None:
        self.count += 1
        if self.count <= LISTED:
            self.found.append(LineFault(line, message))

    def check(self) -> None:
        if self.count:
            raise BadDeck(sorted(self.found, key=lambda fault: fault.line), self.count)


def _decode(data: bytes, faults: _Faults) -> str:
    """The text. Raises BadDeck where there is none."""
    if len(data) > LARGEST_BYTES:
        faults.add(1, f"the file is larger than {LARGEST_BYTES >> 20} MB: split it")
    elif (nul := data.find(b"\0")) >= 0:
        faults.add(_line_at(data, nul), "has a NUL in it: save the file as CSV in UTF-8")
    faults.check()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        faults.add(_line_at(data, error.start), "is not UTF-8: save the file as CSV in UTF-8")
        faults.check()
        raise


def _line_at(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1


def _header(text: str, columns: Mapping[str, str]) -> tuple[str, list[str]]:
    """The delimiter, which is the one that finds most of the columns wanted, and the names."""
    wanted = {_plain(columns.get(name, name)) for name in COLUMNS}
    found: list[tuple[int, int, str, list[str]]] = []
    for delimiter in ",;\t":
        try:
            names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
        except csv.Error:
            continue
        known = sum(_plain(name) in wanted for name in names)
        found.append((known, len(names), delimiter, names))
    if not found:
        raise BadDeck([LineFault(1, "is not the names of columns")], 1)
    _, _, delimiter, names = max(found, key=lambda each: each[:2])
    if not any(name.strip() for name in names):
        raise BadDeck([LineFault(1, "is empty: write the names of the columns there")], 1)
    return delimiter, [name.strip() for name in names]


def _plain(name: str) -> str:
    return name.strip().casefold()


def _places(header: Sequence[str], columns: Mapping[str, str], faults: _Faults) -> dict[str, int]:
    """Where the columns of a rate are. Raises BadDeck."""
    there = [_plain(name) for name in header]
    places = {}
    for column in COLUMNS:
        name = columns.get(column, column)
        count = there.count(_plain(name))
        if count > 1:
            faults.add(1, f"the column {name!r} is there {count} times: rename the others")
        elif count:
            places[column] = there.index(_plain(name))
        elif column in columns or column in REQUIRED:
            shown = ", ".join(repr(each[:40]) for each in header[:40])
            faults.add(
                1, f"there is no column {name!r}, but {shown}: name it with --column {column}=NAME"
            )
    faults.check()
    return places


def _rates(
    text: str, delimiter: str, width: int, places: Mapping[str, int], faults: _Faults
) -> tuple[list[Rate], list[int]]:
    """The rates of the good lines, and the line of each."""
    rates: list[Rate] = []
    lines: list[int] = []
    one_price = places.get("first_price") == places["price_per_minute"]
    read = [(name, places[name], lru_cache(4096)(_CELLS[name])) for name in places]
    for line, cells in _records(text, delimiter, faults):
        if len(cells) != width:
            faults.add(line, f"has {len(cells)} cells, where the first line has {width}")
            continue
        values: dict[str, Any] = {}
        wrong = []
        for name, place, parse in read:
            try:
                values[name] = parse(unguarded(cells[place].strip()))
            except ValueError as error:
                wrong.append(f"{name}: {error}")
        if one_price and values.get("first_block", MINUTE) != MINUTE:
            wrong.append(
                f"first_price: it is the price of a minute, in the column of price_per_minute, but "
                f"first_block is {values['first_block']} s: leave first_price out"
            )
        since, until = values.get("valid_from"), values.get("valid_to")
        if since is not None and until is not None and until <= since:
            wrong.append("valid_to: must be after valid_from")
        if wrong:
            faults.add(line, "; ".join(wrong))
            continue
        if len(rates) == LARGEST_RATES:
            faults.add(
                line,
                f"a deck has at most {LARGEST_RATES} rates: this line and those below are too many",
            )
            break
        try:
            rates.append(Rate(**(_DEFAULTS | values)))
        except ValueError as error:
            faults.add(line, str(error))
            continue
        lines.append(line)
    return rates, lines


def _records(text: str, delimiter: str, faults: _Faults) -> Iterator[tuple[int, list[str]]]:
    """The line that each record begins at, and its cells; the header and empty ones left out."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for cells in reader:
            if line > 1 and any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        faults.add(
            line,
            f"{error}: see that its quotes are closed; the lines below it have not been read",
        )


def _price(text: str) -> Decimal:
    if not text:
        raise ValueError("is required")
    amount = parse_amount(text)
    if amount < 0:
        raise ValueError("must not be negative")
    return amount


def _setup(text: str) -> Decimal:
    return _price(text) if text else ZERO


def _first_price(text: str) -> Decimal | None:
    return _price(text) if text else None


def _block(default: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text:
            return default
        if not re.fullmatch("[0-9]{1,5}", text, re.ASCII) or not 1 <= int(text) <= _LONGEST_BLOCK:
            raise ValueError(f"{text[:40]!r} is no block: write 1 to {_LONGEST_BLOCK} seconds")
        return int(text)

    return parse


def _instant(text: str) -> Instant | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError(
            f"{text[:40]!r} is no instant: write date, time and zone, such as 2026-01-01T00:00:00Z"
        )
    return instant_of(at)


def instant_of(at: datetime) -> Instant:
    """The beginning or end of a rate's validity. Raises ValueError where a file of rates could not
    say it."""
    if not _FIRST <= at <= _LAST:
        raise ValueError(f"{at.isoformat()} is not between 1970 and 9999")
    return at.timestamp()


_CELLS: dict[str, Callable[[str], Any]] = {
    "prefix": parse_prefix,
    "setup": _setup,
    "first_block": _block(MINUTE),
    "first_price": _first_price,
    "next_block": _block(10),
    "price_per_minute": _price,
    "valid_from": _instant,
    "valid_to": _instant,
}
_DEFAULTS = {name: _CELLS[name]("") for name in COLUMNS if name not in REQUIRED}


def _overlap(first: Rate, second: Rate, line: int) -> str:
    if first == second:
        return f"says the same as line {line}: take one out"
    return f"the prefix {second.prefix!r} has a rate at the same time on line {line}"
