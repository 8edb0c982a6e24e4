"""What is wrong with a document that somebody wrote: all faults at once, each with its place.

The documents are checked by pydantic, in strict mode and as JSON, so that no text becomes a number
and no word a truth value. Its findings are put in words that say how to mend them, and never repeat
a value, which may be a PIN.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic_core import CoreSchema

Item = TypeVar("Item")


class Section(BaseModel):
    """A part of a document: unknown keys are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True
    )


_MESSAGES = {
    "extra_forbidden": "unknown key: take it out, or check its spelling",
    "missing": "is required",
    "int_type": "write a whole number, without quotes",
    "int_from_float": "write a whole number",
    "bool_type": "write true or false, without quotes",
    "string_type": "write a text, in quotes",
    "tuple_type": "write a list",
    "model_type": "write a table of keys and values",
    "dict_type": "write a table of keys and values",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `where` is the path to it, such as ("extensions", 0, "callback",
    "ring_seconds")."""

    where: tuple[int | str, ...]
    message: str

    def __str__(self) -> str:
        return f"{dotted(self.where)}: {self.message}"


class Faults(ValueError):
    """Raised by a validator that found several faults, or a fault in a part of what it
    validates."""

    def __init__(self, found: Iterable[Fault]) -> None:
        self.found = list(found)
        super().__init__("; ".join(str(fault) for fault in self.found))


@contextmanager
def gathered(found: list[Fault]) -> Iterator[None]:
    """Faults that are raised within are added to those found, to be raised with them later."""
    try:
        yield
    except Faults as faults:
        found += faults.found


def faults_of(error: ValidationError) -> list[Fault]:
    """The faults that pydantic found, each with its place."""
    found = []
    for line in error.errors():
        where = line["loc"]
        cause = line.get("ctx", {}).get("error")
        if isinstance(cause, Faults):
            found += [Fault((*where, *fault.where), fault.message) for fault in cause.found]
        elif line["type"] == "value_error":
            found.append(Fault(where, str(cause)))
        else:
            message = line["msg"].replace("Input should be", "must be")
            found.append(Fault(where, _MESSAGES.get(line["type"], message)))
    return found


def dotted(where: Iterable[int | str]) -> str:
    """A place as messages write it: `extensions[0].callback.ring_seconds`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in where)
    return text.removeprefix(".") or "the file"


@dataclass(frozen=True, slots=True)
class Check(AfterValidator):
    """An AfterValidator that says in a JSON Schema as much of what it refuses as can be said
    there."""

    keywords: Mapping[str, Any] = field(hash=False)

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema = handler(core)
        if schema.keys().isdisjoint(self.keywords):
            return {**schema, **self.keywords}
        return {**schema, "allOf": [*schema.get("allOf", ()), dict(self.keywords)]}


def whole(pattern: str) -> str:
    """A pattern that a whole text must match, as JSON Schema writes it."""
    return f"^({pattern})$"


def form(pattern: str, what: str) -> Check:
    """A text must match `pattern` as a whole; otherwise the message is "write {what}". JSON Schema
    must know the pattern, too: so no `\\d` or `\\w`, and nothing that looks ahead or behind."""
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(f"write {what}")
        return text

    return Check(check, {"pattern": whole(pattern)})


def _not_empty(values: tuple[Item, ...]) -> tuple[Item, ...]:
    if not values:
        raise ValueError("write at least one")
    return values


not_empty = Check(_not_empty, {"minItems": 1})
"""(`min_length` would also count entries that are refused for another fault.)"""


def twice(named: Iterable[tuple[tuple[int | str, ...], Hashable]]) -> Iterator[Fault]:
    """A fault at each place whose name (or whatever else must be unique) has come before."""
    seen = set()
    for where, name in named:
        if name in seen:
            yield Fault(where, "is there twice: take one out, or give it another name")
        seen.add(name)
