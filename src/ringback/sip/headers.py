"""The header fields of a message, and what their names mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from ringback.sip.errors import SipError
from ringback.sip.uri import TOKEN, split_unquoted

_NAME = re.compile(rf"({TOKEN})\s*:\s*")
_COMPACT = {
    "i": "call-id", "m": "contact", "e": "content-encoding", "l": "content-length",
    "c": "content-type", "f": "from", "s": "subject", "k": "supported", "t": "to", "v": "via",
    "x": "session-expires", "r": "refer-to", "o": "event", "u": "allow-events",
}  # fmt: skip
_ONCE = ("from", "to", "call-id", "cseq")
"""What says which request and dialog it is."""
_NEEDED = ("via", *_ONCE)

T = TypeVar("T")


class Headers:
    """Header fields in their order. Names are case-insensitive and in their long form."""

    __slots__ = ("_fields", "_parsed")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = [(name.lower(), value) for name, value in fields]
        self._parsed: dict[str, object] = {}

    def get(self, name: str) -> str | None:
        """The first value, unparsed."""
        for field, value in self._fields:
            if field == name:
                return value
        return None

    def all(self, name: str) -> list[str]:
        """Every value of a header that may have several."""
        return [
            part.strip()
            for field, value in self._fields
            if field == name
            for part in split_values(value)
            if part.strip()
        ]

    def tokens(self, name: str) -> set[str]:
        """The values of a list of words, such as Supported."""
        return {value.lower() for value in self.all(name)}

    def readable(self, name: str, parse: Callable[[str], T]) -> list[T]:
        """Those values of a header that can be read: what is wrong with one is no fault of the
        others."""
        found = []
        for value in self.all(name):
            try:
                found.append(parse(value))
            except SipError:
                continue
        return found

    def parsed(self, name: str, read: Callable[[], T]) -> T:
        """What `read` reads of a header of this name, read once."""
        if name not in self._parsed:
            self._parsed[name] = read()
        return self._parsed[name]  # type: ignore[return-value]

    def add(self, name: str, value: object) -> None:
        self._fields.append((name.lower(), str(value)))
        self._parsed.pop(name.lower(), None)

    def set(self, name: str, value: object) -> None:
        """Replace all values that there are."""
        self.remove(name)
        self.add(name, value)

    def prepend(self, name: str, value: object) -> None:
        self._fields.insert(0, (name.lower(), str(value)))
        self._parsed.pop(name.lower(), None)

    def remove(self, name: str) -> None:
        self._fields = [field for field in self._fields if field[0] != name.lower()]
        self._parsed.pop(name.lower(), None)

    def items(self) -> list[tuple[str, str]]:
        return list(self._fields)

    def check(self) -> None:
        """Check that every header is there that a request needs, and those stand once that say
        which it is. Raises SipError."""
        names = [name for name, _ in self._fields]
        for name in _ONCE:
            if names.count(name) > 1:
                raise SipError(f"{name} stands twice")
        for name in _NEEDED:
            if name not in names:
                raise SipError(f"{name} is missing")


def split_values(value: str) -> list[str]:
    """A field at its commas. One whose quotes have no end is one value."""
    try:
        return split_unquoted(value, ",")
    except SipError:
        return [value]


def read_headers(lines: Sequence[str]) -> Headers:
    """What is no header is passed over, with the lines that continue it."""
    fields: list[tuple[str, str]] = []
    passed_over = True
    for line in lines:
        if line[:1] in (" ", "\t"):
            if not passed_over:
                name, value = fields[-1]
                fields[-1] = (name, f"{value} {line.strip()}".strip())
            continue
        match = _NAME.match(line)
        passed_over = match is None
        if match is not None:
            name = match[1].lower()
            fields.append((_COMPACT.get(name, name), line[match.end() :].strip()))
    return Headers(fields)
