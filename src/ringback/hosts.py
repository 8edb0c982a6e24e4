"""Hosts as people write them: in the configuration, and for a trunk."""

from __future__ import annotations

import re
from typing import Annotated

from ringback.faults import form

_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*", re.ASCII)
"""RFC 1123 section 2.1, with the underscore that is in use."""
Host = Annotated[
    str,
    form(HOST.pattern, "an IPv4 address or a name, whose parts are 1 to 63 letters and digits"),
]
