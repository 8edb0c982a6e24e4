"""Amounts of money: exact decimals with at most 6 places, and 12 digits before the point.

A server has one currency, so an amount does not name it. In JSON an amount is a string with at
least two places and no further zeros; in the database it is a whole number of millionths.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal

PLACES = 6
LARGEST = Decimal("999999999999.999999")
ZERO = Decimal(0)

_EXACT = Context(prec=60)
_STEP = Decimal("0.000001")
FORM = r"[+-]?[0-9]{1,12}(\.[0-9]{1,6}0*)?"
"""As a regular expression."""
_FORM = re.compile(FORM, re.ASCII)


class BadAmount(ValueError):
    """The text or number is not an amount; the message says why and how to mend it."""


def parse_amount(text: str) -> Decimal:
    """Read an amount such as "5", "5.00" or "-0.000125".

    Raises BadAmount: an amount with more than 6 places or 12 digits is refused, never rounded.
    Zeros at the end do not count as places.
    """
    if not _FORM.fullmatch(text):
        raise BadAmount(
            f"{text[:40]!r} is not an amount: write digits with at most 12 before the point and "
            'at most 6 after it, such as "5.00"'
        )
    return Decimal(text) + ZERO


def format_amount(amount: Decimal) -> str:
    """The amount as JSON writes it: "5.00", "0.000125"."""
    whole, places = f"{checked(amount):.6f}".split(".")
    if not amount:
        whole = whole.lstrip("-")
    return f"{whole}.{places[:2]}{places[2:].rstrip('0')}"


def checked(amount: Decimal) -> Decimal:
    """The same amount; raises BadAmount if a server cannot hold it."""
    if not amount.is_finite() or abs(amount) > LARGEST:
        raise BadAmount(f"{amount} is out of range: at most 12 digits before the point")
    if amount != amount.quantize(_STEP, context=_EXACT):
        raise BadAmount(f"{amount} has more than 6 places")
    return amount


def to_millionths(amount: Decimal) -> int:
    """The amount as the database holds it. Raises BadAmount instead of rounding."""
    return int(checked(amount).scaleb(PLACES, context=_EXACT))


def from_millionths(value: int) -> Decimal:
    """The inverse of `to_millionths`."""
    return Decimal(value).scaleb(-PLACES, context=_EXACT)
