"""Rates as CSV, such that reading it and writing it again gives the same bytes."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import TextIO

from ringback.amounts import format_amount
from ringback.charging.decks.reading import COLUMNS
from ringback.charging.rating import Rate
from ringback.clock import Instant, utc_text


def write_deck(rates: Iterable[Rate], file: TextIO) -> None:
    """The rates by prefix and period, under the names of their columns. `file` must not change
    ends of lines."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(rate) for rate in sorted(rates, key=_order))


def _cells(rate: Rate) -> tuple[str, ...]:
    return (
        rate.prefix,
        format_amount(rate.setup),
        str(rate.first_block),
        "" if rate.first_price is None else format_amount(rate.first_price),
        str(rate.next_block),
        format_amount(rate.price_per_minute),
        write_instant(rate.valid_from),
        write_instant(rate.valid_to),
    )


def write_instant(at: Instant | None) -> str:
    """As 2026-01-01T00:00:00Z; nothing for None."""
    return "" if at is None else utc_text(at)


def _order(rate: Rate) -> tuple[str, float]:
    return rate.prefix, float("-inf") if rate.valid_from is None else rate.valid_from
