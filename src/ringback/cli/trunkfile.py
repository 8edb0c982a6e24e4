"""Reading the trunks and routes that a ringback.toml of before has."""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from ringback.config import ConfigError, line_of
from ringback.faults import Faults, dotted, faults_of, twice
from ringback.trunks.entries import RouteEntry, TrunkEntry, given


class _Tables(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    trunk: tuple[TrunkEntry, ...] = ()
    route: tuple[RouteEntry, ...] = ()

    @model_validator(mode="after")
    def _once_each(self) -> _Tables:
        found = [
            *twice((("trunk", i, "name"), each.name) for i, each in enumerate(self.trunk)),
            *twice((("route", i, "prefix"), each.prefix) for i, each in enumerate(self.route)),
        ]
        if found:
            raise Faults(found)
        return self


@dataclass(frozen=True, slots=True)
class TrunkFile:
    """What was found, as documents."""

    trunks: list[dict[str, Any]]
    routes: list[dict[str, Any]]

    @property
    def count(self) -> int:
        return len(self.trunks) + len(self.routes)


def read_trunk_file(path: Path) -> TrunkFile:
    """Read the [[trunk]] and [[route]] tables. Raises ConfigError with every fault."""
    try:
        text = path.read_text(encoding="utf-8")
        document = json.dumps(tomllib.loads(text), default=str)
        tables = _Tables.model_validate_json(document, strict=True)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValidationError as error:
        raise ConfigError(
            "\n".join(
                f"{path}:{line_of(text, fault.where)}: {dotted(fault.where)}: {fault.message}"
                for fault in faults_of(error)
            )
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    found = TrunkFile(list(map(given, tables.trunk)), list(map(given, tables.route)))
    if not found.count:
        raise ConfigError(f"{path}: it has no [[trunk]] and no [[route]]")
    return found
