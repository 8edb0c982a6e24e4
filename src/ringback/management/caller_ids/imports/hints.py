"""What a spreadsheet does to numbers, and how to mend it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from ringback.numbering import BadNumber, read_written

_SHORT_FORM = re.compile(r"[0-9]([.,][0-9]+)?E\+?[0-9]+", re.IGNORECASE | re.ASCII)
_WITH_PLACES = re.compile(r"[0-9]+[.,]0+", re.ASCII)
_AS_TEXT = (
    "a spreadsheet took it for a quantity: give the column the format text before you write or "
    "paste into it"
)
SHORTEST_PIN = 4


def spoilt(text: str) -> str | None:
    """Why digits are not those that were meant; None: nothing shows."""
    if _SHORT_FORM.fullmatch(text):
        return f"{text[:40]!r} has lost its last digits: {_AS_TEXT}"
    if _WITH_PLACES.fullmatch(text):
        return f"{text[:40]!r} is a quantity with places: {_AS_TEXT}"
    return None


def zeros_lost(text: str, country: str) -> str:
    """What to add to a fault of a number that could be read with zeros in front."""
    for zeros in ("0", "00"):
        try:
            read_written(f"{zeros}{text}", country)
        except BadNumber:
            continue
        return f" (with {zeros} in front it could be read: a spreadsheet may have taken it off)"
    return ""


def short_pin(text: str) -> str:
    """What to add to a fault of a PIN."""
    if text.isascii() and text.isdecimal() and len(text) < SHORTEST_PIN:
        return ": a spreadsheet may have taken zeros off its front"
    return ""


def shortened_pins(lengths: Counter[int], zeros: int) -> str | None:
    """A hint where PINs look as if zeros had been taken off: most have one length, some are
    shorter, and none begins with 0. `zeros`: how many do."""
    if not lengths or zeros:
        return None
    usual, count = lengths.most_common(1)[0]
    shorter = _sum(number for length, number in lengths.items() if length < usual)
    if not shorter or count < 2 * shorter:
        return None
    return (
        f"{shorter} PINs are shorter than the others, which have {usual} digits, and none begins "
        "with 0: a spreadsheet may have taken zeros off their front"
    )


def _sum(numbers: Iterable[int]) -> int:
    return sum(numbers)
