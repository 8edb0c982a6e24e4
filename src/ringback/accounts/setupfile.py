"""The setup file, `setup.yaml`: what may stand in it (spec section 11).

Money is written as strings; unknown keys are refused; every fault is named, with its line and its
place in the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

import yaml
from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from ringback.accounts.callback import (
    E164,
    Amount,
    CallbackSetup,
    Prefix,
    Secret,
    Section,
    contradictions,
    parse_money,
)
from ringback.amounts import ZERO

LARGEST_BYTES = 16 * 1024 * 1024
_LAST = float("inf")


class SetupError(Exception):
    """The file cannot be applied; each line of the message names one fault."""


def _credit(value: object) -> object:
    return value if value == "unlimited" else parse_money(value)


def _instant(value: object) -> object:
    """A date or a time; without a zone it is UTC."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if isinstance(value, datetime):
        aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
        return aware.timestamp()
    if value is not None:
        raise ValueError("write a date, such as 2026-12-31, or null")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200)]
Credit = Annotated[Decimal | Literal["unlimited"], BeforeValidator(_credit)]
When = Annotated[float | None, BeforeValidator(_instant)]
Path_ = Annotated[str, Field(pattern=r"^/[^/]")]


class AccountEntry(Section):
    name: Name
    parent: Name = "admin"
    level: Literal["provider", "organization", "user"] = "organization"
    contact_name: Name | None = None
    country: Annotated[str, Field(pattern="^[A-Z]{2}$")] | None = None
    language: str | None = None
    time_zone: str | None = None
    plan: Name | None = None
    balance: Amount = ZERO
    """At creation only."""

    @field_validator("time_zone")
    @classmethod
    def _known(cls, zone: str | None) -> str | None:
        if zone is not None and zone not in available_timezones():
            raise ValueError(f"{zone!r} is no time zone: write it as Europe/London")
        return zone


class CallerIdEntry(Section):
    number: E164
    enabled: bool = True
    pin: Secret | None = None
    credit: Credit | None = None
    order_number: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    language: str | None = None
    speed_dials: dict[Annotated[str, Field(pattern="^[0-9]{1,2}$")], E164] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _amount_has_order(self) -> CallerIdEntry:
        if isinstance(self.credit, Decimal) and self.order_number is None:
            raise ValueError(
                "order_number: is required with credit, so that applying the file again does not "
                "recharge again"
            )
        return self


class CallbackEntry(CallbackSetup):
    """A callback setup with its password, which is stored apart from it."""

    password: Secret | None = Field(None, repr=False)

    @property
    def setup(self) -> CallbackSetup:
        return CallbackSetup.model_validate(
            self.model_dump(exclude={"password"}, by_alias=True, exclude_unset=True)
        )


class ExtensionEntry(Section):
    name: Name
    account: Name
    access_numbers: tuple[E164, ...] = ()
    callback: CallbackEntry = CallbackEntry()
    caller_ids: tuple[CallerIdEntry, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> ExtensionEntry:
        faults = contradictions(
            self.callback,
            has_password=self.callback.password is not None,
            access_numbers=self.access_numbers,
        )
        if faults:
            raise ValueError("; ".join(f"callback.{fault}" for fault in faults))
        numbers = [entry.number for entry in self.caller_ids]
        twice = {number for number in numbers if numbers.count(number) > 1}
        if twice:
            raise ValueError(f"caller_ids: {', '.join(sorted(twice))} is listed twice")
        return self


class PackageEntry(Section):
    prefix: Prefix
    minutes: int = Field(ge=1)


class RateEntry(Section):
    prefix: Annotated[str, Field(pattern="^[0-9]{0,15}$")]
    setup: Amount = Field(ZERO, ge=0)
    first_block: int = Field(60, ge=1, le=86400)
    first_price: Amount = Field(ge=0)
    next_block: int = Field(10, ge=1, le=86400)
    price_per_minute: Amount = Field(ge=0)
    valid_from: When = None
    valid_to: When = None


class PlanEntry(Section):
    name: Name
    account: Name = "admin"
    kind: Literal["prepaid", "postpaid"] = "prepaid"
    limit: Amount = Field(ZERO, ge=0)
    special_prefixes: tuple[Prefix, ...] = ()
    packages: tuple[PackageEntry, ...] = ()
    rates: tuple[RateEntry, ...] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> PlanEntry:
        if self.kind == "prepaid" and self.limit:
            raise ValueError("limit: goes with kind: postpaid only")
        if self.packages:
            raise ValueError("packages: this version has no free minutes yet: take them out")
        by_prefix: dict[str, list[RateEntry]] = {}
        for rate in self.rates:
            for other in by_prefix.setdefault(rate.prefix, []):
                if _overlap(rate, other):
                    raise ValueError(f"rates: two of prefix {rate.prefix!r} hold at one time")
            by_prefix[rate.prefix].append(rate)
        return self


def _overlap(one: RateEntry, two: RateEntry) -> bool:
    begins = max(one.valid_from or 0.0, two.valid_from or 0.0)
    ends = min(
        _LAST if one.valid_to is None else one.valid_to,
        _LAST if two.valid_to is None else two.valid_to,
    )
    return begins < ends


class SoundEntry(Section):
    account: Name
    path: Path_
    language: str = "en"
    file: str


class SetupFile(Section):
    accounts: tuple[AccountEntry, ...] = ()
    extensions: tuple[ExtensionEntry, ...] = ()
    plans: tuple[PlanEntry, ...] = ()
    sounds: tuple[SoundEntry, ...] = ()


def load_setup(path: Path) -> SetupFile:
    """Read and check the file. Raises SetupError."""
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise SetupError(f"{path}: larger than 16 MB")
        text = path.read_text(encoding="utf-8")
        document = yaml.safe_load(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except OSError as error:
        raise SetupError(f"{path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise SetupError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    try:
        return SetupFile.model_validate({} if document is None else document)
    except ValidationError as error:
        raise SetupError("\n".join(_faults(path, root, error))) from error


def _faults(path: Path, root: yaml.Node | None, error: ValidationError) -> Iterator[str]:
    for fault in error.errors():
        where = [part for part in fault["loc"] if part not in ("decimal", "literal['unlimited']")]
        message = fault["msg"].removeprefix("Value error, ")
        match fault["type"]:
            case "extra_forbidden":
                message = "unknown key: take it out, or check its spelling"
            case "missing":
                message = "is required"
            case "string_type":
                message = f'write it in quotes, as "{fault["input"]}"'
        yield f"{path}:{_line(root, where)}: {_dotted(where)}: {message}"


def _dotted(where: Sequence[int | str]) -> str:
    text = ""
    for part in where:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".") or "the file"


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
