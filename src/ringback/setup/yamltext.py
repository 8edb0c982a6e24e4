"""Entries as the YAML that people write by hand: in one line what fits into one, texts in quotes
where YAML might read something else, money and numbers always."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence

WIDTH = 100
"""Columns of a line, where it can be cut."""

Value = Mapping[str, "Value"] | Sequence["Value"] | str | int | None

# What begins with a digit or a sign may be a number, a date or a time to some reader of YAML. Other
# letters are in quotes, where an output that does not have them writes them as YAML reads them.
_PLAIN = re.compile(r"(?:/{0,5}[a-z])[\w./-]*(?: [\w./-]+)*", re.ASCII | re.IGNORECASE)
_OTHERS = frozenset(("true", "false", "yes", "no", "on", "off", "y", "n", "null"))
"""Words that are no texts, to some reader."""


def item(value: Mapping[str, Value], indent: int) -> Iterator[str]:
    """The lines of an entry in a list."""
    whole = _in_line(value)
    if _fits(whole, indent + 2):
        yield f"{' ' * indent}- {whole}"
        return
    yield from _dashed(_keys(value, indent + 2), indent)


def opened(value: Mapping[str, Value], indent: int) -> Iterator[str]:
    """The same with each key in a line of its own, so that more can come after."""
    yield from _dashed(_keys(value, indent + 2), indent)


def values_in(value: Value) -> int:
    """How many values it has, keys and lists and itself counted, too."""
    if isinstance(value, Mapping):
        return 1 + sum(1 + values_in(each) for each in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return 1 + sum(map(values_in, value))
    return 1


def comment(text: str, indent: int) -> str:
    """A comment. What ends a line to some reader of YAML is escaped."""
    return f"{' ' * indent}# {_escaped(text)}"


def _dashed(lines: Iterator[str], indent: int) -> Iterator[str]:
    first = next(lines)
    yield f"{' ' * indent}- {first.lstrip()}"
    yield from lines


def _keys(value: Mapping[str, Value], indent: int) -> Iterator[str]:
    lead = " " * indent
    for key, each in value.items():
        name, whole = _text(key), _in_line(each)
        if _fits(whole, indent + len(name) + 2) or not _is_parted(each):
            yield f"{lead}{name}: {whole}"
        elif isinstance(each, Mapping):
            yield f"{lead}{name}:"
            yield from _keys(each, indent + 2)
        else:
            yield f"{lead}{name}:"
            yield from _items(each, indent + 2)


def _items(values: Value, indent: int) -> Iterator[str]:
    assert isinstance(values, Sequence)
    for each in values:
        if isinstance(each, Mapping):
            yield from item(each, indent)
        else:
            yield f"{' ' * indent}- {_in_line(each)}"


def _is_parted(value: Value) -> bool:
    return bool(value) and isinstance(value, Mapping | Sequence) and not isinstance(value, str)


def _fits(text: str, before: int) -> bool:
    return len(text) + before <= WIDTH


def _in_line(value: Value) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(k)}: {_in_line(each)}" for k, each in value.items()) + "}"
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, int):  # a bool is one
        return json.dumps(value)
    return "[" + ", ".join(map(_in_line, value)) + "]"


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _OTHERS:
        return text
    return _escaped(json.dumps(text, ensure_ascii=False))


def _escaped(text: str) -> str:
    return "".join(each if each.isprintable() else _escape(each) for each in text)


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
