"""Reading the trunks and routes that a ringback.toml of before has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from ringback.config import ConfigError, read_toml
from ringback.documents import given
from ringback.faults import Faults, twice
from ringback.trunks.entries import RouteEntry, TrunkEntry


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
    tables = read_toml(path, _Tables)
    found = TrunkFile(list(map(given, tables.trunk)), list(map(given, tables.route)))
    if not found.count:
        raise ConfigError(f"{path}: it has no [[trunk]] and no [[route]]")
    return found
