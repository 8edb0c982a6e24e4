"""The configuration file, `ringback.toml`: read once and checked as a whole (spec section 11).

All unknown keys and bad values are refused together, each with file, line and key. A setting that
this version cannot honour is refused, never ignored.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from ringback.countries import Country
from ringback.faults import dotted, faults_of, form
from ringback.guards.limits import Limits
from ringback.hosts import HOST, Host
from ringback.prefixes import Prefix

M = TypeVar("M", bound=BaseModel)


class ConfigError(Exception):
    """The file cannot be used; each line of the message names one fault and how to mend it."""


def _not_yet(value: object) -> object:
    if value:
        raise ValueError("this version cannot do it: leave it out")
    return value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class HostPort(_Section):
    """A host and a port, written "host:port"."""

    host: str
    port: int


_ADDRESS = re.compile(r"([^:]+):([0-9]{1,5})", re.ASCII)


def _address(value: object) -> object:
    if isinstance(value, HostPort):
        return value
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if found is None or not HOST.fullmatch(found[1]) or int(found[2]) > 65535:
        raise ValueError('write it as "host:port", IPv4 or a name, such as "127.0.0.1:5060"')
    return HostPort(host=found[1], port=int(found[2]))


Listen = Annotated[HostPort, BeforeValidator(_address)]


_PUBLIC_URL = (
    "the address under which people reach the server, such as https://ringback.example.org"
)


class Server(_Section):
    data_dir: Path = Path("data")
    listen: Listen = HostPort(host="127.0.0.1", port=8080)
    """For the API and the panel, which this version does not have yet."""
    public_url: Annotated[
        str | None, form("https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?", _PUBLIC_URL)
    ] = None
    """Links in letters begin with it, never with what a request's Host header says."""
    tls_cert: Annotated[Path | None, AfterValidator(_not_yet)] = None
    tls_key: Annotated[Path | None, AfterValidator(_not_yet)] = None
    currency: Annotated[str, form("[A-Z]{3}", "a currency of ISO 4217, such as GBP")] = "GBP"
    home_country: Country = "GB"


class Database(_Section):
    url: str | None = None
    """None: an SQLite file in `data_dir`."""

    @field_validator("url")
    @classmethod
    def _known(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("sqlite:///", "postgresql://")):
            raise ValueError(
                "write sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME, or leave it out"
            )
        return url


class EngineSection(_Section):
    kind: Literal["embedded", "simulated", "asterisk"] = "embedded"

    @field_validator("kind")
    @classmethod
    def _can_serve(cls, kind: str) -> str:
        if kind != "embedded":
            raise ValueError(f'this version serves with "embedded" only, not "{kind}"')
        return kind


class Sip(_Section):
    listen: Listen = HostPort(host="0.0.0.0", port=5060)
    advertise: Host | None = None
    """The address to put in messages if it is not the one listened on (NAT)."""
    rtp_ports: tuple[int, int] = (20000, 29999)

    @field_validator("rtp_ports", mode="before")
    @classmethod
    def _range(cls, value: object) -> object:
        if isinstance(value, tuple):
            return value
        found = isinstance(value, str) and re.fullmatch("([0-9]{1,5}) *- *([0-9]{1,5})", value)
        if not found:
            raise ValueError('write it as "20000-29999"')
        return int(found[1]), int(found[2])

    @field_validator("rtp_ports")
    @classmethod
    def _pairs(cls, value: tuple[int, int]) -> tuple[int, int]:
        low, high = value
        if not 1024 <= low < high <= 65535:
            raise ValueError("the first port must be below the last, both from 1024 to 65535")
        return value


_LIMITS = Limits()


class GuardsSection(_Section):
    return_calls_per_hour: int = Field(_LIMITS.return_calls_per_hour, ge=1)
    return_calls_per_day: int = Field(_LIMITS.return_calls_per_day, ge=1)
    special_prefixes: tuple[Prefix, ...] = ()

    def limits(self) -> Limits:
        return Limits(**dict(self))


