"""Why a call comes to nothing, in words, as the log compares them."""

from __future__ import annotations

import re

_QUOTED = re.compile(r"(?<!\w)(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")
"""As `repr` quotes a text; the apostrophe of a word is none."""


def without_quotes(reason: str) -> str:
    """A reason without what is quoted in it, which whoever sends the calls may vary."""
    return _QUOTED.sub("", reason)
