"""Documents as a JSON Schema describes them, with and without something odd in them."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

Path = tuple[int | str, ...]

ODD: list[Any] = [
    *(None, True, -1, 0, 3, 5.5, 10**9, [], ["44"], {}, {"1": "+442079460000"}, {"a": "b"}),
    *("", " ", "a", "a\n", "a/b", "a:b", "a" * 201, "ż", "admin", "prepaid", "user", "unlimited"),
    *("44", "044", "+44", "0042", "12345678901234567", "+442079460000", "+44 (0)20 7946-0000"),
    *("-0.00", "-5.00", "+5", "5.00", "1.0000001", "1.00000000", "5e3", "1" * 13),
    *("GB", "UK", "en-GB", "EN", "Europe/London", "../x", "08:00", "24:00", "25:00"),
    *("2026-12-31", "2026-12-31T18:00", "20261231", "2026-W01-1", "2026-02-30", "1969-01-01"),
    *("/bye.wav", "//bye.wav", "//////bye.wav", "/a/../bye.wav", "/.a/..b", "/a/", "bye.wav"),
    *("192.0.2.0/24", "192.0.2.1/24", "192.0.2", "x.example", "x..example", "-x", "udp", "tcp"),
]
"""Values that some keys take, and most do not."""


def _pattern(_: object, pattern: str, text: object, __: object) -> Iterator[ValidationError]:
    """As in ECMA-262, where $ is the end of the text and nothing else."""
    if isinstance(text, str) and not re.search(_in_python(pattern), text):
        yield ValidationError(f"{text!r} does not match {pattern!r}")


def _in_python(pattern: str) -> str:
    return pattern.replace("$", r"\Z")


def validator(schema: dict[str, Any]) -> Any:
    """What checks a file as editors do, formats included."""
    kind = extend(Draft202012Validator, {"pattern": _pattern})
    return kind(schema, format_checker=FormatChecker(["date"]))


def documents(schema: dict[str, Any], root: dict[str, Any]) -> st.SearchStrategy[Any]:
    """What a part of the schema `root` accepts, as far as its types, patterns and limits say."""
    match schema:
        case {"$ref": reference}:
            return documents(root["$defs"][reference.removeprefix("#/$defs/")], root)
        case {"anyOf": parts}:
            return st.one_of([documents(part, root) for part in parts])
        case {"const": value}:
            return st.just(value)
        case {"enum": values}:
            return st.sampled_from(values)
        case {"type": "integer"}:
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case {"type": "boolean"}:
            return st.booleans()
        case {"type": "null"}:
            return st.none()
        case {"type": "array"}:
            least, items = schema.get("minItems", 0), documents(schema["items"], root)
            return st.lists(items, min_size=least, max_size=least + 2)
        case {"type": "string"}:
            return _texts(schema)
        case {"patternProperties": patterns}:
            ((pattern, value),) = patterns.items()
            keys = st.from_regex(_in_python(pattern))
            return st.dictionaries(keys, documents(value, root), max_size=2)
        case {"type": "object", "properties": properties}:
            of = {name: documents(part, root) for name, part in properties.items()}
            required = {name: of.pop(name) for name in schema.get("required", ())}
            return st.fixed_dictionaries(required, optional=of)
    raise AssertionError(f"a schema of a kind that is new here: {schema}")


def _texts(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    if schema.get("format") == "date":
        return st.dates().map(str)
    if "pattern" not in schema:
        return st.text(min_size=schema.get("minLength", 0), max_size=3)
    examples = st.sampled_from(schema.get("examples", [None]))
    written = st.from_regex(_in_python(schema["pattern"]))
    return examples.flatmap(lambda one: written if one is None else st.just(one) | written)


@st.composite
def with_something_odd(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """A document in which one value is another, or one key too many."""
    changed = copy.deepcopy(document)
    *before, last = draw(st.sampled_from([*_places(changed)]))
    part: Any = changed
    for step in before:
        part = part[step]
    if isinstance(part, dict) and draw(st.integers(0, 5)) == 0:
        last = draw(st.sampled_from(["a", "100", *part]))
    part[last] = draw(st.sampled_from(ODD))
    return changed


def _places(part: object, where: Path = ()) -> Iterator[Path]:
    inside: list[tuple[int | str, object]] = []
    if isinstance(part, dict):
        inside = [*part.items()]
    elif isinstance(part, list):
        inside = [*enumerate(part)]
    for step, value in inside:
        yield (*where, step)
        yield from _places(value, (*where, step))
