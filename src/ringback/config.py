"""The configuration file, `ringback.toml`: read once, checked whole (spec section 11).

Unknown keys and bad values are refused with file, line and key, all of them at once. A setting
that this version cannot do is refused, never ignored.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

Country = Annotated[str, Field(pattern="^[A-Z]{2}$")]
Digits = Annotated[str, Field(pattern="^[0-9]*$")]


class ConfigError(Exception):
    """The file cannot be used; each line of the message names one fault and its mending."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Address(_Section):
    """A host and a port, written "host:port"."""

    host: str
    port: int = Field(ge=0, le=65535)


def _address(value: object) -> object:
    if not isinstance(value, str):
        return value
    host, colon, port = value.rpartition(":")
    if not colon or not port.isdecimal() or not host:
        raise ValueError(f'write it as "host:port", such as "127.0.0.1:5060", not {value!r}')
    return {"host": host, "port": int(port)}


class Server(_Section):
    data_dir: Path = Path("data")
    listen: Address = Address(host="127.0.0.1", port=8080)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    currency: str = Field("GBP", pattern="^[A-Z]{3}$")
    home_country: Country = "GB"

    _read_listen = field_validator("listen", mode="before")(_address)


class Database(_Section):
    url: str | None = None
    """None: an SQLite file in `data_dir`."""

    @field_validator("url")
    @classmethod
    def _known(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith("sqlite:///"):
            raise ValueError("this version stores in SQLite only: sqlite:///PATH, or leave it out")
        return url


class EngineSection(_Section):
    kind: Literal["embedded", "simulated", "asterisk"] = "embedded"

    @field_validator("kind")
    @classmethod
    def _can_serve(cls, kind: str) -> str:
        if kind != "embedded":
            raise ValueError(f'this version serves with "embedded" only, not {kind!r}')
        return kind


class Sip(_Section):
    listen: Address = Address(host="0.0.0.0", port=5060)
    advertise: str | None = None
    """Address put in messages where it is not the one listened on (NAT)."""
    rtp_ports: tuple[int, int] = (20000, 29999)

    _read_listen = field_validator("listen", mode="before")(_address)

    @field_validator("rtp_ports", mode="before")
    @classmethod
    def _range(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        low, dash, high = value.partition("-")
        if not dash or not low.strip().isdecimal() or not high.strip().isdecimal():
            raise ValueError(f'write it as "20000-29999", not {value!r}')
        return int(low), int(high)

    @field_validator("rtp_ports")
    @classmethod
    def _pairs(cls, value: tuple[int, int]) -> tuple[int, int]:
        low, high = value
        if not 1024 <= low < high <= 65535:
            raise ValueError("the first port must be below the last, both from 1024 to 65535")
        return value


class Guards(_Section):
    """Per return number, over the whole server (spec section 8)."""

    return_calls_per_hour: int = Field(30, ge=1)
    return_calls_per_day: int = Field(100, ge=1)
    special_prefixes: tuple[Digits, ...] = ()
    """Premium-rate and satellite prefixes beside those known."""


class Trunk(_Section):
    name: str = Field(min_length=1)
    host: str = Field(min_length=1)
    port: int = Field(5060, ge=1, le=65535)
    transport: Literal["udp", "tcp", "tls"] = "udp"
    register_: bool = Field(False, alias="register")
    user: str | None = None
    password: str | None = Field(None, repr=False)
    sources: tuple[str, ...] = ()
    codecs: tuple[Literal["PCMA", "PCMU"], ...] = Field(("PCMA", "PCMU"), min_length=1)
    channels: int | None = Field(None, ge=1)
    trust_pai: bool = False
    called_from: Literal["request_uri", "to", "p_called_party_id"] = "request_uri"
    show_in: Literal["from", "p_asserted_identity", "p_preferred_identity"] = "from"
    foreign_numbers: bool = True
    country: Country | None = None
    strip: int = Field(0, ge=0, le=15)
    prepend: Digits = ""
    plus: bool = True
    media_anywhere: bool = False
    srtp: bool = False
    direct_media: bool = False

    @field_validator("transport")
    @classmethod
    def _udp(cls, transport: str) -> str:
        if transport != "udp":
            raise ValueError(f'this version speaks SIP over "udp" only, not {transport!r}')
        return transport

    @field_validator("srtp", "direct_media")
    @classmethod
    def _not_yet(cls, value: bool) -> bool:
        if value:
            raise ValueError("this version cannot do it: leave it out")
        return value

    @model_validator(mode="after")
    def _credentials(self) -> Trunk:
        if self.register_ and not (self.user and self.password):
            raise ValueError("register = true needs user and password")
        return self


class Route(_Section):
    prefix: Digits = ""
    """Leading digits of E.164; empty: every number."""
    trunks: tuple[str, ...] = Field(min_length=1)
    weights: tuple[Annotated[int, Field(ge=1)], ...] = ()

    @field_validator("prefix", mode="before")
    @classmethod
    def _without_plus(cls, value: object) -> object:
        return value.removeprefix("+") if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_weight_each(self) -> Route:
        if self.weights and len(self.weights) != len(self.trunks):
            raise ValueError("weights must have one number for each of the trunks")
        return self


class Config(_Section):
    server: Server = Server()
    database: Database = Database()
    engine: EngineSection = EngineSection()
    sip: Sip = Sip()
    guards: Guards = Guards()
    trunk: tuple[Trunk, ...] = ()
    route: tuple[Route, ...] = ()

    @model_validator(mode="after")
    def _known_trunks(self) -> Config:
        names = [trunk.name for trunk in self.trunk]
        if len(set(names)) != len(names):
            raise ValueError("two trunks have the same name")
        for route in self.route:
            for name in route.trunks:
                if name not in names:
                    raise ValueError(
                        f"route {route.prefix!r} names the trunk {name!r}, which is not defined"
                    )
        return self

    @property
    def database_url(self) -> str:
        """Where the records are: an SQLite file in `data_dir` unless the file says otherwise."""
        return self.database.url or f"sqlite:///{self.server.data_dir / 'ringback.sqlite'}"


def load_config(path: Path) -> Config:
    """Read and check the file. Paths in it are relative to its folder. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}: make one with `ringback init`") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text: {error.reason}") from error
    try:
        config = Config.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from error
    except ValidationError as error:
        raise ConfigError("\n".join(_faults(path, text, error))) from error
    server = config.server.model_copy(
        update={"data_dir": (path.parent / config.server.data_dir).resolve()}
    )
    return config.model_copy(update={"server": server})


def _faults(path: Path, text: str, error: ValidationError) -> Iterator[str]:
    for fault in error.errors():
        where = fault["loc"]
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            message = "unknown key: take it out, or check its spelling"
        if fault["type"] == "missing":
            message = "is required"
        yield f"{path}:{line_of(text, where)}: {_dotted(where)}: {message}"


def _dotted(where: Sequence[int | str]) -> str:
    return (
        ".".join(f"{part}" if isinstance(part, str) else f"[{part + 1}]" for part in where).replace(
            ".[", "["
        )
        or "the file"
    )


def line_of(text: str, where: Sequence[int | str]) -> int:
    """The line, from 1, of the key at a path such as ("trunk", 1, "port"); of its table where the
    key is not there. TOML's parser keeps no lines, so they are looked up in the text."""
    section, *rest = where or ("",)
    table = next((part for part in rest if isinstance(part, int)), 0)
    key = next((part for part in rest if isinstance(part, str)), None)
    found, seen = 1, -1
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped.strip("[] ") == section
            seen += inside
            if inside and seen == table:
                found = number
        elif seen == table and found > 0 and _key_of(stripped) == key and key is not None:
            return number
    return found


def _key_of(line: str) -> Any:
    return line.partition("=")[0].strip().strip('"')
