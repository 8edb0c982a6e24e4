"""Hosts as people write them: in the configuration, and for a trunk."""

from __future__ import annotations

import re
from typing import Annotated

from ringback.faults import Check, whole

_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = rf"{_LABEL}([.]{_LABEL})*"
_LONGEST = 253
HOST = re.compile(rf"(?=.{{1,{_LONGEST}}}\Z){_NAME}", re.ASCII)
"""RFC 1123 section 2.1, with the underscore that is in use."""


def _host(text: str) -> str:
    if not HOST.fullmatch(text):
        raise ValueError(
            "write an IPv4 address or a name, whose parts are 1 to 63 letters and digits"
        )
    return text


Host = Annotated[str, Check(_host, {"pattern": whole(_NAME), "maxLength": _LONGEST})]
