"""Fields given to a command as KEY=VALUE, by the names that the setup file has: `port=5080`,
`called.plus=false`, `sources=192.0.2.1,192.0.2.2`, `speed_dials.1=+442079460000`; an empty value is
none or the default. A list of tables is written as JSON."""

from __future__ import annotations

import difflib
import getpass
import json
import sys
from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic.fields import FieldInfo

from ringback.cli.options import CommandError
from ringback.faults import Section

Pairs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[KEY=VALUE]...", help="Fields as in the setup file; KEY= takes out."),
]

_MOST_NEAR = 5
_TRUTH = {"true": True, "yes": True, "false": False, "no": False}


def read_pairs(
    pairs: Sequence[str],
    kind: type[Section],
    *,
    secret: str = "",
    elsewhere: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The document that the pairs say, for an entry of that kind; what its values mean is for the
    entry to judge. A `secret` given as "-" is asked for, and so stands in no list of processes.
    `elsewhere`: fields that are not written here, each with where they are. Raises CommandError."""
    elsewhere = elsewhere or {}
    document: dict[str, Any] = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator:
            raise CommandError(f"{pair!r}: write KEY=VALUE, such as port=5080")
        if key in elsewhere:
            raise CommandError(f"{key}: {elsewhere[key]}")
        *outer, last = key.split(".")
        part, section = document, kind
        table = False
        for name in outer:
            field = _field(section, name)
            inner = None if field is None else _section(field.annotation)
            table = field is not None and name is outer[-1] and _is_table(field.annotation)
            if inner is None and not table:
                raise _no_field(key, kind)
            part, section = part.setdefault(name, {}), inner or section
        if last in part:
            raise CommandError(f"{key}: is there twice: write it once")
        if table:
            part[last] = text or None
            continue
        field = _field(section, last)
        if field is None or _section(field.annotation) is not None:
            raise _no_field(key, kind)
        if _is_table(field.annotation) and text:
            raise CommandError(f"{key}: write {key}.KEY=VALUE for each of them")
        asked = key == secret and text == "-"
        part[last] = _asked(last) if asked else _value(key, text, field.annotation)
    return document


def _no_field(key: str, kind: type[Section]) -> CommandError:
    """Names the fields that are meant most likely: those that the key begins, or are like it; or
    else all."""
    names = _names(kind)
    near = [name for name in names if name.startswith(f"{key}.")]
    near = near or difflib.get_close_matches(key, names, _MOST_NEAR, cutoff=0.75)
    return CommandError(f"{key}: there is no such field: write one of {', '.join(near or names)}")


def _field(kind: type[Section], name: str) -> FieldInfo | None:
    for own, field in kind.model_fields.items():
        if (field.alias or own) == name:
            return field
    return None


def _names(kind: type[Section]) -> list[str]:
    found = []
    for own, field in kind.model_fields.items():
        name, inner = field.alias or own, _section(field.annotation)
        if inner is not None:
            found += [f"{name}.{part}" for part in _names(inner)]
        else:
            found.append(f"{name}.KEY" if _is_table(field.annotation) else name)
    return found


def _is_table(annotation: Any) -> bool:
    return any(get_origin(kind) is dict for kind in _kinds(annotation))


def _section(annotation: Any) -> type[Section] | None:
    return next((each for each in _kinds(annotation) if _is_section(each)), None)


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Section)


def _kinds(annotation: Any) -> list[Any]:
    """The types that a field may have, without what is said about them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kinds(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [kind for each in get_args(annotation) for kind in _kinds(each)]
    return [annotation]


def _value(key: str, text: str, annotation: Any) -> Any:
    kinds = _kinds(annotation)
    if not text:
        return None if type(None) in kinds else ""
    for kind in kinds:
        if get_origin(kind) is tuple:
            (item, *_) = get_args(kind)
            if _section(item) is not None:
                return _tables(key, text)
            return [_value(key, part.strip(), item) for part in text.split(",")]
        if kind is bool:
            return _TRUTH.get(text.lower(), text)
        if kind is int and text.lstrip("-").isdecimal():
            return int(text)
        if kind is str or get_origin(kind) is Literal:
            return text
    return text


def _tables(key: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise CommandError(f"{key}: write a list of tables as JSON, in quotes: {error}") from error


def _asked(key: str) -> str:
    if sys.stdin.isatty():
        return getpass.getpass(f"{key}: ")
    return sys.stdin.readline().rstrip("\n")


def shown(value: object) -> str:
    """A value in a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={shown(part)}" for key, part in value.items())
    return ", ".join(map(shown, value)) if isinstance(value, list | tuple) else str(value)


def flat(document: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What is set in a document, with the parts of a part under their own names."""
    found: list[tuple[str, Any]] = []
    for key, value in document.items():
        if isinstance(value, Mapping):
            found += [(f"{key}.{part}", inner) for part, inner in flat(value)]
        elif value is not None:
            found.append((key, value))
    return found
