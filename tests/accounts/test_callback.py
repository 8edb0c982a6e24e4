"""The callback setup: its fields, defaults and contradictions (spec section 3)."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from ringback.accounts.callback import (
    CallbackSetup,
    ReturnCalls,
    SetBy,
    contradictions,
    from_document,
    to_document,
)
from ringback.faults import faults_of

DEFAULTS = {
    "ring_seconds": 5,
    "return_calls": "authorized",
    "fixed_number": None,
    "disconnect_sound": None,
    "dial_within_seconds": 30,
    "require_caller_pin": False,
    "credit_menu": False,
    "caller_id_name": {"set_by": "server", "value": None},
    "caller_id_number": {"set_by": "server", "value": None},
    "early_hangup": "ignore",
    "min_ring_seconds": 1,
    "reject_with": "busy",
    "callback_delay_seconds": 3,
    "answer_timeout_seconds": 25,
    "attempts": 2,
    "retry_after_seconds": 60,
    "request_expires_seconds": 600,
    "accept_prompt": "auto",
    "pin_attempts": 3,
    "announce_duration": True,
    "minimum_credit": "0.00",
    "no_credit_sound": None,
    "warn_before_end_seconds": 60,
    "calls_per_session": 10,
    "max_call_seconds": 7200,
    "language": None,
    "hours": None,
    "closed": None,
    "caller_verification": "off",
    "open_to_anyone": False,
}

RANGES = {
    "ring_seconds": (0, 120),
    "dial_within_seconds": (5, 120),
    "min_ring_seconds": (0, 30),
    "callback_delay_seconds": (0, 60),
    "answer_timeout_seconds": (5, 120),
    "attempts": (1, 10),
    "retry_after_seconds": (5, 3600),
    "request_expires_seconds": (30, 86400),
    "pin_attempts": (1, 10),
    "warn_before_end_seconds": (0, 300),
    "calls_per_session": (1, 50),
    "max_call_seconds": (60, 86400),
}


def read(**document: Any) -> CallbackSetup:
    return CallbackSetup.model_validate_json(json.dumps(document), strict=True)


def faults(**document: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        read(**document)
    return [str(fault) for fault in faults_of(caught.value)]


def test_every_field_and_its_default() -> None:
    assert CallbackSetup().model_dump(mode="json", by_alias=True) == DEFAULTS


@pytest.mark.parametrize("field", RANGES)
def test_ranges(field: str) -> None:
    least, most = RANGES[field]
    assert getattr(read(**{field: least}), field) == least
    assert getattr(read(**{field: most}), field) == most
    for value in (least - 1, most + 1, str(least), least + 0.5, True, None):
        (fault,) = faults(**{field: value})
        assert fault.startswith(f"{field}: ")


def test_fixed_number_goes_with_fixed() -> None:
    setup = read(return_calls="fixed", fixed_number="+447700900123")
    assert setup.return_calls is ReturnCalls.FIXED
    assert faults(return_calls="fixed") == ["fixed_number: is required with return_calls: fixed"]
    for mode in ("authorized", "caller"):
        assert faults(return_calls=mode, fixed_number="+447700900123") == [
            "fixed_number: goes with return_calls: fixed only: take it out"
        ]
    assert faults(return_calls="fixed", fixed_number="020 7946 0000") == [
        "fixed_number: write the number with + and its country code, such as +442079460000"
    ]


@pytest.mark.parametrize(
    ("field", "value"), [("caller_id_name", "Acme"), ("caller_id_number", "+442071838750")]
)
def test_a_value_goes_with_user(field: str, value: str) -> None:
    assert getattr(read(**{field: {"set_by": "user", "value": value}}), field).value == value
    assert getattr(read(**{field: {"set_by": "equipment"}}), field).set_by is SetBy.EQUIPMENT
    assert faults(**{field: {"set_by": "user"}}) == [
        f"{field}.value: is required with set_by: user"
    ]
    for other in ("server", "equipment"):
        assert faults(**{field: {"set_by": other, "value": value}}) == [
            f"{field}.value: goes with set_by: user only: take it out"
        ]


def test_a_name_cannot_smuggle_lines() -> None:
    (fault,) = faults(caller_id_name={"set_by": "user", "value": "Acme\r\nVia: x"})
    assert fault.startswith("caller_id_name.value: write a text of 1 to 200 characters in one line")


@pytest.mark.parametrize("path", ["/bye.wav", "//callback/bye.wav", "/////bye.wav"])
def test_sound_paths(path: str) -> None:
    assert read(disconnect_sound=path, no_credit_sound=path).disconnect_sound == path


@pytest.mark.parametrize(
    "path", ["", "bye.wav", "//////bye.wav", "/../bye.wav", "/a//b.wav", "/", "/a/./b", "/a\nb"]
)
def test_what_is_no_sound_path(path: str) -> None:
    assert [
        fault.split(":")[0] for fault in faults(disconnect_sound=path, no_credit_sound=path)
    ] == [
        "disconnect_sound",
        "no_credit_sound",
    ]


def test_amounts_are_strings() -> None:
    assert read(minimum_credit="0.25").minimum_credit == Decimal("0.25")
    for value in (0.25, 1, "0.0000001", "-1", "1e3"):
        (fault,) = faults(minimum_credit=value)
        assert fault.startswith("minimum_credit: ")


def test_hours_and_closed_days() -> None:
    setup = read(
        hours=[{"days": ["mon", "tue"], "from": "08:00", "to": "24:00"}],
        closed=["2026-12-25"],
        language="pt-BR",
        caller_verification="require",
    )
    assert setup.hours is not None
    assert (setup.hours[0].from_, setup.hours[0].to) == ("08:00", "24:00")
    assert setup.closed == (date(2026, 12, 25),)
    assert read(hours=None, closed=[]) == read()
    assert from_document(to_document(setup)) == setup
    assert faults(
        hours=[
            {"days": [], "from": "08:00", "to": "18:00"},
            {"days": ["monday"], "from": "8:00", "to": "18:00"},
            {"days": ["mon"], "from": "08:00", "to": "08:00"},
            {"days": ["mon"], "from": "24:00", "to": "08:00"},
        ],
        closed=["25.12.", 20261225],
        language="English",
    ) == [
        "language: write a language as in BCP 47, such as en or pt-BR",
        "hours[0].days: write at least one",
        "hours[1].days[0]: must be 'mon', 'tue', 'wed', 'thu', 'fri', 'sat' or 'sun'",
        'hours[1].from: write a time of day in quotes, such as "08:00"',
        'hours[2].to: is the same as from: for a whole day write "00:00" to "24:00"',
        'hours[3].from: is the end of the day: write "00:00" of the next one',
        'closed[0]: write a date, such as "2026-12-25"',
        'closed[1]: write a date, such as "2026-12-25"',
    ]


def test_all_faults_are_told_at_once() -> None:
    found = faults(
        ring_seconds=121, return_calls="fixed", caller_id_name={"set_by": "user"}, rings=1
    )
    assert [fault.split(":")[0] for fault in found] == [
        "ring_seconds",
        "fixed_number",
        "caller_id_name.value",
        "rings",
    ]


@pytest.mark.parametrize(
    ("document", "has_password", "contradicts"),
    [
        ({}, False, False),
        ({"return_calls": "caller"}, False, True),
        ({"return_calls": "caller"}, True, False),
        ({"return_calls": "caller", "require_caller_pin": True}, False, False),
        ({"return_calls": "caller", "open_to_anyone": True}, False, False),
        ({"return_calls": "fixed", "fixed_number": "+447700900123"}, False, True),
    ],
)
def test_nobody_is_let_in_by_accident(
    document: dict[str, Any], has_password: bool, contradicts: bool
) -> None:
    found = contradictions(read(**document), has_password=has_password)
    assert [fault.where for fault in found] == ([("open_to_anyone",)] if contradicts else [])


def test_a_stored_setup_is_read_as_it_was() -> None:
    setup = read(
        return_calls="fixed",
        fixed_number="+447700900123",
        minimum_credit="0.25",
        hours=[{"days": ["mon"], "from": "08:00", "to": "18:00"}],
        caller_id_number={"set_by": "user", "value": "+442071838750"},
        ring_seconds=5,
    )
    document = json.loads(json.dumps(to_document(setup)))
    assert "ring_seconds" not in document  # the default
    assert document["minimum_credit"] == "0.25"
    assert from_document(document) == setup
    assert from_document({}) == CallbackSetup()
    assert from_document(dict(document)) is from_document(document)
