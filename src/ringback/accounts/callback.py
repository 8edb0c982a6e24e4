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

from ringback.accounts.hours import Hours
from ringback.accounts.times import Date
from ringback.amounts import ZERO, format_amount, parse_amount
from ringback.faults import Check, Fault, Section, form, whole
from ringback.numbering import read_e164
from ringback.sounds.paths import check_sound_path

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


def known_time_zone(name: str) -> str:
    """The name itself; raises ValueError where it is no time zone."""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("write a time zone by its name, such as Europe/London") from error
    return name


NotNegative = Annotated[
    Decimal,
    Field(ge=0),
    BeforeValidator(parse_money),
    PlainSerializer(format_amount, when_used="json"),
]
"""An amount of money that is not below zero."""
Text = Annotated[str, form(r"[^\x00-\x1f\x7f]{1,200}", "a text of 1 to 200 characters in one line")]
SOUND_NAME = "(P(/P)*)".replace("P", r"([^/.]|[.][^/.]|[.][.][^/])[^/]*")
"""Names with / between them, none of which is `.` or `..`."""
SOUND_PATH = {"maxLength": 200, "examples": ["/bye.wav"]}
SoundPath = Annotated[
    str, Check(check_sound_path, SOUND_PATH | {"pattern": whole(f"/{{1,5}}{SOUND_NAME}")})
]
E164 = Annotated[
    str,
    Check(
        read_e164,
        {"pattern": whole(r"[+][-0-9 .()\u00a0\u2011]{4,}"), "examples": ["+447700900123"]},
    ),
]
Language = Annotated[
    str, form("[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", "a language as in BCP 47, such as en or pt-BR")
]
TimeZone = Annotated[
    str,
    Check(known_time_zone, {"pattern": whole("[A-Za-z0-9_+/-]+"), "examples": ["Europe/London"]}),
]
Secret = Annotated[str, form("[0-9]{4,12}", "4 to 12 digits")]
"""A password or PIN: a text of digits, so that leading zeros are kept."""


class Presentation(Section):
    """Who sets what called parties are shown, and to what."""

    set_by: SetBy = SetBy.SERVER
    """`server`: the contact name, or the public number. `equipment`: the caller's own. `user`:
    `value`."""
    value: Text | None = Field(None, validate_default=True)
    """The name, with `set_by: user` only."""

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
    """Who sets the number that called parties are shown, and to what."""

    value: E164 | None = Field(None, validate_default=True)
    """An access number of the account, with `set_by: user` only."""


class CallbackSetup(Section):
    """Names, values and defaults are those of the spec. Durations are seconds."""

    ring_seconds: int = Field(5, ge=0, le=120)
    """How long the trigger call rings before it is rejected, in seconds."""
    return_calls: ReturnCalls = ReturnCalls.AUTHORIZED
    """Whom to call back. `authorized`: callers whose number is listed. `caller`: every caller whose
    number is not hidden. `fixed`: always `fixed_number`."""
    fixed_number: E164 | None = Field(None, validate_default=True)
    """Where calls are returned with `return_calls: fixed`."""
    disconnect_sound: SoundPath | None = None
    """The path of a sound that is played before a conversation is cut."""
    dial_within_seconds: int = Field(30, ge=5, le=120)
    """The time to dial a number, in seconds."""
    require_caller_pin: bool = False
    """Whether to ask for the PIN of the callerID."""
    credit_menu: bool = False
    """Whether to offer a menu: 1 to hear the credit, 2 to make a call."""
    caller_id_name: Presentation = Presentation()
    """The name that called parties are shown."""
    caller_id_number: NumberPresentation = NumberPresentation()
    """The number that called parties are shown."""
    early_hangup: EarlyHangup = EarlyHangup.IGNORE
    """What to do if the caller hangs up before `ring_seconds`: nothing, or call back if it rang for
    at least `min_ring_seconds`."""
    min_ring_seconds: int = Field(1, ge=0, le=30)
    """In seconds; for `early_hangup`."""
    reject_with: RejectWith = RejectWith.BUSY
    """How the trigger call ends: `busy` (486), `unavailable` (480) or `decline` (603)."""
    callback_delay_seconds: int = Field(3, ge=0, le=60)
    """The pause before the return call, in seconds."""
    answer_timeout_seconds: int = Field(25, ge=5, le=120)
    """How long a leg may ring, in seconds."""
    attempts: int = Field(2, ge=1, le=10)
    """How often the return call is tried."""
    retry_after_seconds: int = Field(60, ge=5, le=3600)
    """How long after busy, no answer or a network fault it is tried again, in seconds."""
    request_expires_seconds: int = Field(600, ge=30, le=86400)
    """A request that is older is dropped; in seconds."""
    accept_prompt: AcceptPrompt = AcceptPrompt.AUTO
    """Whether to say "press 1 to take this call" first; `auto`: only if neither password nor PIN is
    asked for."""
    pin_attempts: int = Field(3, ge=1, le=10)
    """Wrong or empty entries before the call ends."""
    announce_duration: bool = True
    """Whether to say how long the credit lasts for a call to the number dialled."""
    minimum_credit: NotNegative = ZERO
    """An amount: a caller with less credit is not called back."""
    no_credit_sound: SoundPath | None = None
    """The path of a sound that is played when a call cannot start, or go on, for lack of credit."""
    warn_before_end_seconds: int = Field(60, ge=0, le=300)
    """How long before the end of the credit the caller hears a beep, in seconds."""
    calls_per_session: int = Field(10, ge=1, le=50)
    """How many numbers may be dialled on one return call."""
    max_call_seconds: int = Field(7200, ge=60, le=86400)
    """The longest conversation, in seconds."""
    language: Language | None = None
    """Of prompts, as in BCP 47; `null` is that of the account."""
    hours: Annotated[tuple[Hours, ...] | None, AfterValidator(_none_for_empty)] = None
    """When calls are returned; `null` is always."""
    closed: Annotated[tuple[Date, ...] | None, AfterValidator(_none_for_empty)] = None
    """Dates on which no calls are returned."""
    caller_verification: CallerVerification = CallerVerification.OFF
    """The carrier's check of the caller's number: `prefer` refuses callers whose check failed,
    `require` all whose check did not pass."""
    open_to_anyone: bool = False
    """Lets anybody call with the owner's money: needed for `caller` and `fixed` with neither
    password nor PIN."""

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
