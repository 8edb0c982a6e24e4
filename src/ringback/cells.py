"""Cells of exports, written so that no spreadsheet takes one for a formula (spec section 8)."""

from __future__ import annotations

import re

_FORMULA = re.compile("[=+\\-@\t\r]")
_GUARDED = re.compile("'[=+\\-@\t\r0-9]")
_NUMBER = re.compile("[+][0-9]+", re.ASCII)


def guarded(text: str) -> str:
    """The text, with a quote before it if it begins like a formula and is not a phone number."""
    if _FORMULA.match(text) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def unguarded(text: str) -> str:
    """The inverse of `guarded`, for imports; digits may have got a quote, too. `'t Hooft` keeps
    his."""
    return text[1:] if _GUARDED.match(text) else text