class Config(_Section):
    server: Server = Server()
    database: Database = Database()
    engine: EngineSection = EngineSection()
    sip: Sip = Sip()
    asterisk: Annotated[dict[str, Any] | None, AfterValidator(_not_yet)] = None
    guards: GuardsSection = GuardsSection()
    trunk: Any = Field(None, repr=False)
    """Trunks and routes are in the database. They may stand here until they have been brought
    there by `ringback trunks import`; `serve` refuses them (`see_none_moved`)."""
    route: Any = None

    @property
    def database_url(self) -> str:
        """Where the records are: in an SQLite file in `data_dir`, unless the file says
        otherwise."""
        return self.database.url or f"sqlite:///{self.server.data_dir / 'ringback.sqlite'}"


def load_config(path: Path) -> Config:
    """Read and check the file. Relative paths in it start from its own folder. Raises
    ConfigError."""
    return _anchored(read_toml(path, Config), path.parent)


def read_toml(path: Path, model: type[M]) -> M:
    """Read a file, and what of it is the model's. Raises ConfigError with every fault and its
    line."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: {error.strerror}: make one with `ringback init`") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text: {error.reason}") from error
    try:
        document = json.dumps(tomllib.loads(text), default=str)
        return model.model_validate_json(document, strict=True)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(_not_toml(path, text, str(error))) from error
    except ValidationError as error:
        raise ConfigError(
            "\n".join(
                f"{path}:{line_of(text, fault.where)}: {dotted(fault.where)}: {fault.message}"
                for fault in faults_of(error)
            )
        ) from error


def see_none_moved(config: Config, path: Path) -> None:
    """Raises ConfigError if trunks or routes stand in the file, where nothing reads them any
    more."""
    moved = [name for name in ("trunk", "route") if getattr(config, name) is not None]
    if moved:
        text = path.read_text(encoding="utf-8")
        raise ConfigError(
            "\n".join(
                f"{path}:{line_of(text, (name, 0))}: [[{name}]]: trunks and routes are in the "
                f"database now: run ringback trunks import {path}, then take them out of the file"
                for name in moved
            )
        )


_PLACE = re.compile(r" \(at (?:line ([0-9]+), column [0-9]+|end of document)\)$")


def _not_toml(path: Path, text: str, message: str) -> str:
    """What the TOML parser says, with the line, which is in its message, and the key on that
    line."""
    place = _PLACE.search(message)
    lines = text.splitlines() or [""]
    line = 1 if place is None else int(place[1] or len(lines))
    key = _KEY.match(lines[min(line, len(lines)) - 1])
    named = f"{key[1]}: " if key else ""
    return f"{path}:{line}: {named}not TOML: {_PLACE.sub('', message)}"


def _anchored(config: Config, folder: Path) -> Config:
    """The same configuration, with paths that do not depend on where the process was started."""
    server = config.server.model_copy(
        update={"data_dir": (folder / config.server.data_dir).resolve()}
    )
    database = config.database
    if database.url is not None and database.url.startswith("sqlite:///"):
        file = (folder / database.url.removeprefix("sqlite:///")).resolve()
        database = database.model_copy(update={"url": f"sqlite:///{file}"})
    return config.model_copy(update={"server": server, "database": database})


_TABLE = re.compile(r"\s*\[(\[)?\s*([A-Za-z0-9_-]+)\s*\]")
_KEY = re.compile(r"""\s*["']?([A-Za-z0-9_.-]+)["']?\s*=""")


def line_of(text: str, where: Sequence[int | str]) -> int:
    """The line, from 1, of the key at a path such as ("trunk", 1, "port"), or of its table if the
    key is not there. The TOML parser keeps no lines, so they are looked for in the text."""
    table: tuple[int | str, ...] = ()
    seen: Counter[str] = Counter()
    found, longest = 1, 0
    for number, line in enumerate(text.splitlines(), 1):
        if heading := _TABLE.match(line):
            name = heading[2]
            table = (name, seen[name]) if heading[1] else (name,)
            seen[name] += 1
            here = table
        elif key := _KEY.match(line):
            here = (*table, *key[1].split("."))
        else:
            continue
        if len(here) > longest and tuple(where[: len(here)]) == here:
            found, longest = number, len(here)
    return found
