"""Reading the setup file, `setup.yaml`: every fault is named, with its line and its place."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml
from pydantic import ValidationError

from ringback.accounts.entries import SetupFile
from ringback.faults import dotted, faults_of

LARGEST_BYTES = 16 * 1024 * 1024
MOST_VALUES = 1_000_000
DEEPEST = 50
LONGEST_NUMBER = 30
"""Characters of a number without quotes. YAML 1.1 has base 60, whose reading takes time with the
square of the length."""

_YAML = "tag:yaml.org,2002:"
_NUMBERS = {f"{_YAML}int", f"{_YAML}float"}
_TAGS = {None, "!", f"{_YAML}str", f"{_YAML}map", f"{_YAML}seq"}
"""Those that a file may write. What others turn a text into has no place in it."""


class SetupError(Exception):
    """The file cannot be applied; each line of the message names one fault."""


if TYPE_CHECKING:
    from yaml import SafeLoader as _Base
else:  # that in C, where PyYAML has it, is ten times as fast
    _Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):
    """YAML whose keys are texts, each once: a repeated one would replace the first in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if key.tag == f"{_YAML}merge":
                continue
            if key.tag != f"{_YAML}str":
                raise yaml.MarkedYAMLError(
                    problem="write this key in quotes", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"{key.value} is there twice: take one out", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        if node.tag in _NUMBERS and len(node.value) > LONGEST_NUMBER:
            raise yaml.MarkedYAMLError(
                problem="too long for a number: write it in quotes", problem_mark=node.start_mark
            )
        return super().construct_scalar(node)


def load_setup(path: Path) -> SetupFile:
    """Read and check the file. Raises SetupError."""
    try:
        with path.open("rb") as file:
            read = file.read(LARGEST_BYTES + 1)
        if len(read) > LARGEST_BYTES:
            raise SetupError(f"{path}: larger than 16 MB")
        text = read.decode("utf-8")
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SetupError(f"{path}: not UTF-8 text: {error.reason}") from error
    root, document = _parse(path, text)
    try:
        return SetupFile.model_validate_json(document, strict=True)
    except ValidationError as error:
        placed = [(_line(root, fault.where), fault) for fault in faults_of(error)]
        raise SetupError(
            "\n".join(
                f"{path}:{line}: {dotted(fault.where)}: {fault.message}"
                for line, fault in sorted(placed, key=lambda each: each[0])
            )
        ) from error


def _parse(path: Path, text: str) -> tuple[yaml.Node | None, str]:
    """The document's nodes, which know their lines, and the document as JSON."""
    try:
        _see_size(text)
        loader = _Loader(text)
        root = loader.get_single_node()
        document = {} if root is None else loader.construct_document(root)
        return root, json.dumps({} if document is None else document, default=_plain)
    except yaml.MarkedYAMLError as error:
        mark = 0 if error.problem_mark is None else error.problem_mark.line
        line = min(mark + 1, text.count("\n") + 1)
        raise SetupError(f"{path}:{line}: {error.problem}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SetupError(f"{path}: not YAML: {' '.join(str(error).split())}") from error


@dataclass(slots=True)
class _Size:
    """What a part of a document comes to once its aliases are written out."""

    anchor: str | None = None
    values: int = 1
    characters: int = 0

    def add(self, part: _Size) -> None:
        self.values += part.values
        self.characters += part.characters


def _see_size(text: str) -> None:
    """Refuse a document that would be too large or too deep, before any of it is made. A few lines
    of aliases that name aliases can stand for more than any memory holds. Raises YAMLError."""
    open_: list[_Size] = [_Size()]
    anchored: dict[str, _Size] = {}
    for event in yaml.parse(text, Loader=_Base):
        if (
            isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent))
            and event.tag not in _TAGS
        ):
            tag = str(event.tag).replace(_YAML, "!!")
            raise _refused(event, f"there is no use for the tag {tag[:40]!r} here: take it out")
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append(_Size(event.anchor))
            if len(open_) > DEEPEST:
                raise _refused(event, f"nested more than {DEEPEST} deep")
            continue
        if isinstance(event, yaml.ScalarEvent):
            part = _Size(event.anchor, characters=len(event.value))
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in anchored:
                raise _refused(event, f"the alias {event.anchor!r} has no anchor before it")
            part = anchored[event.anchor]
        elif isinstance(event, yaml.CollectionEndEvent):
            part = open_.pop()
        else:
            continue
        open_[-1].add(part)
        if part.anchor is not None:
            anchored[part.anchor] = part
        if open_[-1].values > MOST_VALUES or open_[-1].characters > LARGEST_BYTES:
            raise _refused(event, "too large, each alias counted as what it stands for: split it")


def _refused(event: yaml.Event, problem: str) -> yaml.YAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=cast("yaml.Mark", event.start_mark))


def _plain(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise ValueError(f"a {type(value).__name__} has no place in it")


def _line(node: yaml.Node | None, where: Sequence[int | str]) -> int:
    """The line, from 1, of the deepest part of a path that stands in the file."""
    line = 1 if node is None else node.start_mark.line + 1
    for part in where:
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key, value) for key, value in node.value}
            if part not in pairs:
                break
            key, node = pairs[part]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line
