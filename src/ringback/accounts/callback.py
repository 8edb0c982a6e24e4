"""The callback setup of an extension: every field of section 3 of the spec, with its default.

A setup that contradicts itself is refused whole, every fault named by field. The password is
write-only: it is checked here and kept elsewhere, as a MAC.
"""

from __future__ import annotations

import json
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
)

from ringback.accounts.hours import Date, Hours
from ringback.amounts import ZERO, format_amount, parse_amount
from ringback.faults import Fault, Section, form
from ringback.numbering import read_e164

Item = TypeVar("Item")


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
        raise ValueError('write amounts in quotes, such as "5.00"')
    return parse_amount(value)


def _none_for_empty(values: tuple[Item, ...] | None) -> tuple[Item, ...] | None:
    return values or None


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
    names_ok = all(part not in ("", ".", "..") for part in name.split("/"))
    if not names_ok or len(path) > 200 or not path.isprintable():
        raise ValueError(f"{path!r} is no path of a sound: .. and empty names are not allowed")
    return path


def known_time_zone(name: str) -> str:
    """The name itself; raises ValueError where it is no time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("write a time zone by its name, such as Europe/London") from error
    return name


Amount = Annotated[
    Decimal, BeforeValidator(parse_money), PlainSerializer(format_amount, when_used="json")
]
Text = Annotated[str, form(r"[^\x00-\x1f\x7f]{1,200}", "a text of 1 to 200 characters in one line")]
SoundPath = Annotated[str, AfterValidator(check_sound_path)]
E164 = Annotated[str, AfterValidator(read_e164)]
Language = Annotated[
    str, form("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", "a language as in BCP 47, such as en or pt-BR")
]
TimeZone = Annotated[str, AfterValidator(known_time_zone)]
Secret = Annotated[str, form("[0-9]{4,12}", "4 to 12 digits")]
"""A password or PIN: a text of digits, so that leading zeros are kept."""


class Presentation(Section):
    """Who sets the callerID's name."""

    set_by: SetBy = SetBy.SERVER
    value: Text | None = Field(None, validate_default=True)

    @field_validator("value")
    @classmethod
    def _goes_with_user(cls, value: str | None, info: ValidationInfo) -> str | None:
        set_by = info.data.get("set_by")
        if set_by is SetBy.USER and value is None:
            raise ValueError("is required with set_by: user")
        if set_by in (SetBy.SERVER, SetBy.EQUIPMENT) and value is not None:
            raise ValueError("goes with set_by: user only: take it out")
        return value


class NumberPresentation(Presentation):
    """Who sets the callerID's number."""

    value: E164 | None = Field(None, validate_default=True)


class CallbackSetup(Section):
    """Names, values and defaults are those of the spec. Durations are seconds."""

    ring_seconds: int = Field(5, ge=0, le=120)
    return_calls: ReturnCalls = ReturnCalls.AUTHORIZED
    fixed_number: E164 | None = Field(None, validate_default=True)
    disconnect_sound: SoundPath | None = None
    dial_within_seconds: int = Field(30, ge=5, le=120)
    require_caller_pin: bool = False
    credit_menu: bool = False
    caller_id_name: Presentation = Presentation()
    caller_id_number: NumberPresentation = NumberPresentation()
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
    language: Language | None = None
    hours: Annotated[tuple[Hours, ...] | None, AfterValidator(_none_for_empty)] = None
    closed: Annotated[tuple[Date, ...] | None, AfterValidator(_none_for_empty)] = None
    caller_verification: CallerVerification = CallerVerification.OFF
    open_to_anyone: bool = False

    @field_validator("fixed_number")
    @classmethod
    def _goes_with_fixed(cls, number: str | None, info: ValidationInfo) -> str | None:
        mode = info.data.get("return_calls")
        if mode is ReturnCalls.FIXED and number is None:
            raise ValueError("is required with return_calls: fixed")
        if mode in (ReturnCalls.AUTHORIZED, ReturnCalls.CALLER) and number is not None:
            raise ValueError("goes with return_calls: fixed only: take it out")
        return number


def contradictions(setup: CallbackSetup, *, has_password: bool) -> list[Fault]:
    """What a setup contradicts together with its password."""
    asks = has_password or setup.require_caller_pin
    if setup.return_calls is ReturnCalls.AUTHORIZED or asks or setup.open_to_anyone:
        return []
    return [
        Fault(
            ("open_to_anyone",),
            f"return_calls: {setup.return_calls} with neither password nor require_caller_pin "
            "lets anybody call on the owner's money: set one of them, or open_to_anyone: true",
        )
    ]


def to_document(setup: CallbackSetup) -> dict[str, Any]:
    """The setup as it is stored: what differs from the defaults."""
    return setup.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def from_document(document: dict[str, Any]) -> CallbackSetup:
    """The inverse of `to_document`. A call reads its setup each time it decides, so what has
    been parsed once is kept."""
    return _parsed(json.dumps(document))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> CallbackSetup:
    return CallbackSetup.model_validate_json(text)
