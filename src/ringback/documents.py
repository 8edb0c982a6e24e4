"""Documents that people write, in setup files, requests and commands: read as entries, and merged
into what is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from ringback.faults import Faults, Section, faults_of

S = TypeVar("S", bound=Section)


def read_document(kind: type[S], document: Mapping[str, Any]) -> S:
    """The entry that a document is, as JSON has it. Raises Faults."""
    try:
        return kind.model_validate_json(json.dumps(document), strict=True)
    except ValidationError as error:
        raise Faults(faults_of(error)) from error


def given(entry: Section) -> dict[str, Any]:
    """What an entry says, as a document."""
    return entry.model_dump(mode="json", by_alias=True, exclude_unset=True)


def merged(stored: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """A document with another merged into it: null takes a value out (RFC 7396)."""
    result = dict(stored)
    for name, value in given.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, Mapping):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, Mapping) else {}, value)
        else:
            result[name] = value
    return {name: value for name, value in result.items() if value != {}}
