"""The callback setup of an extension: every field of section 3 of the spec, with its default.

A setup that contradicts itself is refused whole, every fault named by field. The password is
write-only: it is checked here and kept elsewhere, as a MAC.
"""

from __future__ import annotations

import json
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    model_validator,
)

from ringback.amounts import ZERO, format_amount, parse_amount
from ringback.numbering import read_e164


class ReturnCalls(StrEnum):
    AUTHORIZED = "authorized"
    CALLER = "caller"
    FIXED = "fixed"


class EarlyHangup(StrEnum):
    IGNORE = "ignore"
    CALL_BACK = "call_back"


class RejectWith(StrEnum):
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    DECLINE = "decline"


class AcceptPrompt(StrEnum):
    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class CallerVerification(StrEnum):
    OFF = "off"
    PREFER = "prefer"
    REQUIRE = "require"


class SetBy(StrEnum):
    SERVER = "server"
    EQUIPMENT = "equipment"
    USER = "user"


def parse_money(value: object) -> object:
    """Money is written as a string: a YAML or JSON number may be a binary float."""
    if isinstance(value, Decimal):
        return value
    if not isinstance(value, str):
        raise ValueError(f'write amounts as strings, such as "5.00", not {value!r}')
    return parse_amount(value)


def check_sound_path(path: str) -> str:
    """A sound path (spec section 7): one `/` for the extension's own folder, one more for each
    level up, at most five. Raises ValueError."""
    name = path.lstrip("/")
    levels = len(path) - len(name)
    if not 1 <= levels <= 5:
        raise ValueError(
            f"{path!r} must begin with one / for the extension's own folder and one more for "
            "each level up, five at most"
        )
    if not name or any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(f"{path!r} is no path of a sound: .. and empty names are not allowed")
    return path


def _number(value: str) -> str:
    return read_e164(value)


Amount = Annotated[
    Decimal, BeforeValidator(parse_money), PlainSerializer(format_amount, when_used="json")
]
SoundPath = Annotated[str, AfterValidator(check_sound_path)]
E164 = Annotated[str, AfterValidator(_number)]
Prefix = Annotated[str, Field(pattern="^[0-9]{1,15}$")]
Secret = Annotated[str, Field(pattern="^[0-9]{4,12}$")]
"""A password or PIN: a text of digits, so that leading zeros are kept."""

TimeOfDay = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$")]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Section(BaseModel):
    """A part of a setup: unknown keys are refused, numbers are not made from texts."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class Presentation(Section):
    """Who sets the callerID's name or number."""

    set_by: SetBy = SetBy.SERVER
    value: str | None = None

    @model_validator(mode="after")
    def _value_goes_with_user(self) -> Presentation:
        if (self.value is not None) != (self.set_by is SetBy.USER):
            raise ValueError("value is required with set_by: user, and refused otherwise")
        return self


class Destinations(Section):
    allow: tuple[Prefix, ...] = ()
    deny: tuple[Prefix, ...] = ()


class Hours(Section):
    days: tuple[Day, ...] = Field(min_length=1)
    from_: TimeOfDay = Field(alias="from")
    to: TimeOfDay

    @model_validator(mode="after")
    def _ordered(self) -> Hours:
        if self.from_ >= self.to:
            raise ValueError("from must be before to; split an interval at midnight")
        return self


class CallbackSetup(Section):
    """Names, values and defaults are those of the spec. Durations are seconds."""

    ring_seconds: int = Field(5, ge=0, le=120)
    return_calls: ReturnCalls = ReturnCalls.AUTHORIZED
    fixed_number: E164 | None = None
    disconnect_sound: SoundPath | None = None
    dial_within_seconds: int = Field(30, ge=5, le=120)
    require_caller_pin: bool = False
    credit_menu: bool = False
    caller_id_name: Presentation = Presentation()
    caller_id_number: Presentation = Presentation()
    early_hangup: EarlyHangup = EarlyHangup.IGNORE
    min_ring_seconds: int = Field(1, ge=0, le=30)
    reject_with: RejectWith = RejectWith.BUSY
    callback_delay_seconds: int = Field(3, ge=0, le=60)
    answer_timeout_seconds: int = Field(25, ge=5, le=120)
    attempts: int = Field(2, ge=1, le=10)
    retry_after_seconds: int = Field(60, ge=5, le=3600)
    request_expires_seconds: int = Field(600, ge=30, le=86400)
    accept_prompt: AcceptPrompt = AcceptPrompt.AUTO
    pin_attempts: int = Field(3, ge=1, le=10)
    announce_duration: bool = True
    minimum_credit: Amount = Field(ZERO, ge=0)
    no_credit_sound: SoundPath | None = None
    warn_before_end_seconds: int = Field(60, ge=0, le=300)
    calls_per_session: int = Field(10, ge=1, le=50)
    max_call_seconds: int = Field(7200, ge=60, le=86400)
    language: str | None = None
    destinations: Destinations = Destinations()
    hours: tuple[Hours, ...] = ()
    caller_verification: CallerVerification = CallerVerification.OFF
    open_to_anyone: bool = False

    @model_validator(mode="after")
    def _fixed_number_goes_with_fixed(self) -> CallbackSetup:
        fixed = self.return_calls is ReturnCalls.FIXED
        if fixed and self.fixed_number is None:
            raise ValueError("fixed_number: is required with return_calls: fixed")
        if not fixed and self.fixed_number is not None:
            raise ValueError("fixed_number: goes with return_calls: fixed only; take it out")
        return self


def contradictions(
    setup: CallbackSetup, *, has_password: bool, access_numbers: tuple[str, ...]
) -> list[str]:
    """What a setup contradicts outside itself, each beginning with its field."""
    faults = []
    asks = has_password or setup.require_caller_pin
    if setup.return_calls is not ReturnCalls.AUTHORIZED and not asks and not setup.open_to_anyone:
        faults.append(
            f"open_to_anyone: return_calls: {setup.return_calls} with neither password nor "
            "require_caller_pin lets anybody call on the owner's money: set one of them, or "
            "open_to_anyone: true"
        )
    shown = setup.caller_id_number
    if shown.set_by is SetBy.USER and shown.value not in access_numbers:
        faults.append(
            f"caller_id_number.value: {shown.value} is not an access number of the account"
        )
    return faults


def to_document(setup: CallbackSetup) -> dict[str, Any]:
    """The setup as it is stored: what differs from the defaults."""
    return setup.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def from_document(document: dict[str, Any]) -> CallbackSetup:
    """The inverse of `to_document`. A call reads its setup each time it decides, so what has
    been parsed once is kept."""
    return _parsed(json.dumps(document, sort_keys=True))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> CallbackSetup:
    return CallbackSetup.model_validate_json(text)
